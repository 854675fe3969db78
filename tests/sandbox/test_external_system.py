import asyncio
import hashlib

import httpx2
import pytest

from callout.sandbox import Accounts, Sandbox
from tests.sandbox.asking import bearer, connect, disconnect, raw
from tests.sandbox.conftest import Clock

Http = httpx2.AsyncClient
USER = ("sandbox-user", "sandbox-password")
KEY = {"X-API-Key": "sandbox-api-key"}


async def test_the_echo_repeats_what_was_received(sandbox: Sandbox) -> None:
    request = b"PURGE /open/a%2Fb//c?x=%31 HTTP/1.1\r\nHost: h\r\nX-B: 1\r\nx-a: 2\r\nX-B: 3\r\nContent-Length: 5\r\n"
    answer = await raw(sandbox.url, request + b"Connection: close\r\n\r\nhello")
    members = httpx2.Response(200, content=answer.partition(b"\r\n\r\n")[2]).json()
    assert (members["method"], members["target"]) == ("PURGE", "/open/a%2Fb//c?x=%31")
    assert (members["path"], members["query"]) == ("/open/a%2Fb//c", "x=%31")
    assert members["headers"][:4] == [["Host", "h"], ["X-B", "1"], ["x-a", "2"], ["X-B", "3"]]
    assert (members["body_length"], members["body_text"]) == (5, "hello")
    assert members["body_sha256"] == hashlib.sha256(b"hello").hexdigest()


@pytest.mark.parametrize("body", [b"\xff\xfe", b"x" * 20_000])
async def test_only_small_text_is_repeated_but_every_body_is_hashed(sandbox: Sandbox, http: Http, body: bytes) -> None:
    members = (await http.post(f"{sandbox.url}/open", content=body)).json()
    assert members["body_text"] is None
    assert (members["body_length"], members["body_sha256"]) == (len(body), hashlib.sha256(body).hexdigest())


async def test_credentials_are_not_repeated(sandbox: Sandbox, http: Http) -> None:
    headers = {**await bearer(http, sandbox), "X-Trace": "uses sandbox-api-key", "X-Session-Token": "t0p"}
    form = {"client_secret": "hush", "note": "kept", "password": "geheim"}
    answer = await http.post(f"{sandbox.url}/orders?api_key=quiet&page=2", headers=headers, data=form)
    got = {name.lower(): value for name, value in answer.json()["headers"]}
    assert (got["authorization"], got["x-trace"], got["x-session-token"]) == ("Bearer …", "uses …", "…")
    assert answer.json()["query"] == "api_key=…&page=2"
    assert answer.json()["body_text"] == "client_secret=…&note=kept&password=…"


async def test_credentials_in_json_are_not_repeated(sandbox: Sandbox, http: Http) -> None:
    content = b'{"api_key": "a\\"b", "nested": {"password": "p"}, "n": 1}'
    members = (await http.post(f"{sandbox.url}/open", content=content)).json()
    assert members["body_text"] == '{"api_key": "…", "nested": {"password": "…"}, "n": 1}'


async def test_credentials_are_repeated_where_that_was_asked_for(http: Http) -> None:
    async with Sandbox(show_credentials=True) as sandbox:
        members = (await http.get(f"{sandbox.url}/key?token=t", headers=KEY)).json()
    assert ["X-API-Key", "sandbox-api-key"] in members["headers"]
    assert members["query"] == "token=t"


async def test_a_bearer_token_is_asked_for_where_nothing_else_is_said(sandbox: Sandbox, http: Http) -> None:
    answer = await http.get(f"{sandbox.url}/orders")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="sandbox"')


async def test_the_echo_says_as_whom_and_with_which_token(sandbox: Sandbox, http: Http) -> None:
    answer = await http.get(f"{sandbox.url}/bearer/x", headers=await bearer(http, sandbox, scope="api"))
    expected = {"by": "bearer", "as": "sandbox-client", "token": 1, "scope": "api"}
    assert answer.json()["authenticated"] == expected


@pytest.mark.parametrize("status", [401, 400, 403, 419, 601, 712, 999, 500])
async def test_an_expired_token_is_answered_as_the_path_says(sandbox: Sandbox, http: Http, status: int) -> None:
    headers = await bearer(http, sandbox)
    url = f"{sandbox.url}/stale-as/{status}/orders"
    assert (await http.get(url, headers=headers)).status_code == 200
    assert sandbox.commands.expire_tokens() == 1
    stale = await http.get(url, headers=headers)
    assert (stale.status_code, stale.json()["error_description"]) == (status, "the token is expired")
    assert ("www-authenticate" in stale.headers) == (status == 401)
    assert (await http.get(url, headers=await bearer(http, sandbox))).json()["authenticated"]["token"] == 2


