"""`callout.send` on a real home: the answer, the picture of what left, the rungs; and never a secret in any of them."""

import asyncio
import base64
import json
import shutil
import zlib
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import quote

import pytest
import pytest_asyncio

from callout.app.home import open_home
from callout.app.operations import operations_of
from callout.core.errors import Refused
from callout.core.model.people import Caller, CallerKey
from callout.engine.operations import LOCAL, OperationRefused
from callout.engine.sending import MOST_OF_ONE, MOST_SHOWN
from callout.settings import Settings
from tests.judging import JudgedOperations
from tests.security.test_canary import forms_of
from tests.world import START, make_shop, make_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = "canary-key-of-the-weather+/=&%"
QUERY_KEY = "canary-key-in-the-query/ü%"
PASSWORD = "canary-password-of-mail"
CLIENT_SECRET = "canary-client-secret-0123456"
TOKENS = tuple(f"canary-token-{number}-0123456789" for number in range(8))
PLANTED = (KEY, QUERY_KEY, PASSWORD, CLIENT_SECRET, *TOKENS)
ALICE, BOB = Caller("alice", None, "key co_a…"), Caller("bob", None, "key co_b…")
FORMULA = "{!$Credential.Weather.key}"


@dataclass
class External:
    """Answers each request with what it received, as an external system that repeats too much."""

    port: int = 0
    requests: list[str] = field(default_factory=list)
    issued: int = 0
    expired: set[str] = field(default_factory=set)
    release: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = next((int(x[15:]) for x in head.lower().split("\r\n") if x.startswith("content-length:")), 0)
                body = (await reader.readexactly(length)).decode("latin-1")
                self.requests.append(head + body)
                writer.write(await self.answered(head.split(" ")[1], head, body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def answered(self, target: str, head: str, body: str) -> bytes:
        status, lines, said = 200, "", json.dumps({"head": head, "body": body}).encode()
        if target == "/token":
            token, self.issued = TOKENS[self.issued], self.issued + 1
            said = json.dumps({"access_token": token, "token_type": "Bearer", "expires_in": 3600}).encode()
        elif any(token in head for token in self.expired):
            status = 401
        elif "large" in target:
            said = b"x" * (3 * MOST_SHOWN)
        elif "bytes" in target:
            said = b"\xff\xfe\0"
        elif "gzip" in target:
            said, lines = zlib.compress(said), "Content-Encoding: deflate\r\n"
        elif "brotli" in target:
            lines = "Content-Encoding: br\r\n"
        elif "wait" in target:
            await self.release.wait()
        elif "forms" in target:
            raw = KEY.encode()
            forms = [KEY, quote(KEY), json.dumps(KEY), base64.b64encode(raw).decode(), raw.hex()]
            said, lines = "\n".join(forms).encode(), f"X-Echo: {KEY}\r\n"
        framed = f"HTTP/1.1 {status} Said\r\n{lines}Content-Length: {len(said)}\r\n\r\n"
        return framed.encode("latin-1") + (b"" if head.startswith("HEAD ") else said)


def manifest(port: int) -> dict:
    base = f"http://127.0.0.1:{port}"
    externals = {
        "Weather": {"protocol": "custom", "headers": [{"name": "X-Api-Key", "value": FORMULA}]},
        "Search": {
            "protocol": "api_key_in_query",
            "parameters": {"query_parameters.q_key": "{!$Credential.Search.key}"},
        },
        "Mail": {"protocol": "basic"},
        "Orders": {"protocol": "oauth2_client_credentials", "parameters": {"token_endpoint": f"{base}/token"}},
    }
    for each in externals.values():
        each["principals"] = {"Service": {}}
    named = {"external_credential": "", "allow_private_network": True}
    merging = {"allow_merge_fields_in_header": True, "allow_merge_fields_in_body": True}
    return {
        "external_credentials": externals,
        "named_credentials": {
            n: {**named, **merging, "url": f"{base}/{n}", "external_credential": n} for n in externals
        },
        "permission_sets": {
            "All": {"principals": [f"{n}/Service" for n in externals], "user_external_credential": ["read"]},
            "Acting": {"may_act_for": ["alice"]},
        },
        "packages": {"acme": {"label": "Acme"}},
        "users": {"alice": {"permission_sets": ["All"]}, "bob": {}, "carol": {"permission_sets": ["Acting"]}},
    }


@asynccontextmanager
async def opened(folder, settings: dict):
    async with open_home(Settings(home=folder, **settings)) as home:
        yield home, JudgedOperations(operations_of(home).uses)


@dataclass
class World:
    external: External
    operations: object
    home: object

    async def send(self, name="Weather", path="/a", caller=ALICE, **more):
        return await self.operations.run("callout.send", {"name": name, "path": path, **more}, caller)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory, new_home):
    folder = tmp_path_factory.mktemp("sending") / "home"
    shutil.copytree(new_home, folder)
    external = External()
    server = await asyncio.start_server(external.serve, "127.0.0.1", 0)
    external.port = server.sockets[0].getsockname()[1]
    async with opened(folder, {"log_sampling": 0.0}) as (home, operations):
        await operations.run("apply", {"manifest": json.dumps(manifest(external.port))}, LOCAL)
        secrets = {
            "Weather": {"key": KEY},
            "Search": {"key": QUERY_KEY},
            "Mail": {"username": "alice-at-mail", "password": PASSWORD},
            "Orders": {"client_id": "orders-client", "client_secret": CLIENT_SECRET},
        }
        for name, values in secrets.items():
            held = {"external_credential": name, "principal": "Service", "values": values}
            await operations.run("secret.set", held, LOCAL)
        yield World(external, operations, home)
        external.release.set()
    server.close()


def assert_clean(result) -> None:
    shown = json.dumps(result, ensure_ascii=False).encode()
    whole = json.dumps(result).encode()
    for secret in PLANTED:
        for form in forms_of(secret) | {json.dumps(json.dumps(secret))[3:-3].encode()}:
            assert form not in shown, (secret, form)
            assert form not in whole, (secret, form)


async def test_the_answer_the_picture_and_the_rungs_of_one_callout(world):
    result = await world.send(query="b=c", method="POST", headers=[["X-Mine", "1"]], body="hello")
    assert (result["status"], result["reason_phrase"], result["allowed"]) == (200, "Said", True)
    assert result["callout_id"] == dict(map(tuple, result["headers"]))["Callout-Id"]
    assert result["sent"]["url"] == "callout:Weather/a?b=c"
    [received] = result["received"]
    assert (received["method"], received["url"]) == (
        "POST",
        f"http://127.0.0.1:{world.external.port}/Weather/a?b=c",
    )
    told = dict(map(tuple, received["headers"]))
    assert (told["X-Api-Key"], told["X-Mine"], received["body"]) == ("…", "1", "hello")
    assert KEY in world.external.requests[-1], "it did leave"
    assert world.external.requests[-1].startswith("POST /Weather/a?b=c HTTP/1.1\r\n")
    assert "co_" not in world.external.requests[-1]
    names = [step["name"] for step in result["steps"]]
    assert names[0] == "identify" or "named_credential" in names
    assert names[-1] == "answer"
    assert all(step["held"] for step in result["steps"])
    assert (result["principal"], result["caller"]) == ("Service", {"user": "alice", "namespace": None})
    assert (result["cut"], result["callout_error"], result["hidden"] > 0) == (None, None, True)
    explained = await world.operations.run("explain", {"callout_id": result["callout_id"]}, ALICE)
    assert explained["steps"] == result["steps"], "its record is kept, though none of the sample is"


async def test_a_callout_leaves_its_record_and_no_act(world):
    before = (await world.home.store.audit.head()).seq
    await world.send()
    rows = await world.home.store.audit.rows(10, after=before)
    assert [row.kind for row, _ in rows] == ["callouts"]


async def test_what_left_names_the_same_lines_as_came(world):
    result = await world.send("Mail", headers=[["X-One", "1"], ["X-Two", "2"]])
    head = world.external.requests[-1].partition("\r\n\r\n")[0].split("\r\n")
    told = [name for name, _ in result["received"][0]["headers"]]
    assert told == [line.partition(":")[0] for line in head[1:]]


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("Weather", {}),
        ("Weather", {"path": "/forms"}),
        ("Weather", {"path": "/gzip"}),
        ("Weather", {"path": "/brotli"}),
        ("Weather", {"method": "POST", "body": f"the key is {FORMULA}"}),
        ("Weather", {"headers": [["X-Formula", f"Key {FORMULA}"]]}),
        ("Weather", {"path": f"/{quote('{!')}x", "query": "a=1"}),
        ("Search", {"query": "a=1"}),
        ("Search", {"method": "POST", "body": "x"}),
        ("Mail", {}),
        ("Orders", {}),
    ],
)
async def test_no_secret_is_in_query_header_body_or_answer_that_is_shown(world, name, more):
    count = len(world.external.requests)
    result = await world.send(name, **more)
    assert result["status"] == 200, result
    assert len(world.external.requests) > count
    assert_clean(result)


