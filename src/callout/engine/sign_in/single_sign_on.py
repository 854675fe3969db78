"""Signing in at a trusted issuer: OpenID Connect Core 1.0 section 3.1, the code flow with PKCE (RFC 7636).

What has to be remembered until the browser comes back (state, nonce, code verifier) is sealed into a cookie of that
browser, so an answer that another browser was given is worth nothing in it. Who signs in is a user whom the issuer's
mapping leads to: nobody is made by signing in.
"""

from __future__ import annotations

import base64
import hmac
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote_plus, urlsplit

from callout.core.errors import Refused
from callout.core.explanation import Remedy
from callout.core.jose import TokenRefused, claim_text
from callout.core.message import HttpRequest, HttpResponse, form_body
from callout.core.model.issuers import CLIENT_SECRET, TrustedIssuer
from callout.core.model.org import Org
from callout.core.model.sign_in import Proven
from callout.core.oauth2.authorization import AuthorizationResponse, code_challenge, random_text
from callout.core.oauth2.refusal import members_of, shown
from callout.core.secret import Secret, reveal  # noqa: TID251 - the client's secret goes into its request
from callout.engine.issuers import CallerTokens, unmapped, user_of
from callout.engine.secret_values import opened
from callout.engine.sign_in.attempts import of_address
from callout.engine.sign_in.refusals import SignInRefused
from callout.engine.sign_in.signing_in import Browser, SignedIn, SigningIn, is_person

#: Where the issuer sends the browser back to.
CALLBACK = "/setup/sign-in/callback"
#: How long a browser may take to come back, and one request to the issuer, in seconds.
PATIENCE, EACH_SECONDS = 600.0, 30.0
#: How long it is believed what an issuer said of itself, and that it said nothing of use, in seconds.
METADATA_FRESH, METADATA_FAILED = 300.0, 5.0
_KIND = "single_sign_on"
#: What issuers say of an address that is not verified: some say it in text (OpenID Connect Core 1.0 section 5.1: JSON).
_UNVERIFIED = (False, "false", "False")
_RANDOM_BYTES = 32


@dataclass(frozen=True, slots=True)
class Begun:
    """Where the browser goes, and what it keeps meanwhile, for a cookie."""

    url: str
    text: str = field(repr=False)


