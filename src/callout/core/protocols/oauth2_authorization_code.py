"""OAuth 2.0 authorization code grant (RFC 6749 section 4.1) with PKCE (RFC 7636), and the device grant (RFC 8628).

Somebody authorizes in a browser, once; from then on the refresh token is spent and rotated as in every other grant.
"""

from __future__ import annotations

from dataclasses import replace

from callout.core.errors import Refused
from callout.core.interactive import Conversation, Interactive
from callout.core.message import HttpRequest
from callout.core.oauth2 import (
    TokenRefused,
    bearer,
    introspection_request,
    revocation_request,
    token_from,
    token_request,
)
from callout.core.oauth2.authorization import authorization_url, code_grant
from callout.core.oauth2.device import DeviceAuthorization, device_authorization_from, device_grant, device_request
from callout.core.oauth2.parameters import AUTHORIZATION, CLIENT, DIALECT, REFRESH_DIALECT, TOKEN_CARE
from callout.core.oauth2.request import Field
from callout.core.protocol import Flow, Moment, Token
from callout.core.secret import Redactable, Secret


class OAuth2AuthorizationCode(Interactive):
    """Sends the token of an authorization that a person gave, as a bearer token (RFC 6750 section 2.1)."""

    name = "oauth2_authorization_code"
    title = "OAuth 2.0 authorization code (browser or device)"
    parameters = (*CLIENT, *AUTHORIZATION, *DIALECT, *REFRESH_DIALECT, *TOKEN_CARE)
    writes = ("Authorization",)
    obtains = True
    spends = True

    def authorization_request(self, *, redirect_uri: str, state: Secret, code_verifier: Secret) -> Redactable:
        """Return where the browser goes (RFC 6749 section 4.1.1)."""
        return authorization_url(self.values, redirect_uri=redirect_uri, state=state, code_verifier=code_verifier)

    def exchange(self, moment: Moment, code: Secret, *, redirect_uri: str, code_verifier: Secret) -> Flow:
        """Exchange the code (RFC 6749 section 4.1.3). A code that is refused has to be fetched anew."""
        grant = code_grant(self.values, code, redirect_uri=redirect_uri, code_verifier=code_verifier)
        return self._granted(moment, grant, code, code_verifier)

    def device_authorization(self, moment: Moment) -> Conversation[DeviceAuthorization]:
        """Ask for a device code (RFC 8628 section 3.1)."""
        del moment
        response = yield device_request(self.values)
        return device_authorization_from(response, self.values)

    def poll(self, moment: Moment, device_code: Secret) -> Flow:
        """Ask once whether the device was authorized (RFC 8628 section 3.4)."""
        return self._granted(moment, device_grant(device_code), device_code)

    def _granted(self, moment: Moment, grant: tuple[Field, ...], *sent: Secret) -> Flow:
        response = yield token_request(self.values, *grant, scoped=False)
        return token_from(response, moment.now, self.values, scrub=(*self.values.secrets.values(), *sent))

    def obtain(self, moment: Moment, token: Token | None) -> Flow:
        """Spend the newest refresh token. Where the answer brings none, the one that was sent stays good (section 6).

        Without an authorization it is `authorization_required`. It is `reconnect_required` where the grant is over:
        the server says `invalid_grant`, or the token has expired and no refresh token came with it.
        """
        if token is None:
            raise Refused("authorization_required", "got no token; expected one that somebody authorized")
        refresh_token = self.grant(token)
        if refresh_token is None:
            raise _not_refreshable(token, moment)
        grant: tuple[Field, ...] = (("grant_type", "refresh_token"), ("refresh_token", refresh_token))
        response = yield token_request(self.values, *grant, refreshing=True)
        scrub = (*self.values.secrets.values(), refresh_token)
        try:
            fresh = token_from(response, moment.now, self.values, scrub=scrub)
        except TokenRefused as refused:
            if refused.error == "invalid_grant" and not refused.transient:
                again = TokenRefused("reconnect_required", refused.detail, error=refused.error, status=refused.status)
                raise again from None
            raise
        return fresh if fresh.refresh_token is not None else replace(fresh, refresh_token=refresh_token)

    def revocation(self, token: Token | None, moment: Moment) -> tuple[str, HttpRequest] | None:
        """Revoke the refresh token, or the access token where there is none (RFC 7009)."""
        if token is None:
            return None
        if token.refresh_token is not None:
            return revocation_request(self.values, "refresh_token", token.refresh_token)
        return revocation_request(self.values, "access_token", token.access_token)

    def introspection(self, token: Token, moment: Moment) -> HttpRequest | None:
        """Ask about the access token (RFC 7662)."""
        return introspection_request(self.values, token)

    def grant(self, token: Token | None) -> Secret | None:
        """Return the refresh token; None where there is none."""
        return token.refresh_token if token is not None else None

    def apply(self, request: HttpRequest, token: Token | None, moment: Moment) -> HttpRequest:
        """Add `Authorization: Bearer …` (RFC 6750 section 2.1)."""
        return bearer(request, token)


def _not_refreshable(token: Token, moment: Moment) -> Refused:
    """Word that a token has no refresh token. One that has not expired may still be good: its end is not stated."""
    detail = "got a token without a refresh token"
    if token.expires_at is not None and token.expires_at <= moment.now:
        return Refused("reconnect_required", f"{detail}, which has expired; expected a new authorization", unsent=True)
    detail += ", which the external system refuses although it has not expired; expected another authorization"
    return Refused("token_endpoint_refused", detail, unsent=True)
