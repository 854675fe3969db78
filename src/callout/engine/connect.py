"""Connecting: a person authorizes at the authorization server, and the token that comes of it is stored.

An attempt belongs to the browser session that began it and is good once, for ten minutes. Whoever completes it is
judged again: what they were allowed to begin may have been taken back. A new authorization ends whatever was known of
the old one; a refresh that is under way meanwhile loses its lease (`Connections.connect`).

The old refresh token is not revoked when a new authorization takes its place: at many providers both are of one grant,
and revoking one would end the other. `callout disconnect` revokes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

from callout.core.access.keys import setting_values
from callout.core.errors import Outdated, Refused
from callout.core.explanation import Remedy
from callout.core.interactive import Conversation, Interactive
from callout.core.message import HttpRequest, HttpResponse
from callout.core.model.connections import Attempt, Link
from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.model.org import Org
from callout.core.oauth2 import TokenRefused, sealable
from callout.core.oauth2.authorization import AuthorizationResponse, random_text
from callout.core.oauth2.device import next_interval, worded_end
from callout.core.oauth2.parameters import AUTHORIZATION_ENDPOINT, ISSUER, SCOPE, TOKEN_ENDPOINT, USERINFO_ENDPOINT
from callout.core.oauth2.refusal import members_of
from callout.core.ports import FIRST, Connections, StoredToken, Transport
from callout.core.protocol import CONNECTION, Moment, Token, Values, required_secrets
from callout.core.refresh.epoch import fingerprint_of
from callout.core.refresh.state import connecting
from callout.core.secret import Secret, reveal  # noqa: TID251 - the address goes to the browser; what is opened was sealed here
from callout.engine.connect_links import Links, digest_of_text
from callout.engine.scopes import Reader
from callout.engine.secret_values import Holder, holder
from callout.engine.setup import MOST_ATTEMPTS, Setup
from callout.engine.slots import Sources, opened_values, private_token_endpoint, secret_row, token_row

#: How long a browser may take to come back, in seconds.
PATIENCE = 600.0
#: How long one request to an authorization server may take, in seconds.
EACH_SECONDS = 30.0
#: Characters of the name of an account that are kept.
LONGEST_ACCOUNT = 200
_ACCOUNT = ("email", "preferred_username", "login", "name", "sub")

#: The parameters of which the first that is given tells people whose server it is.
_OF_THE_SERVER = (AUTHORIZATION_ENDPOINT.name, ISSUER.name, TOKEN_ENDPOINT.name)

T = TypeVar("T")
#: Raises `CalloutError` unless somebody may connect a principal (and user) now. Who is a user; empty: the admin of a home.
Judge = Callable[[Org, UserExternalCredentialKey, str, datetime], None]


@dataclass(frozen=True, slots=True)
class Offer:
    """What somebody is asked to agree to: everything that the confirm page shows, no secret among it."""

    key: UserExternalCredentialKey
    label: str
    description: str
    server: str
    places: tuple[str, ...]
    scope: str
    connected_at: str | None


@dataclass(frozen=True, slots=True)
class Connected:
    """What a connection came to. `account` is whose it is at the external system, where that could be learned."""

    key: UserExternalCredentialKey
    account: str
    return_url: str


@dataclass(frozen=True, slots=True)
class Ready:
    """A principal that can be connected, with its values opened."""

    org: Org
    one: Holder
    protocol: Interactive
    fingerprint: str
    private: bool

    @property
    def values(self) -> Values:
        """Its parameters and secrets."""
        return self.protocol.values


class Connecting:
    """Begins and completes connections. One for each process; what it begins another may complete.

    `who` is a user everywhere; an empty text is the admin of a home.
    """

    def __init__(
        self,
        setup: Setup,
        connections: Connections,
        links: Links,
        transport: Transport,
        judge: Judge,
        return_origins: Collection[str] = (),
    ) -> None:
        self._setup = setup
        self._judge = judge
        self._connections = connections
        self.links = links
        self._transport = transport
        self._origins = {origin.rstrip("/").lower() for origin in (*return_origins, origin_of(links.public_url))} - {""}

    # --- what is offered --------------------------------------------------------------------------------------

    async def offer(self, key: UserExternalCredentialKey, who: str) -> Offer:
        """Say what would be connected, to somebody who may. Raises `CalloutError`."""
        ready = await self._ready(key, who)
        external, parameters = ready.one.external, ready.values.parameters
        provider = ready.org.provider_of(external)
        server = next(filter(None, map(parameters.get, _OF_THE_SERVER)), "")
        using = (n for _, n in sorted(ready.org.named_credentials.items()) if n.external_credential == external.name)
        return Offer(
            key,
            external.label or (provider.label if provider is not None else "") or external.name,
            external.description,
            urlsplit(server).netloc,
            tuple(dict.fromkeys(urlsplit(named.url).netloc for named in using)),
            parameters.get(SCOPE.name, ""),
            (await self.record(key))["connected_at"],
        )

    async def record(self, key: UserExternalCredentialKey) -> dict[str, Any]:
        """Say whether a principal (and user) is connected: since when, by whom, and to whose account."""
        sealed = (await self._setup.user_external_credentials.secrets(key)).get(CONNECTION)
        shown: dict[str, Any] = {"reference": str(key), "connected": sealed is not None}
        if sealed is None:
            return shown | {"connected_at": None, "connected_by": None, "account": None, "scope": None}
        kept = json.loads(reveal(self._setup.vault.open(sealed, row=secret_row(key, CONNECTION))))
        told = {"connected_at": kept["at"], "connected_by": kept["by"] or "local"}
        return shown | told | {"account": kept["account"] or None, "scope": kept["scope"]}

    def allowed_return(self, url: str) -> str:
        """Return an address that one may be sent back to, or an empty text. Raises `Refused(malformed_request)`."""
        if url and (origin_of(url).lower() not in self._origins or not url.isascii() or not url.isprintable()):
            detail = f"got a return_url at {origin_of(url)[:100]!r}; expected one of an origin that is allowed"
            remedy = Remedy("An admin allows an origin with CALLOUT_CONNECT_RETURN_ORIGINS")
            raise Refused("malformed_request", detail, remedy)
        return url

    async def demand_unspent(self, link: Link) -> None:
        """Raise `Refused(connection_failed)` for a link that was used."""
        if await self._connections.is_spent(digest_of_text("link", link.id)):
            raise _spent()

    # --- in a browser -----------------------------------------------------------------------------------------

    async def begin(
        self,
        key: UserExternalCredentialKey,
        who: str,
        *,
        session: str,
        return_url: str = "",
        link: Link | None = None,
    ) -> str:
        """Return where the browser goes to authorize. Raises `CalloutError`."""
        return_url = self.allowed_return(return_url)
        if link is not None:
            await self.demand_unspent(link)
        ready = await self._ready(key, who)
        state, verifier = (random_text(self._setup.entropy.bytes(32)) for _ in range(2))
        asking = ready.protocol.authorization_request(
            redirect_uri=self.links.callback_url, state=state, code_verifier=verifier
        )
        url = await self._converse(asking, ready)
        digest = digest_of_text("state", state)
        ends = self._setup.now() + timedelta(seconds=PATIENCE)
        kept = {"code_verifier": reveal(verifier), "redirect_uri": self.links.callback_url}
        kept |= {"link_ends": link.expires_at.isoformat()} if link is not None else {}
        attempt = self._attempt(digest, ready, who, kept, ends)
        spent = digest_of_text("link", link.id) if link is not None else b""
        whole = replace(attempt, session=digest_of_text("session", session), return_url=return_url, link=spent)
        await self._connections.put_attempt(whole)
        return reveal(url)

    async def complete(self, state: str, response: AuthorizationResponse, *, session: str) -> Connected:
        """Exchange the code and store the token. Raises `CalloutError`; the attempt is over in any case."""
        attempt = await self._taken(state, session)
        ready = await self._ready(attempt.key, attempt.who)
        if ready.fingerprint != attempt.fingerprint:
            raise _moved(attempt.key)
        _demand_own_server(ready, response)
        kept = self._opened(attempt)
        code = await self._converse(ready.protocol.authorized(response), ready)
        flow = ready.protocol.exchange(
            self._moment(ready), code, redirect_uri=kept["redirect_uri"], code_verifier=Secret(kept["code_verifier"])
        )
        try:
            token = await self._converse(flow, ready)
        except TokenRefused as refused:
            raise _not_exchanged(refused) from refused
        return await self._store(attempt, ready, token, kept)

    async def return_url_of(self, state: str, session: str) -> str:
        """Return where the browser of an attempt wants to go back to; empty where the attempt is not its own."""
        attempt = await self._connections.attempt(digest_of_text("state", state))
        mine = attempt is not None and attempt.session == digest_of_text("session", session)
        return attempt.return_url if attempt is not None and mine else ""

    async def _taken(self, state: str, session: str) -> Attempt:
        """Take the attempt of a state, where it is this browser's. Another browser leaves it as it is."""
        digest = digest_of_text("state", state)
        attempt = await self._connections.attempt(digest)
        if attempt is not None and attempt.session != digest_of_text("session", session):
            detail = "got an authorization that another browser asked for; expected one that this browser began"
            raise Refused("connection_failed", detail, Remedy("Begin in this browser, from the link"))
        attempt = await self._connections.take_attempt(digest) if attempt is not None else None
        if attempt is None or attempt.expires_at <= self._setup.now():
            detail = (
                f"got an authorization that is not waited for: it was used, or is older than {PATIENCE / 60:g} minutes"
            )
            raise Refused("connection_failed", f"{detail}; expected one that was just begun", Remedy("Begin again"))
        return attempt

    # --- on another device ------------------------------------------------------------------------------------

    async def begin_device(self, key: UserExternalCredentialKey, who: str) -> dict[str, Any]:
        """Ask for a device code: what the user is shown, and the handle to poll with. Raises `CalloutError`."""
        ready = await self._ready(key, who)
        given = await self._converse(ready.protocol.device_authorization(self._moment(ready)), ready)
        handle = random_text(self._setup.entropy.bytes(32))
        ends = self._setup.now() + timedelta(seconds=given.expires_in)
        kept = {"device_code": reveal(given.device_code), "interval": given.interval}
        await self._connections.put_attempt(self._attempt(digest_of_text("device", handle), ready, who, kept, ends))
        return {
            "handle": reveal(handle),
            "user_code": given.user_code,
            "verification_uri": given.verification_uri,
            "verification_uri_complete": given.verification_uri_complete,
            "interval": given.interval,
            "expires_at": ends,
        }

    async def poll_device(self, handle: str, who: str) -> dict[str, Any]:
        """Ask once whether the code was entered: `connected`, or `pending` and after how many seconds to ask again."""
        attempt = await self._connections.attempt(digest_of_text("device", handle))
        if attempt is None or attempt.expires_at <= self._setup.now() or attempt.who != who:
            detail = "got a device code that has ended, or is another's; expected one that is waited for"
            raise Refused("connection_failed", detail, Remedy("Begin again"))
        ready = await self._ready(attempt.key, who)
        if ready.fingerprint != attempt.fingerprint:
            raise _moved(attempt.key)
        kept = self._opened(attempt)
        try:
            flow = ready.protocol.poll(self._moment(ready), Secret(kept["device_code"]))
            token = await self._converse(flow, ready)
        except TokenRefused as refused:
            interval = next_interval(refused, kept["interval"])
            if interval is None:
                await self._connections.take_attempt(attempt.digest)
                raise worded_end(refused) from refused
            await self._connections.change_attempt(self._sealed(attempt, {**kept, "interval": interval}))
            return {"state": "pending", "interval": interval, "expires_at": attempt.expires_at}
        if await self._connections.take_attempt(attempt.digest) is None:
            raise Refused("connection_failed", "got a device code twice; expected it once", Remedy("Begin again"))
        connected = await self._store(attempt, ready, token, kept)
        return {"state": "connected", "reference": str(connected.key), "account": connected.account}

    # --- both -------------------------------------------------------------------------------------------------

    async def _ready(self, key: UserExternalCredentialKey, who: str) -> Ready:
        """Judge whether the caller may connect this principal, and open what that takes. Raises `CalloutError`."""
        setup = self._setup
        org = await setup.org()
        self._judge(org, key, who, setup.now())
        one = holder(org, key.external_credential, key.principal, key.user or None)
        protocol = setup.catalogue[one.external.protocol]
        if not issubclass(protocol, Interactive):
            known = ", ".join(sorted(name for name, each in setup.catalogue.items() if each.interactive))
            detail = f"got {key} of protocol {one.external.protocol}, which nobody authorizes; expected one of {known}"
            raise Refused("malformed_request", detail, Remedy("Set its secrets instead", "callout secret set --help"))
        sources = Sources.of(org, one.external, one.principal, key)
        values = await opened_values(setup.user_external_credentials, setup.vault, sources)
        missing = required_secrets(protocol, values.parameters) - org.values_set(one.external, key)
        if missing:
            detail = f"{key} lacks {', '.join(sorted(missing))}; expected a value for each before it is connected"
            raise Refused("principal_not_configured", detail, *setting_values(org, one.external, key, missing))
        return Ready(
            org,
            one,
            protocol(values),
            fingerprint_of(org, one.external, one.principal, key),
            private_token_endpoint(org, one.external.name),
        )

    def _moment(self, ready: Ready, token: Token | None = None) -> Moment:
        key = ready.one.key
        reader = Reader(key.user, ready.org.users.get(key.user))
        return self._setup.scopes.moment(ready.one.external.name, ready.protocol, reader, token)

    async def _converse(self, conversation: Conversation[T], ready: Ready) -> T:
        answer: HttpResponse | None = None
        try:
            while True:
                request = next(conversation) if answer is None else conversation.send(answer)
                answer = await self._transport.send(
                    request, allow_private_network=ready.private, timeout_seconds=EACH_SECONDS
                )
        except StopIteration as stop:
            ended: T = stop.value
            return ended

    def _attempt(self, digest: bytes, ready: Ready, who: str, kept: dict[str, Any], ends: datetime) -> Attempt:
        now, key = self._setup.now(), ready.one.key
        bare = Attempt(digest, key, who, b"", ready.fingerprint, b"", "", b"", now, ends)
        return self._sealed(bare, kept)

    def _sealed(self, attempt: Attempt, kept: dict[str, Any]) -> Attempt:
        return replace(attempt, envelope=self._setup.vault.seal(Secret(json.dumps(kept)), row=_row(attempt)))

    def _opened(self, attempt: Attempt) -> dict[str, Any]:
        members: dict[str, Any] = json.loads(reveal(self._setup.vault.open(attempt.envelope, row=_row(attempt))))
        return members

    async def _store(self, attempt: Attempt, ready: Ready, token: Token, kept: dict[str, Any]) -> Connected:
        """Store the token under the definitions in force, as long as those that it was asked for with still are."""
        account = await self._account(ready, token)
        for _ in range(MOST_ATTEMPTS):
            org = await self._setup.org()
            external = org.external_credentials.get(attempt.key.external_credential)
            principal = external.principal(attempt.key.principal) if external is not None else None
            if external is None or principal is None:
                raise _moved(attempt.key)
            if fingerprint_of(org, external, principal, attempt.key) != attempt.fingerprint:
                raise _moved(attempt.key)
            versions = {**org.secret_versions, attempt.key: org.generation + 1}
            fingerprint = fingerprint_of(replace(org, secret_versions=versions), external, principal, attempt.key)
            try:
                if not await self._write(attempt, token, fingerprint, org.generation, account, kept):
                    raise _spent()
            except Outdated:
                continue
            return Connected(attempt.key, account, attempt.return_url)
        raise _moved(attempt.key)

    async def _write(
        self, attempt: Attempt, token: Token, fingerprint: str, generation: int, account: str, kept: dict[str, Any]
    ) -> bool:
        setup, key = self._setup, attempt.key
        envelope = setup.vault.seal(sealable(token), row=token_row(key, fingerprint))
        row = StoredToken(key, 1, envelope, token.issued_at, token.expires_at, FIRST, fingerprint)
        at = setup.now().isoformat()
        record = {"by": attempt.who, "account": account, "scope": token.scope, "at": at}
        sealed = setup.vault.seal(Secret(json.dumps(record)), row=secret_row(key, CONNECTION))
        what = f"{key}" + (f" to account {account}" if account else "")
        act = setup.act(attempt.who or "local", "connect principal", what)
        ends = kept.get("link_ends")
        return await self._connections.connect(
            row,
            sealed,
            act,
            expects=generation,
            link=attempt.link,
            link_ends=datetime.fromisoformat(ends) if ends else None,
        )

    async def _account(self, ready: Ready, token: Token) -> str:
        """Ask whose account it is, where that can be asked; what goes wrong with it does not matter."""
        endpoint = ready.values.text(USERINFO_ENDPOINT.name)
        if not endpoint:
            return ""
        bare = HttpRequest("GET", endpoint).with_headers(("Accept", "application/json"))
        try:
            request = ready.protocol.apply(bare, token, self._moment(ready, token))
            answer = await self._transport.send(
                request, allow_private_network=ready.private, timeout_seconds=EACH_SECONDS
            )
        except Refused:
            return ""
        members = members_of(answer) if answer.status == 200 else {}
        found = next((str(members[name]) for name in _ACCOUNT if members.get(name)), "")
        return "".join(c for c in found if c.isprintable())[:LONGEST_ACCOUNT]