async def test_a_formula_is_shown_as_it_was_sent_and_where_its_value_went(world):
    headers = [["X-Formula", f"Key {FORMULA}"], ["X-Plain", "p"], ["Content-Type", "text/plain"]]
    result = await world.send(method="POST", headers=headers, body=f"a {FORMULA}")
    [received] = result["received"]
    told = dict(map(tuple, received["headers"]))
    assert (told["X-Formula"], told["X-Plain"]) == ("…", "p")
    assert (received["body"], received["body_rewritten"]) == (f"a {FORMULA}", True)
    assert world.external.requests[-1].endswith(f"a {KEY}")


async def test_a_key_in_the_query_is_named_and_not_shown(world):
    result = await world.send("Search", query="a=1")
    assert result["received"][0]["url"].endswith("/Search/a?a=1&q_key=…")
    assert quote(QUERY_KEY, safe="") in world.external.requests[-1]


async def test_a_callout_that_is_sent_again_shows_each_time_it_left(world):
    assert (await world.send("Orders"))["status"] == 200
    world.external.expired = set(TOKENS[: world.external.issued])
    result = await world.send("Orders")
    assert (result["status"], result["replay"], len(result["received"])) == (200, "done", 2)
    first, second = result["received"]
    assert first["token_generation"] < second["token_generation"]
    assert ["Authorization", "Bearer …"] in first["headers"]
    assert [step["name"] for step in result["steps"]][-3:] == ["refresh", "replay", "answer"]
    assert_clean(result)


