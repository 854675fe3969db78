"""An external system that asks for HTTP message signatures (RFC 9421), as a process: npm http-message-signatures.

It has nothing in common with the Python package of the same name, which Callout signs with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx2

from tests.counterparties.installed import node, npm_package
from tests.journeys.processes import PATIENCE, LongProcess

FOLDER = Path(__file__).parent / "http_signatures"


class SignatureVerifier(LongProcess):
    """Answers under every path of `url`: 200 and the parameters of the signature, or 401 and `error`.

    `keys`: for each keyid the algorithm as RFC 9421 names it (ed25519, ecdsa-p256-sha256, ecdsa-p384-sha384,
    rsa-pss-sha512, rsa-v1_5-sha256, hmac-sha256), and the public key (PEM) or the secret (base64). `required`: the
    components that have to be signed, as "@method" or "content-digest".
    """

    def __init__(self, folder: Path, keys: Mapping[str, tuple[str, str]], required: Sequence[str] = ()) -> None:
        npm_package(FOLDER, "http-message-signatures")
        known = {keyid: {"algorithm": algorithm, "key": key} for keyid, (algorithm, key) in keys.items()}
        settings = folder / "verifier.json"
        settings.write_text(json.dumps({"keys": known, "required": list(required)}))
        super().__init__("http-signatures", [node(), "server.mjs", settings], folder / "verifier.log", cwd=FOLDER)
        self.url = str(self.ready["url"])

    def seen(self) -> list[dict]:
        """The answers that were given, oldest first."""
        return httpx2.get(f"{self.url}/seen", trust_env=False, timeout=PATIENCE).raise_for_status().json()
