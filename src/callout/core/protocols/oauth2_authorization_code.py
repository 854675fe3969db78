"""OAuth 2.0 authorization code grant (RFC 6749 section 4.1) with PKCE (RFC 7636), and the device grant (RFC 8628).

Somebody authorizes in a browser, once; from then on the refresh token is spent and rotated as in every other grant.
"""

from __future__ import annotations

from callout.core.errors import Refused
from callout.core.interactive import Conversation, Interactive
from callout.core.oauth2 import OAuth2Protocol, TokenRefused
from callout.core.oauth2.authorization import AuthorizationResponse, authorization_url, code_grant, judged_response
from callout.core.oauth2.device import DeviceAuthorization, device_authorization_from, device_grant, device_request
from callout.core.oauth2.discovery import discovered, naming_itself
from callout.core.oauth2.parameters import (
    AUTHORIZATION,
    AUTHORIZATION_ENDPOINT,
    CLIENT,
    DEVICE_AUTHORIZATION_ENDPOINT,
    DIALECT,
    REFRESH_DIALECT,
    TOKEN_CARE,
)
from callout.core.protocol import Flow, Moment, Token
from callout.core.secret import Redactable, Secret


class OAuth2AuthorizationCode(OAuth2Protocol, Interactive):
    """Sends the token of an authorization that a person gave."""

    name = "oauth2_authorization_code"
    title = "OAuth 2.0 authorization code (browser or device)"
    parameters = (*CLIENT, *AUTHORIZATION, *DIALECT, *REFRESH_DIALECT, *TOKEN_CARE)
    spends = True

    def authorization_request(
        self, *, redirect_uri: str, state: Secret, code_verifier: Secret
    ) -> Conversation[Redactable]:
        """Return where the browser goes (RFC 6749 section 4.1.1)."""
        values = yield from discovered(self.told, AUTHORIZATION_ENDPOINT.name, required=False)
        return authorization_url(values, redirect_uri=redirect_uri, state=state, code_verifier=code_verifier)

    def authorized(self, response: AuthorizationResponse) -> Conversation[Secret]:
        """Return the code, where the response is of this server (RFC 9207). What was discovered says whether it names itself."""
        values = self.told
        if response.iss is None and not values.text(AUTHORIZATION_ENDPOINT.name):
            values = yield from naming_itself(values)
        return judged_response(response, values)

    def exchange(self, moment: Moment, code: Secret, *, redirect_uri: str, code_verifier: Secret) -> Flow:
        """Exchange the code (RFC 6749 section 4.1.3). A code that is refused has to be fetched anew."""
        grant = code_grant(self.values, code, redirect_uri=redirect_uri, code_verifier=code_verifier)
        return self.granted(moment, *grant, scoped=False)

    def device_authorization(self, moment: Moment) -> Conversation[DeviceAuthorization]:
        """Ask for a device code (RFC 8628 section 3.1)."""
        values = yield from discovered(self.told, DEVICE_AUTHORIZATION_ENDPOINT.name, required=False)
        response = yield device_request(values, moment)
        return device_authorization_from(response, values)

    def poll(self, moment: Moment, device_code: Secret) -> Flow:
        """Ask once whether the device was authorized (RFC 8628 section 3.4)."""
        return self.granted(moment, *device_grant(device_code), scoped=False)

    def obtain(self, moment: Moment, token: Token | None) -> Flow:
        """Spend the newest refresh token. Where the answer brings none, the one that was sent stays good (section 6).

        Without an authorization it is `authorization_required`. It is `reconnect_required` where the grant is over:
        the server says `invalid_grant`, or the token has expired or is refused, and no refresh token came with it.
        """
        if token is None:
            raise Refused("authorization_required", "got no token; expected one that somebody authorized")
        refresh_token = self.grant(token)
        if refresh_token is None:
            raise _not_refreshable(token, moment)
        return (yield from self.connected(moment, refresh_token, granted=token.scope))

    def grant(self, token: Token | None) -> Secret | None:
        """Return the refresh token; None where there is none."""
        return token.refresh_token if token is not None else None


def _not_refreshable(token: Token, moment: Moment) -> Refused:
    """Word that a token has no refresh token.

    One that has not expired may still be good: what helps is the same, but its end is not stated (`transient`).
    """
    detail = "got a token without a refresh token"
    if token.expires_at is not None and token.expires_at <= moment.now:
        return Refused("reconnect_required", f"{detail}, which has expired; expected a new authorization", unsent=True)
    detail += ", which the external system refuses although it has not expired; expected another authorization"
    return TokenRefused("reconnect_required", detail, transient=True, unsent=True)
