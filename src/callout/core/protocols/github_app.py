"""GitHub App installation: the app signs a JWT, and gets a token for one installation, which lasts an hour.

GitHub Docs, "Authenticating as a GitHub App installation", "Generating a JSON Web Token (JWT) for a GitHub App" and
"Create an installation access token for an app".
"""

from __future__ import annotations

import json
from datetime import timedelta

from callout.core.jose import sign
from callout.core.jose.parameters import SIGNING_CERTIFICATE
from callout.core.message import HttpRequest
from callout.core.oauth2 import token_from, with_token
from callout.core.protocol import AuthenticationProtocol, Flow, Moment, Parameter, Token, Values, with_defaults
from callout.core.secret import Redactable

#: Since when and until when a JWT holds: GitHub asks for a minute before, because of clocks, and takes at most ten after.
_BEFORE, _AFTER = timedelta(seconds=60), timedelta(seconds=540)
#: Where token and end stand in the answer.
_DIALECT = {"access_token_field": "/token", "expires_at_field": "/expires_at"}


class GitHubApp(AuthenticationProtocol):
    """Sends the access token of an installation as a bearer token. There is no refresh token: another one is asked for."""

    name = "github_app"
    title = "GitHub App installation"
    parameters = (
        Parameter(
            "api_url",
            "URL of the REST API; https://HOST/api/v3 of a GitHub Enterprise Server",
            required=False,
            default="https://api.github.com",
            url=True,
        ),
        Parameter("app_id", "Client ID or App ID of the app: the issuer of its JWTs"),
        Parameter("installation_id", "ID of the installation, at the end of the URL of its settings"),
        Parameter(
            SIGNING_CERTIFICATE.name, "Certificate that the private key of the app was imported as", key_pair=True
        ),
        Parameter(
            "repositories",
            "Space-separated names of the repositories that tokens are for; all of the installation if not given",
            required=False,
        ),
        Parameter(
            "permissions",
            "Space-separated permissions that tokens have, such as contents:read issues:write; all of the app if not given",
            required=False,
            pattern=r"[a-z_]+:[a-z]+( [a-z_]+:[a-z]+)*",
        ),
    )
    writes = ("Authorization",)
    obtains = True

    def obtain(self, moment: Moment, token: Token | None) -> Flow:
        """Ask for a token as the app."""
        told = with_defaults(type(self), self.values.parameters)
        request = self._request(told["api_url"].rstrip("/"), moment)
        response = yield request
        return token_from(response, moment.now, Values(_DIALECT), scrub=tuple(self.values.secrets.values()))

    def apply(self, request: HttpRequest, token: Token | None, moment: Moment) -> HttpRequest:
        """Add `Authorization: Bearer …`."""
        return with_token(request, token, moment)

    def _request(self, api_url: str, moment: Moment) -> HttpRequest:
        app = self.values.text("app_id")
        times = {
            "iat": int((moment.now - _BEFORE).timestamp()),
            "exp": int((moment.now + _AFTER).timestamp()),
        }
        # GitHub knows the app's keys by themselves: a kid of ours means nothing there
        own = sign({"iss": app, **times}, self.values.key_pair(SIGNING_CERTIFICATE.name), "RS256", {"kid": None})
        url = f"{api_url}/app/installations/{self.values.text('installation_id')}/access_tokens"
        return HttpRequest("POST", url, body=json.dumps(self._asked()).encode(), client=app).with_headers(
            ("Authorization", Redactable.of("Bearer ", own)),
            ("Accept", "application/vnd.github+json"),
            ("Content-Type", "application/json"),
            ("X-GitHub-Api-Version", "2022-11-28"),
        )

    def _asked(self) -> dict[str, object]:
        asked: dict[str, object] = {}
        if repositories := self.values.text("repositories").split():
            asked["repositories"] = repositories
        if permissions := self.values.text("permissions").split():
            asked["permissions"] = dict(each.split(":", 1) for each in permissions)
        return asked
