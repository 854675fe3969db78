import asyncio
import json
import signal
import sys

import httpx2
import pytest

from callout.sandbox import Sandbox
from callout.sandbox.__main__ import main
from tests.sandbox.asking import bearer, connect, disconnect, raw

Http = httpx2.AsyncClient


async def test_a_thousand_requests_at_once_are_answered(sandbox: Sandbox, http: Http) -> None:
    header = (await bearer(http, sandbox))["Authorization"].encode()
    request = b"GET /orders HTTP/1.1\r\nHost: h\r\nAuthorization: " + header + b"\r\nConnection: close\r\n\r\n"
    sandbox.commands.hold("callout")
    calls = [asyncio.create_task(raw(sandbox.url, request)) for _ in range(1000)]
    await sandbox.commands.arrived("callout", 1000)
    sandbox.commands.release("callout")
    answers = await asyncio.gather(*calls)
    assert sum(answer.startswith(b"HTTP/1.1 200 ") for answer in answers) == 1000


async def test_a_connection_carries_many_requests_pipelined_ones_too(sandbox: Sandbox) -> None:
    one = b"POST /open/status/601 HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab"
    last = b"GET /open/status/712 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    answer = await raw(sandbox.url, one + one + last)
    assert answer.count(b"HTTP/1.1 601 Sandbox\r\n") == 2
    assert answer.count(b"HTTP/1.1 712 ") == 1


async def test_a_client_that_waits_for_100_continue_is_told_to_go_on(sandbox: Sandbox) -> None:
    reader, writer = await connect(sandbox.url)
    writer.write(b"PUT /open HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"abc")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
    await disconnect(writer)


@pytest.mark.parametrize(
    "sent", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"]
)
async def test_what_is_no_http_is_answered_with_400(sandbox: Sandbox, sent: bytes) -> None:
    assert (await raw(sandbox.url, sent)).startswith(b"HTTP/1.1 400 ")


async def test_the_sandbox_is_no_proxy(sandbox: Sandbox) -> None:
    answer = await raw(sandbox.url, b"CONNECT other:443 HTTP/1.1\r\nHost: other:443\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


async def test_a_client_that_goes_away_harms_nobody(sandbox: Sandbox, http: Http) -> None:
    _, writer = await connect(sandbox.url)
    writer.write(b"POST /open HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\npart")
    await disconnect(writer)
    assert (await http.get(f"{sandbox.url}/open")).status_code == 200


async def test_stopping_drops_connections_that_hang() -> None:
    async with Sandbox() as sandbox:
        hanging = asyncio.create_task(raw(sandbox.url, b"GET /open/hang HTTP/1.1\r\nHost: h\r\n\r\n"))
        await sandbox.commands.arrived("callout")
    assert (await asyncio.gather(hanging, return_exceptions=True))[0] in (b"", *_resets(hanging))
    with pytest.raises(OSError, match="Connect call failed"):
        await connect(sandbox.url)


def _resets(task: "asyncio.Task[bytes]") -> tuple[BaseException, ...]:
    error = task.exception()
    return (error,) if isinstance(error, ConnectionError) else ()


async def test_a_port_that_is_taken_is_an_error_and_nothing_listens(sandbox: Sandbox) -> None:
    taken = int(sandbox.issuer.rpartition(":")[2])
    second = Sandbox(token_port=taken)
    with pytest.raises(OSError, match="address already in use"):
        await second.start()
    with pytest.raises(OSError, match="Connect call failed"):
        await connect(second.url)


async def test_ipv6_urls_have_brackets(http: Http) -> None:
    async with Sandbox(host="::1") as sandbox:
        assert sandbox.url.startswith("http://[::1]:")
        assert (await http.get(f"{sandbox.url}/open")).status_code == 200


@pytest.mark.journey
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_process_says_where_it_is_and_stops_on_a_signal(http: Http, number: signal.Signals) -> None:
    options = (
        "--client",
        "me:hush",
        "--stale-status",
        "601",
        "--expires-in",
        "null",
        "--scope",
        "s",
        "--set",
        "answer_status=203",
    )
    command = (sys.executable, "-m", "callout.sandbox", "--port", "0", "--token-port", "0", *options)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    where = json.loads(await process.stdout.readline())
    assert where["event"] == "ready"
    form = {"grant_type": "client_credentials"}
    answer = await http.post(where["token_endpoint"], data=form, auth=("me", "hush"))
    token = answer.json()
    assert answer.status_code == 203
    assert (token["scope"], "expires_in" in token) == ("s", False)
    stale = {"Authorization": "Bearer x"}
    assert (await http.get(where["external_system"], headers=stale)).status_code == 601
    assert (await http.get(where["control"])).json()["counts"] == {"token": 1, "callout": 1}
    process.send_signal(number)
    assert await process.wait() == 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--client", "no-colon"], "got --client 'no-colon'; expected two texts"),
        (["--stale-status", "77"], "got stale_status 77; expected 200 to 999"),
        (["--key", ":x"], "got --key ':x'"),
        (["--set", "lifetime"], "got --set 'lifetime'; expected NAME=JSON"),
        (["--set", "answer_status=404"], "got answer_status 404; expected 200 to 299"),
    ],
)
def test_a_wrong_option_says_what_was_expected(
    capsys: pytest.CaptureFixture[str], arguments: list[str], expected: str
) -> None:
    assert main(arguments) == 2
    assert expected in capsys.readouterr().err


def test_help_lists_paths_commands_and_faults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    assert all(word in text for word in ("/stale-as/{status}", "POST  /control/expire", "lost_answer", "lifetime:"))
