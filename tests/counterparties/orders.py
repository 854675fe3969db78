"""An external system that asks the provider whether a bearer token is active (introspection, RFC 7662)."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

import httpx2

from tests.counterparties.external_system import Answer, Request
from tests.journeys.processes import PATIENCE

#: The client as which it asks.
API = {"client_id": "api", "client_secret": "api-secret-0123", "token_endpoint_auth_method": "client_secret_basic"}


@dataclass
class Orders:
    """An external system that takes the provider's word for every bearer token, but for those of its own `stale` list."""

    introspection_endpoint: str
    stale: set[str] = field(default_factory=set)

    async def answer(self, request: Request) -> Answer:
        scheme, _, token = (request.header("Authorization") or "").partition(" ")
        claims = await self.introspect(token) if scheme == "Bearer" and token not in ("", *self.stale) else {}
        if not claims.get("active"):
            challenge = ("WWW-Authenticate", 'Bearer error="invalid_token"')
            return Answer(401, (challenge, ("Content-Type", "application/json")), b'{"error": "invalid_token"}')
        told = {"order": 7, "client": claims["client_id"], "scope": claims.get("scope")}
        return Answer(200, body=json.dumps(told).encode())

    async def introspect(self, token: str) -> dict:
        async with httpx2.AsyncClient(
            auth=(API["client_id"], API["client_secret"]), trust_env=False, timeout=PATIENCE
        ) as client:
            answer = await client.post(self.introspection_endpoint, data={"token": token})
        return answer.raise_for_status().json()

    async def until_inactive(self, token: str) -> None:
        """Ask again and again until the provider says that the token is no longer active."""
        async with asyncio.timeout(PATIENCE):
            while (await self.introspect(token))["active"]:
                await asyncio.sleep(0.05)  # the pace of the asking; the provider's answer is what is waited for