async def test_the_stale_status_can_be_set_for_every_path(sandbox: Sandbox, http: Http) -> None:
    sandbox.commands.set(stale_status=712)
    stale = {"Authorization": "Bearer made-up"}
    assert (await http.get(sandbox.url, headers=stale)).status_code == 712
    assert (await http.get(sandbox.url)).status_code == 401


async def test_a_token_expires_by_the_clock(sandbox: Sandbox, http: Http, clock: Clock) -> None:
    sandbox.commands.set(expires_in=30)
    headers = await bearer(http, sandbox)
    clock.seconds += 29.9
    assert (await http.get(sandbox.url, headers=headers)).status_code == 200
    clock.seconds += 0.1
    assert (await http.get(sandbox.url, headers=headers)).status_code == 401


async def test_a_server_may_lie_about_the_lifetime(sandbox: Sandbox, http: Http, clock: Clock) -> None:
    sandbox.commands.set(lifetime=5, expires_in=3600)
    headers = await bearer(http, sandbox)
    clock.seconds += 5
    assert (await http.get(sandbox.url, headers=headers)).status_code == 401


async def test_basic_and_key_are_asked_for_by_path(sandbox: Sandbox, http: Http) -> None:
    assert (await http.get(f"{sandbox.url}/basic", auth=USER)).json()["authenticated"]["by"] == "basic"
    assert (await http.get(f"{sandbox.url}/key", headers=KEY)).json()["authenticated"]["by"] == "key"
    assert (await http.get(f"{sandbox.url}/basic", headers=KEY)).headers["www-authenticate"].startswith("Basic")
    assert (await http.get(f"{sandbox.url}/key", auth=USER)).status_code == 401


async def test_wrong_basic_and_key_are_answered_with_the_stale_status(sandbox: Sandbox, http: Http) -> None:
    basic = await http.get(f"{sandbox.url}/stale-as/403/basic", auth=("sandbox-user", "no"))
    key = await http.get(f"{sandbox.url}/stale-as/419/key", headers={"X-API-Key": "no"})
    assert (basic.status_code, key.status_code) == (403, 419)


async def test_the_default_and_the_key_header_can_be_set(http: Http) -> None:
    async with Sandbox(accounts=Accounts(key_header="apikey", key="k")) as sandbox:
        sandbox.commands.set(default_authentication="key")
        assert (await http.get(sandbox.url, headers={"apikey": "k"})).status_code == 200


@pytest.mark.parametrize(
    ("shape", "stale"),
    [
        ("json", "invalid_token"),
        ("challenge", "invalid_token"),
        ("soap", "sf:INVALID_SESSION_ID"),
        ("graphql", '"extensions": {"code": "UNAUTHENTICATED"}'),
        ("slack", '{"ok": false, "error": "token_expired"}'),
    ],
)
async def test_refusals_are_worded_as_the_path_says(sandbox: Sandbox, http: Http, shape: str, stale: str) -> None:
    headers = await bearer(http, sandbox)
    url = f"{sandbox.url}/bearer/say/{shape}"
    genuine = await http.get(f"{url}/refusal/503?code=FORBIDDEN_FIELD", headers=headers)
    assert (genuine.status_code, "FORBIDDEN_FIELD" in genuine.text) == (503, True)
    sandbox.commands.expire_tokens()
    answer = await http.get(f"{url}/stale-as/500/orders", headers=headers)
    assert (answer.status_code, stale in answer.text) == (500, True)
    assert ("www-authenticate" in answer.headers) is (shape == "challenge")
    assert ("text/xml" in answer.headers["content-type"]) is (shape == "soap")


@pytest.mark.parametrize("code", [200, 201, 404, 429, 500, 600, 601, 712, 999])
async def test_any_status_can_be_had_with_its_reason(sandbox: Sandbox, http: Http, code: int) -> None:
    answer = await http.get(f"{sandbox.url}/open/status/{code}?reason=As+told")
    assert (answer.status_code, answer.reason_phrase, answer.json()) == (code, "As told", {"status": code})


@pytest.mark.parametrize("code", [204, 304])
async def test_statuses_without_a_body_have_none_and_the_connection_goes_on(
    sandbox: Sandbox, http: Http, code: int
) -> None:
    answer = await http.get(f"{sandbox.url}/open/status/{code}")
    assert (answer.status_code, answer.content, answer.headers.get("content-length")) == (code, b"", None)
    assert (await http.head(f"{sandbox.url}/open/bytes/9")).headers["content-length"] == "9"
    assert (await http.get(f"{sandbox.url}/open/bytes/9")).content == bytes(range(9))