class SingleSignOn:
    """Sends browsers to issuers and takes them back. One for each process; what one begins every other completes."""

    def __init__(self, signing_in: SigningIn) -> None:
        self._signing_in = signing_in
        self._setup = signing_in.setup
        self._links = signing_in.links
        self._transport = self._setup.transport
        self._tokens = CallerTokens(self._transport, self._setup.clock)
        self._told: dict[tuple[object, ...], tuple[float, Mapping[str, Any] | SignInRefused]] = {}

    @property
    def redirect_uri(self) -> str:
        """What is registered at the issuer for the client."""
        return self._links.public_url + CALLBACK

    async def offered(self) -> list[tuple[str, str]]:
        """Return name and label of each issuer at which people sign in."""
        org = await self._setup.org()
        issuers = (issuer for _, issuer in sorted(org.trusted_issuers.items()) if issuer.client_id)
        return [(issuer.name, issuer.label or issuer.name) for issuer in issuers]

    async def begin(self, name: str, next_path: str) -> Begun:
        """Return where a browser signs in (section 3.1.2.1). Raises `SignInRefused`."""
        issuer = _issuer(await self._setup.org(), name)
        endpoint = _endpoint(issuer, await self._metadata(issuer), "authorization_endpoint")
        state, nonce, verifier = (random_text(self._setup.entropy.bytes(_RANDOM_BYTES)) for _ in range(3))
        fields = (
            ("response_type", "code"),
            ("client_id", issuer.client_id),
            ("redirect_uri", self.redirect_uri),
            ("scope", issuer.scope),
            ("state", reveal(state)),
            ("nonce", reveal(nonce)),
            ("code_challenge", code_challenge(verifier)),
            ("code_challenge_method", "S256"),
        )
        kept = {"issuer": name, "state": reveal(state), "nonce": reveal(nonce), "verifier": reveal(verifier)}
        joint = "&" if urlsplit(endpoint).query else "?"
        url = endpoint.removesuffix("?") + joint + reveal(form_body(fields))
        return Begun(url, self._links.seal(_KIND, {**kept, "next": next_path}, PATIENCE))

    async def complete(
        self, text: str, state: str, response: AuthorizationResponse, browser: Browser
    ) -> tuple[SignedIn, str]:
        """Sign in whom an answer proves; returns also where they wanted to go. Raises `SignInRefused`."""
        kept = self._links.open(_KIND, text)
        if kept is None or not hmac.compare_digest(str(kept["state"]).encode(), state.encode()):
            detail = "got an answer that this browser did not ask for, or asked for too long ago; expected its own"
            raise _failed(detail, "Sign in again, in one browser, with cookies")
        allowances = of_address(browser.address)
        await self._signing_in.count(allowances)
        org = await self._setup.org()
        issuer = _issuer(org, str(kept["issuer"]))
        try:
            metadata = await self._metadata(issuer)
            code = _code(issuer, metadata, response)
            token = await self._exchange(issuer, metadata, code, str(kept["verifier"]))
            claims = await self._judged(issuer, token, str(kept["nonce"]))
        except SignInRefused as refused:
            await self._note(issuer, refused.detail)
            raise
        user = user_of(issuer, claims)
        if user is None or not is_person(org, user):
            await self._note(issuer, "nobody whom it leads to")
            raise _nobody(issuer, claims, user)
        await self._signing_in.sign_ins.succeeded(allowances)
        signed_in = await self._signing_in.begin(user, Proven.SINGLE_SIGN_ON, issuer.name, browser)
        return signed_in, str(kept["next"])

    async def _note(self, issuer: TrustedIssuer, why: str) -> None:
        act = self._setup.act("guest", "sign in failed", f"single sign-on of {issuer.name}: {why[:300]}")
        await self._signing_in.sign_ins.failed(act)

    async def _metadata(self, issuer: TrustedIssuer) -> Mapping[str, Any]:
        """Return what an issuer says of itself, as it said some minutes ago: strangers make us ask, and must not often."""
        now = self._setup.clock.monotonic()
        until, told = self._told.get(issuer.verification, (now, None))
        if told is None or until <= now:
            try:
                told, life = await self._tokens.discovered(issuer), METADATA_FRESH
            except Refused as refused:
                told = _failed(f"{issuer.name} does not say where people sign in: {refused.detail}")
                life = METADATA_FAILED
            self._told[issuer.verification] = (now + life, told)
        if isinstance(told, SignInRefused):
            raise _failed(told.detail)
        return told

    async def _exchange(self, issuer: TrustedIssuer, metadata: Mapping[str, Any], code: Secret, verifier: str) -> bytes:
        """Exchange the code for an id token (section 3.1.3)."""
        endpoint = _endpoint(issuer, metadata, "token_endpoint")
        stored = await self._setup.user_external_credentials.secrets(issuer.key)
        secret = opened(self._setup, issuer.key, stored, CLIENT_SECRET)
        fields: tuple[tuple[str, str | Secret], ...] = (
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.redirect_uri),
            ("code_verifier", Secret(verifier)),
        )
        request = HttpRequest("POST", endpoint).with_headers(
            ("Accept", "application/json"), ("Content-Type", "application/x-www-form-urlencoded")
        )
        if secret is not None and _takes_basic(metadata):
            pair = f"{quote_plus(issuer.client_id)}:{quote_plus(reveal(secret))}".encode()
            request = request.with_headers(("Authorization", Secret(f"Basic {base64.b64encode(pair).decode()}")))
        else:
            fields += (("client_id", issuer.client_id), *((("client_secret", secret),) if secret is not None else ()))
        answer = await self._sent(issuer, replace(request, body=form_body(fields)))
        members = members_of(answer)
        token = members.get("id_token")
        if answer.status != 200 or not isinstance(token, str):
            said = shown(str(members.get("error") or "no id_token"), ())
            detail = f"the token endpoint of {issuer.name} answered {answer.status} ({said}); expected an id_token"
            command = f"callout trusted-issuer set-secret {shlex.quote(issuer.name)} client_secret=-"
            raise _failed(
                detail, "Compare client_id, its secret and the redirect URI with those of the issuer", command
            )
        return token.encode("utf-8", "replace")

    async def _sent(self, issuer: TrustedIssuer, request: HttpRequest) -> HttpResponse:
        try:
            return await self._transport.send(
                request, allow_private_network=issuer.allow_private_network, timeout_seconds=EACH_SECONDS
            )
        except Refused as refused:
            raise _failed(f"the token endpoint of {issuer.name}: {refused.detail}") from None

    async def _judged(self, issuer: TrustedIssuer, token: bytes, nonce: str) -> Mapping[str, Any]:
        """Return the claims of an id token that is for this client and this sign-in (section 3.1.3.7)."""
        try:
            claims = await self._tokens.claims(replace(issuer, audience=issuer.client_id), token)
        except (TokenRefused, Refused) as error:
            raise _failed(f"the id_token of {issuer.name}: {getattr(error, 'detail', error)}") from None
        party = claims.get(
            "azp", None if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 else issuer.client_id
        )
        if party != issuer.client_id:
            raise _failed(f"got an id_token of {issuer.name} for another party (azp); expected {issuer.client_id}")
        given = claim_text(claims, "nonce") or ""
        if not hmac.compare_digest(given.encode(), nonce.encode()):
            raise _failed(f"got an id_token of {issuer.name} with another nonce; expected that of this sign-in")
        if issuer.user_claim == "email" and claims.get("email_verified") in _UNVERIFIED:
            raise _failed(f"got an address from {issuer.name} that it has not verified; expected email_verified: true")
        return claims