async def test_what_the_caller_wrote_is_left_alone_so_that_no_guess_is_confirmed(world):
    result = await world.send(method="POST", body=f"wrong-guess {KEY}")
    assert KEY in result["body"]
    assert "wrong-guess" in result["body"]


async def test_a_refusal_is_callouts_own_and_says_what_mends_it(world):
    result = await world.send(caller=BOB)
    assert (result["status"], result["allowed"], result["received"]) == (403, False, [])
    assert result["reason"] == result["callout_error"]["reason"] == "principal_not_granted"
    assert result["remedy_commands"] == ["callout permission-set assign All bob"]
    failed = [step for step in result["steps"] if not step["held"]]
    assert [step["reason"] for step in failed] == ["principal_not_granted"]


async def test_acting_for_a_user_is_judged_by_the_stages_themselves(world):
    carol = Caller("carol", None, "key co_c…")
    allowed = await world.send(caller=carol, on_behalf_of="alice")
    assert (allowed["status"], allowed["on_behalf_of"]) == (200, "alice")
    assert (await world.send(caller=carol, on_behalf_of="admin"))["reason"] == "acting_not_allowed"
    assert (await world.send(caller=BOB, on_behalf_of="alice"))["reason"] == "acting_not_allowed"
    assert (await world.send(on_behalf_of="alice"))["on_behalf_of"] is None, "oneself is nobody else"
    assert (await world.send(caller=carol))["reason"] == "principal_not_granted"
    admin = await world.send(caller=LOCAL, on_behalf_of="alice")
    assert admin["reason"] == "acting_not_allowed", "an admin acts for nobody without the grant"


async def test_a_limit_of_the_key_and_the_namespace_of_a_package_hold(world):
    limited = CallerKey(b"", "co_l", "alice", None, START, named_credentials=("Mail",))
    caller = Caller("alice", None, "key co_l…", key=limited)
    assert (await world.send(caller=caller))["reason"] == "key_limited"
    assert (await world.send("Mail", caller=caller))["status"] == 200
    packaged = await world.send(caller=Caller("alice", "acme", "key co_p…"))
    assert (packaged["reason"], packaged["caller"]["namespace"]) == ("namespace_not_allowed", "acme")


