"""OpenBao: an issuer of its own (authorization code, userinfo) and a verifier of JWTs, written in Go by others.

As an issuer it is an OpenID Connect provider with PKCE, without refresh tokens; a person's browser is played by
`authorize`, which does what OpenBao's own pages do. As a verifier it takes a JWT for a token of its own where the
signature, `aud`, `exp`, `iss` and the claims that a role binds are right.
"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2

from tests.counterparties.installed import program
from tests.journeys.processes import PATIENCE, LongProcess

#: Where it is told which path of the API a page of it stands for.
_PAGE, _API = "/ui/vault/", "/v1/"


class OpenBao(LongProcess):
    """A running OpenBao: `url`, and after `provide` the endpoints of an issuer in `metadata`."""

    def __init__(self, folder: Path) -> None:
        self._token = secrets.token_urlsafe(24)
        script = Path(__file__).with_name("openbao_process.py")
        command = [sys.executable, script, program("bao"), folder, self._token]
        super().__init__("openbao", command, folder / "openbao.log")
        self.url = str(self.ready["url"])
        self.metadata: dict[str, Any] = {}
        for method in ("jwt", "userpass"):
            self.call("POST", f"sys/auth/{method}", {"type": method})

    def call(self, method: str, path: str, body: object = None, token: str | None = None) -> dict[str, Any]:
        """Call its API, as root unless a token is given; returns the answer's body. Raises httpx2.HTTPStatusError."""
        answer = httpx2.request(
            method,
            f"{self.url}{_API}{path}",
            json=body,
            headers={"X-Vault-Token": self._token if token is None else token},
            trust_env=False,
            timeout=PATIENCE,
        )
        answer.raise_for_status()
        return answer.json() if answer.content else {}

    # --- a verifier of JWTs -------------------------------------------------------------------------------------

    def trust(self, *, issuer: str = "", public_keys: Sequence[str] = (), jwks_url: str = "") -> None:
        """Say whose JWTs are taken: those signed by these keys (PEM), or by those that are at an address."""
        known = {"jwks_url": jwks_url} if jwks_url else {"jwt_validation_pubkeys": list(public_keys)}
        self.call("POST", "auth/jwt/config", {**known, "bound_issuer": issuer})

    def take_jwts(
        self, role: str, *, audience: str, subject: str = "", claims: Mapping[str, object] | None = None
    ) -> None:
        """Make a role that is given for JWTs made out to `audience`, for this subject, with these claims."""
        bound = {"bound_audiences": [audience], "bound_subject": subject, "bound_claims": dict(claims or {})}
        self.call("POST", f"auth/jwt/role/{role}", {"role_type": "jwt", "user_claim": "sub", **bound})

    def log_in(self, role: str, jwt: str) -> httpx2.Response:
        """Show a JWT: 200 where it is taken, else 400 or 403 with `errors` that say why not."""
        form = {"role": role, "jwt": jwt}
        return httpx2.post(f"{self.url}{_API}auth/jwt/login", json=form, trust_env=False, timeout=PATIENCE)

    # --- an issuer ----------------------------------------------------------------------------------------------

    def provide(self, redirect_uris: Sequence[str], people: Mapping[str, str]) -> dict[str, str]:
        """Become an issuer for these people (name → password); returns its one client: `client_id`, `client_secret`.

        A redirect address to the loopback address may have any port.
        """
        self.call("POST", "identity/oidc/provider/default", {"issuer": self.url, "allowed_client_ids": ["*"]})
        for person, password in people.items():
            self.call("POST", f"auth/userpass/users/{person}", {"password": password, "token_policies": "default"})
        made = {"redirect_uris": list(redirect_uris), "assignments": ["allow_all"]}
        self.call("POST", "identity/oidc/client/callout", made)
        self.metadata = self.call("GET", "identity/oidc/provider/default/.well-known/openid-configuration")
        client = self.call("GET", "identity/oidc/client/callout")["data"]
        return {name: client[name] for name in ("client_id", "client_secret")}

    def authorize(self, address: str, person: str, password: str) -> str:
        """Open an authorization request as this person, as its pages do; returns the address of the redirect."""
        at = urlsplit(address)
        asked = dict(parse_qsl(at.query))
        token = self.call("POST", f"auth/userpass/login/{person}", {"password": password})["auth"]["client_token"]
        path = f"{at.path.removeprefix(_PAGE).removeprefix(_API)}?{at.query}"
        came = self.call("GET", path, token=token)
        return f"{asked['redirect_uri']}?{urlencode({name: came[name] for name in ('code', 'state')})}"
