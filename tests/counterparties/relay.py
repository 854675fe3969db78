"""A server between Callout and a server of others: it passes everything on, and keeps what both sides said.

So a test learns of the real codes, tokens and secrets that went over the wire, and can look for them elsewhere.
"""

from __future__ import annotations

import base64
import json
from urllib.parse import parse_qs, unquote_plus, urlsplit

import httpx2

from tests.counterparties.external_system import Answer, ExternalSystem, Request
from tests.journeys.processes import PATIENCE

#: What may be asked for, or told by, a token endpoint and is a secret.
_SENT = ("client_secret", "code", "code_verifier", "refresh_token", "client_assertion", "assertion")
_TOLD = ("access_token", "refresh_token", "id_token")
#: Headers that belong to one connection alone, and those that httpx2 makes anew.
_HOP = ("host", "connection", "content-length", "transfer-encoding", "content-encoding", "accept-encoding")


class Relay(ExternalSystem):
    """Passes requests on to `upstream`, an origin. `secrets` holds what was secret in them, and in the answers."""

    def __init__(self, upstream: str) -> None:
        super().__init__(self._pass_on)
        self._upstream = upstream
        self.secrets: set[str] = set()

    def to(self, address: str) -> str:
        """Return an address of the upstream, as it is reached through here."""
        at = urlsplit(address)
        return f"{self.url}{at.path}"

    async def _pass_on(self, request: Request) -> Answer:
        headers = [(name, value) for name, value in request.headers if name.lower() not in _HOP]
        async with httpx2.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
            url = f"{self._upstream}{request.target}"
            answer = await client.request(request.method, url, headers=headers, content=request.body)
        self._learn(request, answer)
        kept = tuple((name, value) for name, value in answer.headers.items() if name.lower() not in _HOP)
        return Answer(answer.status_code, kept, answer.content)

    def _learn(self, request: Request, answer: httpx2.Response) -> None:
        form = parse_qs(request.body.decode("latin-1"))
        self.secrets |= {value for name in _SENT for value in form.get(name, ())}
        scheme, _, shown = (request.header("Authorization") or "").partition(" ")
        if scheme == "Basic":
            self.secrets |= {shown, unquote_plus(base64.b64decode(shown).decode().partition(":")[2])}
        elif shown:
            self.secrets.add(shown)
        told = json.loads(answer.content) if "json" in answer.headers.get("content-type", "") else {}
        self.secrets |= {told[name] for name in _TOLD if name in told}
