"""An external system that judges access tokens and DPoP proofs, as a process: npm oauth4webapi.

It stands behind the certified provider, whose JWTs it verifies by itself; opaque tokens it does not know.
"""

from __future__ import annotations

import json
from pathlib import Path

import httpx2

from tests.counterparties.installed import node, npm_package
from tests.counterparties.provider import INVOICES, Provider
from tests.journeys.processes import PATIENCE, LongProcess

FOLDER = Path(__file__).parent / "resource_server"


class ProtectedResource(LongProcess):
    """Answers under every path of `url`: 200 and the `claims` of the token, or 401 with a challenge, `error` and why.

    It takes tokens that the provider issued for INVOICES (a client with `"resource": INVOICES` gets no others). With
    `nonce`, a DPoP proof needs the nonce that every answer tells, until `rotate` changes it.
    """

    def __init__(self, folder: Path, provider: Provider, *, nonce: bool = False) -> None:
        npm_package(FOLDER, "oauth4webapi")
        told = provider.metadata()
        judged = {"issuer": told["issuer"], "jwks_uri": told["jwks_uri"], "audience": INVOICES, "nonce": nonce}
        settings = folder / "resource.json"
        settings.write_text(json.dumps(judged))
        super().__init__("protected-resource", [node(), "server.mjs", settings], folder / "resource.log", cwd=FOLDER)
        self.url = str(self.ready["url"])

    def rotate(self) -> None:
        """Ask for another nonce from now on."""
        httpx2.post(f"{self.url}/rotate", trust_env=False, timeout=PATIENCE).raise_for_status()

    def seen(self) -> list[dict]:
        """The requests that came and how they were answered, oldest first."""
        return httpx2.get(f"{self.url}/seen", trust_env=False, timeout=PATIENCE).raise_for_status().json()