def origin_of(url: str) -> str:
    """Return scheme, host and port of an address; empty where it is no http(s) address with a plain host."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or "\\" in url:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    plain = {"http": 80, "https": 443}[parts.scheme] if port is None else port
    shown = "" if plain == {"http": 80, "https": 443}[parts.scheme] else f":{plain}"
    return f"{parts.scheme}://{host}{shown}"


def _demand_own_server(ready: Ready, response: AuthorizationResponse) -> None:
    """Raise `Refused(connection_failed)` for the response of another server that is known here, where none is declared.

    Its code would go to the token endpoint of this one (mix-up, RFC 9700 section 4.4). Two that are one server may
    differ in whether its issuer is declared.
    """
    iss, own = response.iss, ready.values.parameters
    if not iss or own.get(ISSUER.name):
        return  # the protocol compares it with the issuer
    known = {ready.org.whole(each).parameters.get(ISSUER.name) for each in ready.org.external_credentials.values()}
    if iss in known and urlsplit(iss).netloc != urlsplit(own.get(AUTHORIZATION_ENDPOINT.name, "")).netloc:
        detail = f"got an authorization response of issuer {iss!r}, which another external credential names"
        remedy = Remedy(f"Declare issuer for {ready.one.external.name}, or its provider, if that server is meant")
        raise Refused("connection_failed", f"{detail}; expected one of its own server (RFC 9207)", remedy)


def _row(attempt: Attempt) -> str:
    return f"attempt/{attempt.digest.hex()}/{attempt.key}"


def _spent() -> Refused:
    detail = "got a link that was used; expected one that was not: each is good once"
    return Refused("connection_failed", detail, Remedy("Ask for a new link, or repeat the callout"))


def _moved(key: UserExternalCredentialKey) -> Refused:
    detail = f"the secrets or definitions of {key} changed since this began; expected them to stay"
    return Refused("connection_failed", detail, connecting(key))


def _not_exchanged(refused: TokenRefused) -> Refused:
    """A code that is refused was used, is too old, or was fetched with another redirect URI: only a new one helps."""
    if refused.error != "invalid_grant":
        return refused
    return Refused("connection_failed", refused.detail, Remedy("Begin again: a code is good once, and for minutes"))