async def test_events_come_one_by_one(sandbox: Sandbox, http: Http) -> None:
    async with http.stream("GET", f"{sandbox.url}/open/stream/3?ms=1") as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        lines = [line async for line in answer.aiter_lines() if line.startswith("data")]
    assert lines == [f'data: {{"event": {n}}}' for n in (1, 2, 3)]


async def test_chunks_come_with_a_trailer(sandbox: Sandbox) -> None:
    target = b"/open/chunked/2?size=3&trailer=1"
    answer = await raw(sandbox.url, b"GET " + target + b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert b"Trailer: X-Chunks\r\n" in answer
    assert answer.endswith(b"\r\n\r\n3\r\n\x00\x01\x02\r\n3\r\n\x00\x01\x02\r\n0\r\nX-Chunks: 2\r\n\r\n")


async def test_many_bytes_come_in_the_pattern(sandbox: Sandbox, http: Http) -> None:
    content = (await http.get(f"{sandbox.url}/open/bytes/200001")).content
    assert content == (bytes(range(256)) * 782)[:200_001]


async def test_odd_headers_keep_case_order_and_duplicates(sandbox: Sandbox) -> None:
    answer = await raw(sandbox.url, b"GET /open/headers HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    lines = answer.partition(b"\r\n\r\n")[0].split(b"\r\n")
    start = lines.index(b"X-MiXeD-Case: 1")
    assert lines[start : start + 6] == [
        b"X-MiXeD-Case: 1",
        b"Set-Cookie: a=1",
        b"Set-Cookie: b=2",
        b"X-Duplicate: one",
        b"x-duplicate: two",
        b"X-Empty: ",
    ]
    assert b"X-Latin: caf\xe9" in lines


async def test_a_redirect_goes_where_it_is_told(sandbox: Sandbox, http: Http) -> None:
    answer = await http.get(f"{sandbox.url}/open/redirect?to=http://other.example/a&status=307")
    assert (answer.status_code, answer.headers["location"]) == (307, "http://other.example/a")


async def test_slow_waits_before_the_answer(sandbox: Sandbox, http: Http) -> None:
    begun = asyncio.get_running_loop().time()
    assert (await http.get(f"{sandbox.url}/slow/30/open/orders")).json()["path"] == "/slow/30/open/orders"
    assert asyncio.get_running_loop().time() - begun >= 0.03


@pytest.mark.parametrize("target", [b"/open/reset", b"/open/reset?after=10"])
async def test_reset_cuts_the_connection(sandbox: Sandbox, target: bytes) -> None:
    with pytest.raises(ConnectionResetError):
        await raw(sandbox.url, b"GET " + target + b" HTTP/1.1\r\nHost: h\r\n\r\n")


async def test_hang_sends_what_was_asked_for_and_no_more(sandbox: Sandbox) -> None:
    reader, writer = await connect(sandbox.url)
    writer.write(b"GET /open/hang?after=4 HTTP/1.1\r\nHost: h\r\n\r\n")
    assert b" 200 OK\r\n" in await reader.readuntil(b"\r\n\r\n")
    assert await reader.readexactly(4) == b"\x00\x01\x02\x03"
    await disconnect(writer)


async def test_early_refuses_before_the_upload_is_read(sandbox: Sandbox) -> None:
    reader, writer = await connect(sandbox.url)
    writer.write(b"POST /early/stale-as/403/x HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer no\r\n")
    writer.write(b"Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 403 ")
    assert b"Connection: close\r\n" in head
    await disconnect(writer)
    assert sandbox.commands.requests()[-1].body_length == 0


async def test_early_lets_the_upload_through_where_the_credential_is_valid(sandbox: Sandbox, http: Http) -> None:
    headers = await bearer(http, sandbox)
    answer = await http.post(f"{sandbox.url}/early/x", headers=headers, content=b"abc")
    assert (answer.status_code, answer.json()["body_length"]) == (200, 3)


@pytest.mark.parametrize(
    "path",
    [
        "/open/status/199",
        "/open/status/1000",
        "/open/status/x",
        "/open/status",
        "/stale-as/99/x",
        "/slow/-1",
        "/say/klingon",
        "/open/refusal/99",
        "/open/refusal/400?code=%3Cx%3E",
        "/open/bytes/99999999999",
        "/open/redirect",
        "/open/redirect?to=/&status=200",
        "/open/status/200?reason=a%0d%0ab",
        "/open/chunked/1?size=x",
    ],
)
async def test_a_path_that_makes_no_sense_says_what_was_expected(sandbox: Sandbox, http: Http, path: str) -> None:
    answer = await http.get(f"{sandbox.url}{path}")
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_command")
    assert "expected" in answer.json()["error_description"]
