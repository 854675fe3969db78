import asyncio
import json
import socket

import pytest
import uvicorn

from callout.app.wire import SetupProtocol


async def nothing(scope, receive, send):
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def answers(listening: socket.socket, requests: list[bytes]) -> list[bytes]:
    found = []
    for request in requests:
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        writer.write(request)
        found.append(await reader.read())
        writer.close()
    return found


@pytest.mark.parametrize(
    "line",
    [b"GET /\xff HTTP/1.1", b"GET /\xc3\xa9 HTTP/1.1", b"GET /\x00 HTTP/1.1", b"hello", b"GET / HTTP/1.1\r\nA B: c"],
)
async def test_what_is_no_request_is_answered_with_a_problem_document(line):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(nothing, http=SetupProtocol, lifespan="off", log_config=None, access_log=False)
        server = uvicorn.Server(config)
        serving = asyncio.ensure_future(server.serve([listening]))
        good = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        refused, taken = await answers(listening, [line + b"\r\nHost: x\r\n\r\n", good])
        server.should_exit = True
        await serving
    head, _, body = refused.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/problem+json\r\n" in head
    assert json.loads(body)["reason"] == "malformed_request"
    assert taken.startswith(b"HTTP/1.1 204 ")
