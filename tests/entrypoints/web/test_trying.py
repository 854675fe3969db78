"""Try it: what would leave, what left, the ladder, and remedies that are shown, applied, and lead back."""

import json
from dataclasses import replace

import pytest

from callout.core.errors import Refused
from callout.core.explanation import Remedy
from callout.core.model.people import AdminPermission, Package, PermissionSet, Profile, User
from callout.engine.sending import Answered, Witnessed
from tests.engine.test_troubleshoot import call
from tests.entrypoints.web.looking import HOSTILE, assert_harmless
from tests.entrypoints.web.visitor import visitor
from tests.world import CLERKS, ORDERS, ORDERS_URL, WEATHER, WEATHER_URL, make_world

VIEWERS = PermissionSet("Viewers", admin_permissions=frozenset({AdminPermission.VIEW_SETUP}))


@pytest.fixture
async def world():
    world = make_world()
    people = (User("bob"), User("dave", "Contractors"), User("vera", permission_sets=("Viewers",)))
    await world.define(
        ORDERS, ORDERS_URL, WEATHER, WEATHER_URL, CLERKS, VIEWERS, Profile("Contractors"), Package("acme"), *people
    )
    secrets = {"client_id": "id", "client_secret": "secret"}
    await world.run("secret.set", external_credential="Orders", principal="Service", values=secrets)
    return world


@pytest.fixture
async def admin(world):
    async with visitor(world) as admin:
        yield admin


def sends(world, *received, status=200, body=b"hello", headers=(), cut=None):
    """Let callouts be answered so; returns what was asked for."""
    asked = []

    async def send(outgoing, caller):
        asked.append((outgoing, caller))
        callout_id = ("Callout-Id", "1a20a9f109100000167e4e5eb")
        answered = Answered(status, "As Told", (callout_id, *headers), body, cut, 0.25)
        return answered, Witnessed(list(received))

    world.operations.uses = replace(world.operations.uses, send=send)
    return asked


def left(url="https://orders.example.com/v2/7", **more):
    usual = {"body_rewritten": False, "encoded": False, "client_certificate": None, "token_generation": 1}
    return {"url": url, "headers": [["Host", "orders.example.com"], ["Authorization", "Bearer …"]], **usual, **more}


def states_of(page) -> dict[str, str]:
    rungs = page.tree.xpath("//ol[@class='ladder']/li")
    return {rung.xpath(".//b")[0].text: rung.get("class") for rung in rungs}


async def test_an_address_that_names_a_callout_and_a_user_shows_what_would_come_of_it(admin) -> None:
    page = await admin.get("/setup/try?name=Orders&user=dave")
    states = states_of(page)
    assert (states["Who calls"], states["Principal"], states["User External Credential"]) == (
        "held",
        "failed",
        "failed",
    )
    assert states["Token"] == states["Authentication"] == "unreached"
    assert "To be mended by: an admin" in page.words
    assert "principal_not_granted" in page.words
    assert "callout permission-set assign 'Order Clerks' dave" in page.words
    assert "Nothing was sent" not in page.words


async def test_a_dry_run_shows_the_exact_request_and_sends_nothing(admin, world) -> None:
    await world.run("permission_set.assign", name="Order Clerks", user="bob")
    sent = {"name": "Orders", "method": "get", "path": "orders/7", "query": "a=1", "user": "bob", "do": "dry"}
    page = await admin.post("/setup/try", **sent)
    assert "GET https://orders.example.com/v2/orders/7?a=1" in page.words
    assert "Nothing was sent." in page.words
    assert set(states_of(page).values()) == {"held"}


async def test_a_callout_is_sent_and_its_picture_has_three_columns(admin, world) -> None:
    asked = sends(world, left(), left(body_rewritten=True), headers=(("Callout-Replay", "done"),))
    form = {"name": "Orders", "method": "POST", "path": "/7", "query": "a=1", "headers": "X-One: 1\nX-Two:2\n"}
    page = await admin.post("/setup/try", **form, body="  as it is", principal="Service", user="alice", do="send")
    outgoing, caller = asked[0]
    assert (outgoing.method, outgoing.target, outgoing.body) == ("POST", "/7?a=1", b"  as it is")
    assert outgoing.headers == (("X-One", "1"), ("X-Two", "2"))
    assert (outgoing.principal, outgoing.on_behalf_of, caller.user) == ("Service", "alice", "admin")
    columns = [each.text for each in page.tree.xpath("//div[@class='picture']//h3")]
    assert columns == ["You sent", "The external system received", "It answered"]
    assert "POST callout:Orders/7?a=1" in page.words
    assert page.words.count("Authorization: Bearer …") == 2
    assert "HTTP 200 As Told" in page.words
    assert "Formulas in the body were replaced" in page.words
    assert "sent again after a refresh" in page.words
    assert page.form("/setup/try#result")["body"] == ["  as it is"]


