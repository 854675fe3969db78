"""What every OAuth 2.0 protocol does alike: asking with the client's proof, sending the token, refreshing, revoking.

A grant's own file says only which fields ask for a token. Where an answer brings a refresh token, that is spent first
(RFC 6749 section 6); where it is over, a grant that needs no person is asked for anew.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from callout.core.explanation import Remedy
from callout.core.message import HttpRequest, HttpResponse
from callout.core.oauth2.answer import token_from, with_token
from callout.core.oauth2.client import Field
from callout.core.oauth2.discovery import discovered
from callout.core.oauth2.dpop import NONCE, is_challenge, nonce_in, nonce_wanted
from callout.core.oauth2.parameters import (
    DPOP_CERTIFICATE,
    INTROSPECTION_ENDPOINT,
    ISSUER,
    REVOCATION_ENDPOINT,
    SCOPE,
    TOKEN_ENDPOINT,
)
from callout.core.oauth2.refusal import TokenRefused
from callout.core.oauth2.request import client_request, token_request
from callout.core.protocol import (
    Asking,
    AuthenticationProtocol,
    Conversation,
    Flow,
    Moment,
    Needs,
    Token,
    Values,
    with_defaults,
)
from callout.core.secret import Secret

#: Errors that say that a refresh token is of no use (any more), or not for the declared scope, and another grant may be.
_OVER = frozenset({"invalid_grant", "invalid_scope", "unauthorized_client", "unsupported_grant_type"})


class OAuth2Protocol(AuthenticationProtocol):
    """A protocol whose token an authorization server issues; sent as a bearer token, or bound to a key (DPoP)."""

    writes = ("Authorization", "DPoP")
    obtains = True
    hears = True
    revoked_at = (REVOCATION_ENDPOINT.name, ISSUER.name)

    @classmethod
    def needs(cls, parameters: Mapping[str, str]) -> Needs:
        """Return that a proof is made of the head of a request (RFC 9449 section 4.2), where tokens are bound to a key."""
        return Needs.HEAD if parameters.get(DPOP_CERTIFICATE.name) else Needs.NOTHING

    @property
    def told(self) -> Values:
        """The values, with the declared defaults of parameters that are not given."""
        return replace(self.values, parameters=with_defaults(type(self), self.values.parameters))

    def apply(self, request: HttpRequest, token: Token | None, moment: Moment) -> HttpRequest:
        """Add `Authorization`, and a proof of the key where tokens are bound to one."""
        bound = bool(self.values.text(DPOP_CERTIFICATE.name))
        return with_token(request, token, moment, self.values.key_pair(DPOP_CERTIFICATE.name) if bound else None)

    def heard(self, status: int, headers: Mapping[str, str]) -> str | None:
        """Return the nonce that an answer brings for the next proof (RFC 9449 section 8.2)."""
        del status
        return nonce_in(headers.get(NONCE))

    def challenged(self, status: int, headers: Mapping[str, str]) -> bool:
        """Say whether the resource server wants the same request with its nonce (RFC 9449 section 9)."""
        return is_challenge(status, headers)

    def revocation(self, token: Token | None, moment: Moment) -> tuple[str, Asking] | None:
        """Revoke the refresh token, with which the access tokens of its grant go, or else the access token (RFC 7009)."""
        if token is None:
            return None
        if token.refresh_token is not None:
            return self.revoking("refresh_token", token.refresh_token, moment)
        return self.revoking("access_token", token.access_token, moment)

    def revoking(self, kind: str, text: Secret, moment: Moment) -> tuple[str, Asking] | None:
        """Return what revokes a token of this kind; None where no endpoint can be known."""
        if not self._may_know(REVOCATION_ENDPOINT.name):
            return None
        return kind, self._asked_of(REVOCATION_ENDPOINT.name, moment, ("token", text), ("token_type_hint", kind))

    def introspection(self, token: Token, moment: Moment) -> Asking | None:
        """Ask about the access token (RFC 7662)."""
        if not self._may_know(INTROSPECTION_ENDPOINT.name):
            return None
        fields: tuple[Field, ...] = (("token", token.access_token), ("token_type_hint", "access_token"))
        return self._asked_of(INTROSPECTION_ENDPOINT.name, moment, *fields)

    def _may_know(self, endpoint: str) -> bool:
        return bool(self.values.text(endpoint) or self.values.text(ISSUER.name))

    def _asked_of(self, endpoint: str, moment: Moment, *fields: Field) -> Asking:
        values = yield from discovered(self.told, endpoint, required=False)
        url = values.text(endpoint)
        if not url:
            return None
        return (yield client_request(values, moment, url, fields))

    # --- asking for a token ------------------------------------------------------------------------------------

    def granted(
        self,
        moment: Moment,
        *fields: Field,
        values: Values | None = None,
        refreshing: bool = False,
        scoped: bool = True,
    ) -> Flow:
        """Ask the token endpoint, and read the token. `values`: those where it is known. Raises `TokenRefused`."""
        values = yield from discovered(values or self.told, TOKEN_ENDPOINT.name)
        response = yield from _asked(values, moment, fields, refreshing=refreshing, scoped=scoped)
        sent = tuple(value for _, value in fields if isinstance(value, Secret))
        return token_from(response, moment.now, values, scrub=(*values.secrets.values(), *sent))

    def refreshed(
        self, moment: Moment, refresh_token: Secret, values: Values | None = None, *, granted: str | None = None
    ) -> Flow:
        """Spend a refresh token. Where the answer brings none, the one that was sent stays good (RFC 6749 section 6).

        `granted` is the scope that the server said it granted: no more than that is asked for. Where it is less than is
        declared, no scope is sent, which means the same; where the answer states none, it is what it was.
        """
        fields: tuple[Field, ...] = (("grant_type", "refresh_token"), ("refresh_token", refresh_token))
        within = granted is None or set(self.values.text(SCOPE.name).split()) <= set(granted.split())
        fresh = yield from self.granted(moment, *fields, values=values, refreshing=True, scoped=within)
        return replace(fresh, refresh_token=fresh.refresh_token or refresh_token, scope=fresh.scope or granted)

    def connected(self, moment: Moment, refresh_token: Secret, *, granted: str | None = None) -> Flow:
        """Spend a refresh token that only a person can replace: where it is over, that is `reconnect_required`."""
        try:
            return (yield from self.refreshed(moment, refresh_token, granted=granted))
        except TokenRefused as refused:
            if refused.error != "invalid_grant" or refused.transient:
                raise
            raise reconnecting(refused) from None


class RepeatableGrant(OAuth2Protocol):
    """A grant that is asked for anew whenever a token is needed: it needs no person."""

    refreshes: ClassVar[bool] = True  # whether a refresh token that an answer brings is of use
    invalid_grant: ClassVar[str] = ""  # what mends the answer invalid_grant
    worded: ClassVar[frozenset[str]] = frozenset({"invalid_grant"})  # the errors that say that of this grant

    @abstractmethod
    def fields(self, values: Values, moment: Moment) -> tuple[Field, ...]:
        """Return what asks for the grant; the token endpoint is known. Raises `Refused`."""

    def obtain(self, moment: Moment, token: Token | None) -> Flow:
        """Spend the refresh token, where there is one; ask for the grant itself, where there is none or it is over."""
        values = yield from discovered(self.told, TOKEN_ENDPOINT.name)
        kept = token.refresh_token if token is not None and self.refreshes else None
        if kept is not None:
            try:
                return (yield from self.refreshed(moment, kept, values))
            except TokenRefused as refused:
                if refused.transient or refused.error not in _OVER:
                    raise
        try:
            return (yield from self.granted(moment, *self.fields(values, moment), values=values))
        except TokenRefused as refused:
            if refused.error not in self.worded or refused.transient or not self.invalid_grant:
                raise
            raise self.refused_grant(refused) from None

    def refused_grant(self, refused: TokenRefused) -> TokenRefused:
        """Word that the server calls the grant invalid, with what mends it."""
        remedy = Remedy(self.invalid_grant)
        return TokenRefused(refused.reason.code, refused.detail, remedy, error=refused.error, status=refused.status)


def reconnecting(refused: TokenRefused) -> TokenRefused:
    """Word that no further request with a grant can help: it has to be given anew."""
    return TokenRefused("reconnect_required", refused.detail, error=refused.error, status=refused.status)


def _asked(
    values: Values, moment: Moment, fields: tuple[Field, ...], *, refreshing: bool, scoped: bool
) -> Conversation[HttpResponse]:
    """Ask the token endpoint; once more with its nonce, where it wants one in the proof (RFC 9449 section 8)."""
    response = yield token_request(values, moment, *fields, refreshing=refreshing, scoped=scoped)
    nonce = nonce_wanted(response) if values.text(DPOP_CERTIFICATE.name) else None
    if nonce is None:
        return response
    return (yield token_request(values, moment, *fields, refreshing=refreshing, scoped=scoped, nonce=nonce))
