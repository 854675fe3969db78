"""GitHub App: a token of one installation, for which the app proves itself with a JWT that it signs.

As *Authenticating as a GitHub App installation* and *Generating a JSON Web Token (JWT) for a GitHub App* say
(docs.github.com). Also for GitHub Enterprise Server, whose `api_url` ends in `/api/v3`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from callout.core.errors import Refused
from callout.core.explanation import Remedy
from callout.core.jose import sign
from callout.core.jose.parameters import SIGNING_CERTIFICATE
from callout.core.message import HttpRequest, HttpResponse
from callout.core.oauth2 import TokenRefused, token_from
from callout.core.oauth2.parameters import ACCESS_TOKEN_FIELD, ERROR_FIELD
from callout.core.oauth2.refusal import members_of, refusal_from
from callout.core.protocol import Asking, AuthenticationProtocol, Flow, Moment, Parameter, Token, Values
from callout.core.secret import Redactable, Secret

#: GitHub accepts ten minutes at most; its clock may be behind ours.
_LIFETIME, _BACK = timedelta(minutes=9), timedelta(seconds=60)
_MEDIA_TYPE = "application/vnd.github+json"
_NAME = r"[A-Za-z0-9_.-]+"
#: What mends an answer of GitHub's, by its status.
_REMEDIES = {
    401: "Correct client_id, give the app the public key of signing_certificate, and compare our clock with GitHub's",
    404: "Correct installation_id, or install the app where the repository is",
    422: "Correct repositories and permissions: the installation has to have them",
}
API_URL = Parameter("api_url", "URL of GitHub's REST API", required=False, default="https://api.github.com", url=True)
API_VERSION = Parameter(
    "api_version",
    "Version of the REST API that requests name (X-GitHub-Api-Version)",
    required=False,
    default="2022-11-28",
    pattern=r"\d{4}-\d{2}-\d{2}",
)


class GitHubApp(AuthenticationProtocol):
    """Asks for an installation access token, which holds an hour, and sends it as a bearer token."""

    name = "github_app"
    title = "GitHub App"
    parameters = (
        Parameter("client_id", "Client ID of the app, or its app ID: the issuer of its JWT"),
        SIGNING_CERTIFICATE,
        Parameter(
            "installation_id",
            "ID of the installation; left out where repository names one",
            unless=("repository",),
        ),
        Parameter(
            "repository",
            "Owner and name of a repository, as owner/name: the installation that it is in is looked up",
            required=False,
            pattern=rf"{_NAME}/{_NAME}",
        ),
        Parameter(
            "repositories",
            "Space-separated names of repositories that the token is limited to",
            required=False,
            pattern=rf"{_NAME}( {_NAME})*",
        ),
        Parameter(
            "permissions",
            'Permissions that the token is limited to, as a JSON object, such as {"contents": "read"}',
            required=False,
            pattern=r"\{.*\}",
        ),
        API_URL,
        API_VERSION,
    )
    writes = ("Authorization", "X-GitHub-Api-Version")
    obtains = True
    revoked_at = (API_URL.name,)

    def obtain(self, moment: Moment, token: Token | None) -> Flow:
        """Look the installation up where only a repository is named, and ask for a token of it."""
        proof = self._proof(moment)
        installation = self.values.text("installation_id")
        if not installation:
            response = yield self._request("GET", f"/repos/{self.values.text('repository')}/installation", proof)
            installation = self._found(response, moment)
        path = f"/app/installations/{quote(installation, safe='')}/access_tokens"
        response = yield self._request("POST", path, proof, self._limits())
        try:
            return token_from(response, moment.now, self._dialect("/token"), scrub=())
        except TokenRefused as refused:
            raise _worded(refused) from None

    def revocation(self, token: Token | None, moment: Moment) -> tuple[str, Asking] | None:
        """Revoke the token (`DELETE /installation/token`)."""
        return ("access_token", self._revoking(token.access_token)) if token is not None else None

    def _revoking(self, token: Secret) -> Asking:
        response = yield self._request("DELETE", "/installation/token", token)
        return response

    def apply(self, request: HttpRequest, token: Token | None, moment: Moment) -> HttpRequest:
        """Add the token and the version. `Accept` is the caller's: GitHub gives a diff or raw content by it."""
        if token is None:  # a dry run may hold none; it shows `…` in any case
            return self._with(request, Secret(""))
        return self._with(request, token.access_token)

    def _with(self, request: HttpRequest, bearer: Secret) -> HttpRequest:
        return request.with_headers(
            ("Authorization", Redactable.of("Bearer ", bearer)),
            ("X-GitHub-Api-Version", self.values.text(API_VERSION.name, str(API_VERSION.default))),
        )

    def _proof(self, moment: Moment) -> Secret:
        claims = {
            "iat": int((moment.now - _BACK).timestamp()),
            "exp": int((moment.now + _LIFETIME).timestamp()),
            "iss": self.values.text("client_id"),
        }
        return sign(claims, self.values.key_pair(SIGNING_CERTIFICATE.name), "RS256", {"kid": None})

    def _request(self, method: str, path: str, bearer: Secret, members: Mapping[str, Any] | None = None) -> HttpRequest:
        url = self.values.text(API_URL.name, str(API_URL.default)).rstrip("/") + path
        body = None if members is None else json.dumps(members).encode()
        headers = [("Accept", Redactable.of(_MEDIA_TYPE))]
        if body is not None:
            headers.append(("Content-Type", Redactable.of("application/json")))
        return self._with(HttpRequest(method, url, tuple(headers), body), bearer)

    def _limits(self) -> dict[str, Any]:
        """Return what the token is limited to; raises `Refused(principal_not_configured)` for permissions that are no JSON."""
        limits: dict[str, Any] = {}
        if repositories := self.values.text("repositories").split():
            limits["repositories"] = repositories
        if permissions := self.values.text("permissions"):
            try:
                limits["permissions"] = json.loads(permissions)
            except ValueError:
                detail = f"got permissions {permissions!r}; expected a JSON object, such as {{'contents': 'read'}}"
                raise Refused(
                    "principal_not_configured", detail.replace("'contents': 'read'", '"contents": "read"')
                ) from None
        return limits

    def _found(self, response: HttpResponse, moment: Moment) -> str:
        """Return the id of an installation that was looked up. Raises `TokenRefused`."""
        found = members_of(response).get("id")
        if response.status != 200 or not isinstance(found, int) or isinstance(found, bool):
            asked, expected = "the look-up of the installation", "200 with its id: is the app installed there?"
            values = self._dialect("/token")
            raise _worded(refusal_from(response, values, scrub=(), now=moment.now, asked=asked, expected=expected))
        return str(found)

    def _dialect(self, token: str) -> Values:
        """Return where things stand in GitHub's answers."""
        return Values({ACCESS_TOKEN_FIELD.name: token, ERROR_FIELD.name: "/message"})


def _worded(refused: TokenRefused) -> TokenRefused:
    """Say what mends it, where the status says that."""
    if refused.transient or refused.status not in _REMEDIES:
        return refused
    remedy = Remedy(_REMEDIES[refused.status])
    return TokenRefused(refused.reason.code, refused.detail, remedy, error=refused.error, status=refused.status)