def _issuer(org: Org, name: str) -> TrustedIssuer:
    issuer = org.trusted_issuers.get(name)
    if issuer is None or not issuer.client_id:
        raise _failed(f"got {name[:80]!r}, at which nobody signs in; expected a trusted issuer with a client_id")
    return issuer


def _endpoint(issuer: TrustedIssuer, metadata: Mapping[str, Any], name: str) -> str:
    """Return an endpoint of an issuer that may be used: over TLS, unless its network is private."""
    url = metadata.get(name)
    schemes = ("https://", "http://") if issuer.allow_private_network else ("https://",)
    if not isinstance(url, str) or not url.startswith(schemes) or not url.isascii() or not url.isprintable():
        raise _failed(f"{issuer.name} says {shown(str(url), ())} for {name}; expected an https URL")
    return url


def _takes_basic(metadata: Mapping[str, Any]) -> bool:
    """Say whether the client's secret goes into the header, which is what an issuer takes that does not say."""
    methods = metadata.get("token_endpoint_auth_methods_supported")
    return not isinstance(methods, list) or "client_secret_basic" in methods or "client_secret_post" not in methods


def _code(issuer: TrustedIssuer, metadata: Mapping[str, Any], response: AuthorizationResponse) -> Secret:
    """Return the code of an authorization response; its issuer is judged first (RFC 9207)."""
    named = metadata.get("authorization_response_iss_parameter_supported") is True
    if (response.iss is not None or named) and response.iss != issuer.issuer:
        raise _failed(f"got an answer of another issuer than {issuer.issuer}, or without iss (RFC 9207)")
    if response.error is not None:
        more = f" ({shown(response.error_description, ())})" if response.error_description else ""
        raise _failed(f"{issuer.name} answered error {shown(response.error, ())}{more}; expected a code")
    if response.code is None:
        raise _failed(f"{issuer.name} answered with neither code nor error; expected a code")
    return response.code


def _nobody(issuer: TrustedIssuer, claims: Mapping[str, Any], user: str | None) -> SignInRefused:
    if user is None:
        step = unmapped(issuer, "user", issuer.user_claim, claim_text(claims, issuer.user_claim))
        return SignInRefused("sign_in_refused", step.detail, *step.remedies)
    remedy = Remedy("Ask an admin to define you as a user", "callout user set USER")
    return SignInRefused(
        "sign_in_refused", f"{issuer.name} leads to {user[:80]!r}, who is no active person here", remedy
    )


def _failed(detail: str, text: str = "", command: str = "") -> SignInRefused:
    return SignInRefused("single_sign_on_failed", detail, *((Remedy(text, command or None),) if text else ()))
