"""How these tests talk to the sandbox."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2

from callout.sandbox import Sandbox

CLIENT = ("sandbox-client", "sandbox-secret")


async def ask_token(http: httpx2.AsyncClient, sandbox: Sandbox, **fields: str) -> httpx2.Response:
    form = {"grant_type": "client_credentials", **fields}
    return await http.post(sandbox.token_endpoint, data=form, auth=CLIENT)


async def bearer(http: httpx2.AsyncClient, sandbox: Sandbox, **fields: str) -> dict[str, str]:
    answer = await ask_token(http, sandbox, **fields)
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def refresh(http: httpx2.AsyncClient, sandbox: Sandbox, token: str, **fields: str) -> httpx2.Response:
    return await ask_token(http, sandbox, grant_type="refresh_token", refresh_token=token, **fields)


async def introspect(http: httpx2.AsyncClient, sandbox: Sandbox, token: str) -> Any:
    return (await http.post(f"{sandbox.issuer}/introspect", data={"token": token}, auth=CLIENT)).json()


async def raw(url: str, sent: bytes) -> bytes:
    """Send bytes and return all that comes until the connection ends."""
    reader, writer = await connect(url)
    writer.write(sent)
    try:
        return await reader.read()
    finally:
        await disconnect(writer)


async def connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = httpx2.URL(url)
    return await asyncio.open_connection(parts.host, parts.port)


async def disconnect(writer: asyncio.StreamWriter) -> None:
    writer.close()
    await asyncio.gather(writer.wait_closed(), return_exceptions=True)