async def test_a_change_of_the_definitions_holds_at_once(world):
    for act, reason in (("disable", "callouts_disabled"), ("enable", None)):
        await world.operations.run(f"named_credential.{act}", {"name": "Mail"}, LOCAL)
        assert (await world.send("Mail"))["reason"] == reason


async def test_a_long_answer_is_cut_and_says_so(world):
    result = await world.send(path="/large")
    assert (len(result["body"]), result["cut"]) == (MOST_SHOWN, "size")


async def test_bytes_come_and_go_as_base64(world):
    result = await world.send(path="/bytes", method="PUT", body_base64=base64.b64encode(b"\0\xff").decode())
    assert (result["body"], base64.b64decode(result["body_base64"])) == (None, b"\xff\xfe\0")
    assert world.external.requests[-1].endswith("\0\xff")
    assert (await world.send(method="HEAD"))["body"] == ""


async def test_an_answer_that_does_not_come_in_time_is_callouts_own(world):
    result = await world.send(path="/wait", timeout=0.2)
    assert (result["status"], result["reason"], len(result["received"])) == (504, "timed_out", 1)


async def test_what_others_send_to_that_gateway_is_not_witnessed(world):
    await world.send()
    key = (await world.operations.run("key.create", {"user": "alice"}, LOCAL))["key"]
    sender = world.operations.uses.send
    reader, writer = await asyncio.open_connection("127.0.0.1", sender._gateway.port)
    writer.write(f"GET /callout/Weather/a HTTP/1.1\r\nHost: x\r\nCallout-Key: {key}\r\n\r\n".encode())
    await world.home.org.follow()
    assert (await reader.readline()).startswith((b"HTTP/1.1 200", b"HTTP/1.1 401"))
    writer.close()
    assert sender._witnessed == {}


async def test_one_user_has_few_under_way_at_a_time(world):
    world.external.release.clear()
    before = len(world.external.requests)
    waiting = [asyncio.ensure_future(world.send(path="/wait")) for _ in range(MOST_OF_ONE)]
    while len(world.external.requests) < before + MOST_OF_ONE:
        await asyncio.sleep(0)
    with pytest.raises(Refused) as refused:
        await world.send()
    assert (refused.value.reason.code, refused.value.retry_after) == ("rate_limited", 1)
    assert (await world.send(caller=BOB))["status"] == 403, "another has turns of their own"
    world.external.release.set()
    assert {(await each)["status"] for each in waiting} == {200}
    assert (await world.send())["status"] == 200


@pytest.mark.parametrize(
    "given",
    [
        {"name": "Weather/../Mail"},
        {"method": "GET /x"},
        {"path": "/a b"},
        {"path": "/a\r\nX: 1"},
        {"path": "/a?b", "query": "c"},
        {"headers": [["X-A", "1\r\nX-B: 2"]]},
        {"headers": [["X A", "1"]]},
        {"headers": [["Callout-Key", "co_1"]]},
        {"headers": [["content-length", "1"]]},
        {"principal": "a\nb"},
        {"on_behalf_of": "a\nb"},
        {"body": "a", "body_base64": "YQ=="},
        {"body_base64": "?"},
        {"timeout": 0},
        {"timeout": 3600},
    ],
)
async def test_what_is_no_request_is_refused_before_anything_leaves(world, given):
    before = len(world.external.requests)
    with pytest.raises(Refused) as refused:
        await world.send(**{"name": "Weather", **given})
    assert refused.value.reason.code == "malformed_request"
    assert len(world.external.requests) == before


async def test_those_who_are_told_the_code_alone_see_neither_rungs_nor_what_left(world, tmp_path):
    folder = tmp_path / "home"
    shutil.copytree(world.home.settings.folder, folder)
    async with opened(folder, {"telling_users": "code"}) as (_, operations):
        result = await operations.run("callout.send", {"name": "Weather"}, ALICE)
        assert (result["status"], result["steps"], result["received"]) == (200, [], None)
        admin = await operations.run("callout.send", {"name": "Weather"}, LOCAL)
        assert admin["steps"]


async def test_a_home_without_an_administrator_has_nobody_to_call_as():
    with pytest.raises(OperationRefused, match="no administrator"):
        await make_world().run("callout.send", name="Weather")
    with pytest.raises(Refused, match="expected a process that makes callouts"):
        await (await make_shop()).run("callout.send", ALICE, name="Orders")