async def test_the_form_stands_as_it_was_and_oneself_is_nobody_else(admin, world) -> None:
    asked = sends(world)
    await admin.post("/setup/try", name="Orders", method="GET", user="admin", do="send")
    assert (asked[0][0].on_behalf_of, asked[0][0].body) == (None, None)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"cut": "size"}, "The answer is longer"),
        ({"cut": "time"}, "More did not come in time"),
        ({"cut": "broken"}, "The answer broke off"),
        ({"headers": (("Content-Encoding", "br"),)}, "Not shown: the body is encoded in br"),
        ({"body": b"\xff\xfe"}, "(base64) //4="),
        ({"status": 403, "headers": (("Callout-Error", "x"),), "body": b'{"title": "Not granted"}'}, "Not granted."),
    ],
)
async def test_what_is_not_the_whole_answer_is_said(admin, world, answer, said) -> None:
    sends(world, left(), **answer)
    page = await admin.post("/setup/try", name="Orders", method="GET", do="send")
    assert said in page.words


async def test_a_header_that_cannot_be_read_and_a_refusal_are_shown_above_the_form(admin, world) -> None:
    page = await admin.post("/setup/try", name="Orders", method="GET", headers="no colon", body="kept", do="send")
    assert "expected Name: value" in page.words
    assert page.form("/setup/try#result")["body"] == ["kept"]
    page = await admin.post("/setup/try", name="Orders", method="GET", path="/a b", do="send")
    assert "visible ASCII" in page.words


@pytest.mark.parametrize("text", HOSTILE)
async def test_nothing_that_is_typed_or_answered_is_run(admin, world, text) -> None:
    hostile = left(url=text, client_certificate={"name": text, "kid": text})
    sends(world, hostile, body=text.encode(), headers=(("X-Hostile", text), ("Content-Type", text)))
    form = dict.fromkeys(("name", "path", "query", "headers", "body", "principal", "user", "namespace", "method"), text)
    for do in ("dry", "send"):
        page = await admin.post("/setup/try", **form, do=do)
        assert page.status in (200, 400)
        assert_harmless(page)
    page = await admin.post("/setup/try", name="Orders", method="POST", body=text, headers=f"X-Mine: {text}", do="send")
    assert page.words.count(" ".join(text.split())) >= 3, "sent, received, answered"
    assert_harmless(page)


async def test_a_remedy_shows_its_change_then_is_applied_and_leads_back(admin, world) -> None:
    page = await admin.get("/setup/try?name=Orders&user=dave&path=%2F7")
    forms = page.tree.xpath("//ol[@class='ladder']//form")
    fields = {
        each.get("name"): each.get("value") for each in forms[0].xpath(".//input") if each.get("name") != "form_text"
    }
    shown = await admin.post("/setup/remedy", **fields)
    assert "Nothing is changed yet" in shown.words
    assert "dave" in shown.tree.xpath("//pre[@class='diff']")[0].text_content()
    assert (await world.store.load()).users["dave"].permission_sets == ()
    again = {k: v[0] for k, v in shown.form("/setup/remedy").items() if k != "form_text"}
    back = await admin.post("/setup/remedy", **again, do="apply")
    assert (await world.store.load()).users["dave"].permission_sets == ("Order Clerks",)
    assert str(back.answer.url.path) == "/setup/try"
    assert states_of(back)["Principal"] == "held", "tried again at once"
    assert back.tree.xpath("//p[@class='said']")


async def test_a_remedy_of_ones_own_callout_leads_back_to_the_form_as_it_stood(admin) -> None:
    page = await admin.post("/setup/try", name="Orders", method="POST", path="/7", body="kept", do="dry")
    following = page.tree.xpath("//form[@action='/setup/remedy']//input[@name='next']/@value")[0]
    back = await admin.get(following)
    assert (back.form("/setup/try#result")["body"], states_of(back)["Principal"]) == (["kept"], "failed")


@pytest.mark.parametrize(
    "fields",
    [
        {"operation": "callout.send", "arguments": '{"name": "Orders"}'},
        {"operation": "no such", "arguments": "{}"},
        {"operation": "user.remove", "arguments": "[]"},
        {"operation": "user.remove", "arguments": "{"},
        {"operation": "user.remove", "arguments": '{"name": "nobody"}'},
    ],
)
async def test_what_is_no_remedy_is_refused_and_nothing_is_done(admin, world, fields) -> None:
    before = world.acts()
    for do in ("", "apply"):
        page = await admin.post("/setup/remedy", **fields, do=do, next="https://evil.example/")
        assert page.status >= 400
    assert world.acts() == before


