"""The certified provider as a process, with what its endpoints and our own count tell."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx2
import pytest

from tests.journeys.processes import PATIENCE, LongProcess

FOLDER = Path(__file__).parent / "oidc_provider"


class Provider(LongProcess):
    """A running oidc-provider that knows these clients."""

    def __init__(self, folder: Path, clients: Sequence[Mapping[str, object]]) -> None:
        node = shutil.which("node")
        if node is None:
            pytest.fail(
                "got no node on PATH; expected Node.js 18 or later (Debian: apt install nodejs npm)", pytrace=False
            )
        if not (FOLDER / "node_modules" / "oidc-provider").is_dir():
            pytest.fail(f"got no node_modules; expected `make setup`, or `npm ci` in {FOLDER}", pytrace=False)
        listed = folder / "clients.json"
        listed.write_text(json.dumps(list(clients)))
        super().__init__("oidc-provider", [node, "server.mjs", listed], folder / "provider.log", cwd=FOLDER)

    def requests(self, client: str) -> list[dict]:
        """The token requests of a client and how they were answered, oldest first."""
        seen = httpx2.get(f"{self.ready['issuer']}/seen", trust_env=False, timeout=PATIENCE).raise_for_status().json()
        return [each for each in seen if each["client"] == client]

    def seen(self, client: str) -> list[int]:
        """The statuses with which token requests of a client were answered."""
        return [each["status"] for each in self.requests(client)]

    def revoke(self, client: Mapping[str, object], token: str) -> None:
        """Revoke a token as the client itself (RFC 7009)."""
        pair = (str(client["client_id"]), str(client["client_secret"]))
        if client["token_endpoint_auth_method"] == "client_secret_basic":
            answer = httpx2.post(
                self.ready["revocation_endpoint"], data={"token": token}, auth=pair, trust_env=False, timeout=PATIENCE
            )
        else:
            form = {"token": token, "client_id": pair[0], "client_secret": pair[1]}
            answer = httpx2.post(self.ready["revocation_endpoint"], data=form, trust_env=False, timeout=PATIENCE)
        answer.raise_for_status()
