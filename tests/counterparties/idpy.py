"""IdentityPython's OAuth 2.0 server as a process: token exchange (RFC 8693) as others wrote it.

It exchanges access and refresh tokens that it issued itself, for the audiences and resources that it is told; it takes no
actor tokens and no JWTs of others (Authlib's server of these suites does).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx2

from tests.counterparties.installed import program
from tests.journeys.processes import PATIENCE, LongProcess


class Idpy(LongProcess):
    """A running server that knows these clients: `token_endpoint`, `introspection_endpoint`.

    `clients`: for each client id its `token_endpoint_auth_method` (client_secret_basic, client_secret_post,
    private_key_jwt) with its `client_secret` (of 16 characters or more) or its `jwks`.
    """

    def __init__(self, folder: Path, clients: Mapping[str, Mapping[str, object]], audiences: Sequence[str]) -> None:
        known = {client_id: dict(client) for client_id, client in clients.items()}
        settings = folder / "idpy.json"
        settings.write_text(json.dumps({"clients": known, "audiences": list(audiences), "folder": str(folder)}))
        command = [program("python"), Path(__file__).with_name("idpy_process.py"), settings]
        super().__init__("idpyoidc", command, folder / "idpy.log")
        self.url = str(self.ready["url"])
        self.token_endpoint, self.introspection_endpoint = f"{self.url}/token", f"{self.url}/introspection"

    def subject(self, user: str, scope: str) -> dict[str, str]:
        """Return `access_token` and `refresh_token` of a user who signed in at an application in front."""
        return self._get("/subject", user=user, scope=scope)

    def seen(self) -> list[dict]:
        """The token requests that came and how they were answered, oldest first."""
        return self._get("/seen")

    def _get(self, path: str, **query: str):
        answer = httpx2.get(f"{self.url}{path}", params=query, trust_env=False, timeout=PATIENCE)
        return answer.raise_for_status().json()