async def test_a_remedy_leads_nowhere_else(admin, world) -> None:
    fields = {"operation": "named_credential.disable", "arguments": json.dumps({"name": "Orders"})}
    page = await admin.post("/setup/remedy", **fields, next="//evil.example/x", do="apply")
    assert page.answer.url.path == "/setup"


async def test_who_may_not_change_it_sees_the_command_and_no_button(world) -> None:
    async with visitor(world, "vera") as vera:
        page = await vera.get("/setup/try?name=Orders&user=dave")
        assert "callout permission-set assign 'Order Clerks' dave" in page.words
        assert not page.tree.xpath("//form[@action='/setup/remedy']")
        fields = {"operation": "named_credential.disable", "arguments": json.dumps({"name": "Orders"})}
        assert (await vera.post("/setup/remedy", **fields, do="apply")).status == 403
    async with visitor(world, "bob") as bob:
        own = await bob.get("/setup/try?name=Orders&user=bob")
        assert states_of(own)["Principal"] == "failed"
        assert "admin permission view_setup" in (await bob.get("/setup/try?name=Orders&user=dave")).words
        assert not own.tree.xpath("//datalist[@id='users']/option"), "users are for those who may see them"


async def test_without_a_session_nothing_is_tried(world) -> None:
    asked = sends(world)
    async with visitor(world, "bob") as bob:
        bob.client.cookies.clear()
        answer = await bob.client.post("/setup/try", data={"name": "Orders", "do": "send"})
        assert answer.status_code >= 400
        answer = await bob.client.get("/setup/try?name=Orders&user=bob")
        assert answer.headers["location"].startswith("/setup/sign-in?next=%2Fsetup%2Ftry%3F")
    async with visitor(world, "bob") as bob:
        foreign = await bob.client.post("/setup/try", data={"name": "Orders", "do": "send", "form_text": "guessed"})
        assert foreign.status_code == 400
    assert asked == []


async def test_a_refusal_of_the_sender_is_said(admin, world) -> None:
    async def busy(outgoing, caller):
        raise Refused("rate_limited", "got one more; expected the others to end first")

    world.operations.uses = replace(world.operations.uses, send=busy)
    page = await admin.post("/setup/try", name="Orders", method="GET", do="send")
    assert "expected the others to end first" in page.words


async def test_who_may_not_list_named_credentials_is_told_the_names_that_they_were_granted_alone(world) -> None:
    async with visitor(world, "bob") as bob:
        page = await bob.get("/setup/try")
        assert page.tree.xpath("//datalist[@id='names']/option/@value") == []
        assert "Orders" not in (await bob.get("/setup/find?q=try")).text + (await bob.get("/setup/find?q=orders")).words
        await world.run("permission_set.assign", name="Order Clerks", user="bob")
        page = await bob.get("/setup/try")
        assert page.tree.xpath("//datalist[@id='names']/option/@value") == ["Orders"]
        assert "Try Orders" in (await bob.get("/setup/find?q=try")).words
        assert "Try Weather" not in (await bob.get("/setup/find?q=try")).words


async def test_what_no_command_mends_leads_to_what_it_is_about_for_those_who_may_open_it(admin, world) -> None:
    await world.run("permission_set.assign", name="Order Clerks", user="bob")
    key = (await world.key_of("bob")).encode()
    await world.current.follow()
    route, callout_id = world.callouts.admit("Orders", (), key, None, None, None), world.callouts.next_id()
    error = Refused("token_endpoint_refused", "got invalid_client", Remedy("Correct client_id and client_secret"))
    more = (0, 0, world.clock.monotonic(), None, error, None, 0)
    world.callouts.record(callout_id, route, "Orders", b"GET", b"/callout/Orders/a", 502, *more)
    world.records.flush()
    found = await admin.get(f"/setup/callouts/{callout_id.decode()}")
    principal = "/setup/external-credentials/Orders/principals/Service"
    assert found.tree.xpath('//ul[@class="mendings"]//a/@href') == [principal]
    found = await admin.get("/setup/troubleshoot")
    assert found.tree.xpath('//ul[@class="mendings"]//a/@href') == ["/setup/external-credentials/Orders"]
    async with visitor(world, "bob") as bob:
        found = await bob.get(f"/setup/callouts/{callout_id.decode()}")
        assert "Orders/Service" in found.words
        assert not [href for href in found.tree.xpath("//main//a/@href") if "credentials" in href]


async def test_a_refusal_of_the_external_system_itself_leads_to_the_values_that_it_judged(admin, world) -> None:
    await world.run("permission_set.assign", name="Order Clerks", user="bob")
    for status, told in ((401, True), (403, True), (404, False)):
        await call(world, "bob", status=status)
        (newest, *_) = (await world.run("callout.log"))["callouts"]
        page = await admin.get(f"/setup/callouts/{newest['callout_id']}")
        assert ("may be wrong, or allow too little there" in page.words) is told, status
