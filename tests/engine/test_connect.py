"""Connecting: what begins, what comes back, and everything that is refused."""

import json
from dataclasses import replace
from hashlib import sha256

import pytest

from callout.core.errors import CalloutError, Refused
from callout.core.message import HttpResponse
from callout.core.model.people import CallerKey, Package
from callout.core.oauth2.authorization import AuthorizationResponse, code_challenge
from callout.core.secret import Secret, reveal
from callout.engine.connect import origin_of
from callout.engine.operations import OperationRefused
from tests.connecting import CREDENTIALS, HERE, PARAMETERS, PROVIDER, SECRET, SHARED, furnish, open_desk, own, token_of
from tests.engine.conftest import START, json_answer

CODE = AuthorizationResponse(Secret("c4n4ry-code"), iss="https://id.example")


@pytest.fixture
async def desk(tmp_path):
    with open_desk(tmp_path) as made:
        await furnish(made)
        yield made


async def connected(desk, key, who="", session="browser", **more):
    state = await desk.begin(key, who, session, **more)
    return await desk.connecting.complete(state, CODE, session=session)


async def refused(desk, state, response=CODE, session="browser") -> Refused:
    with pytest.raises(Refused) as caught:
        await desk.connecting.complete(state, response, session=session)
    return caught.value


# --- what works -------------------------------------------------------------------------------------------------


async def test_a_connection_brings_the_token_that_callouts_use(desk) -> None:
    done = await connected(desk, SHARED)
    assert (done.key, done.account) == (SHARED, "someone@id.example")
    await desk.world.put_key(b"co_alice", "alice")
    ready = await desk.world.callouts.prepare(desk.world.admit("Shared", b"co_alice"))
    assert b"Authorization: Bearer access-1" in ready.head


async def test_the_code_is_exchanged_with_the_verifier_of_its_challenge_and_the_providers_client(desk) -> None:
    url = await desk.connecting.begin(SHARED, "", session="browser")
    state = url.partition("&state=")[2]
    await desk.connecting.complete(state, CODE, session="browser")
    form = desk.server.forms[0]
    assert (form["code"], form["redirect_uri"]) == ("c4n4ry-code", f"{HERE}/connect/callback")
    assert f"code_challenge={code_challenge(Secret(form['code_verifier']))}&" in url
    assert "client_id=the-client&" in url
    authorization = dict(desk.server.requests[0].headers)["Authorization"]
    assert reveal(authorization).startswith("Basic ")


async def test_each_user_has_an_account_of_their_own(desk) -> None:
    await connected(desk, own("alice"), "alice")
    assert await token_of(desk, own("alice")) is not None
    assert await token_of(desk, own("bob")) is None


async def test_a_refresh_goes_on_from_the_connection_and_survives_a_new_client_secret(desk) -> None:
    await connected(desk, SHARED)
    values = {"client_secret": "rotated"}
    await desk.run("identity_provider.set_secret", name="Id", values=values)
    await desk.world.put_key(b"co_alice", "alice")
    await desk.world.org.follow()
    ready = await desk.world.callouts.prepare(desk.world.admit("Shared", b"co_alice"))
    assert b"Bearer access-2" in ready.head
    assert desk.server.forms[-1]["refresh_token"] == "refresh-1"


async def test_another_client_of_the_provider_needs_a_new_connection(desk) -> None:
    await connected(desk, SHARED)
    await desk.run("identity_provider.set_secret", name="Id", values={"client_id": "another"})
    await desk.world.put_key(b"co_alice", "alice")
    await desk.world.org.follow()
    with pytest.raises(Refused) as caught:
        await desk.world.callouts.prepare(desk.world.admit("Shared", b"co_alice"))
    assert caught.value.reason.code == "authorization_required"


async def test_an_end_that_was_stated_is_over_with_a_new_connection(desk) -> None:
    await connected(desk, SHARED)
    await desk.world.put_key(b"co_alice", "alice")
    await desk.world.org.follow()
    desk.world.clock.move(3600)
    desk.server.answers.append(json_answer(400, {"error": "invalid_grant"}))
    with pytest.raises(Refused) as caught:
        await desk.world.callouts.prepare(desk.world.admit("Shared", b"co_alice"))
    assert caught.value.reason.code == "reconnect_required"
    assert caught.value.remedies[0].command == "callout connect Shared/Service"
    assert (await desk.world.store.user_external_credentials.look(SHARED)).stated is not None
    await connected(desk, SHARED)
    await desk.world.org.follow()
    ready = await desk.world.callouts.prepare(desk.world.admit("Shared", b"co_alice"))
    assert b"Bearer access-2" in ready.head


async def test_a_refused_token_without_a_refresh_token_asks_for_a_new_connection_and_is_tried_again(desk) -> None:
    """Systems whose tokens do not end, such as GitHub's OAuth apps: a 401 is all that says that one was revoked."""
    desk.server.answers.append(json_answer(200, {"access_token": "forever"}))
    await connected(desk, SHARED)
    await desk.world.put_key(b"co_alice", "alice")
    route = desk.world.admit("Shared", b"co_alice")
    ready = await desk.world.callouts.prepare(route)
    with pytest.raises(Refused, match="without a refresh token") as caught:
        await desk.world.callouts.refresh(route, ready, 401)
    assert (caught.value.reason.code, caught.value.connect_url) == (
        "reconnect_required",
        f"{HERE}/connect/Shared/Service",
    )
    assert caught.value.remedies[0].command == "callout connect Shared/Service"
    assert (await desk.world.store.user_external_credentials.look(SHARED)).stated is None
    assert b"Bearer forever" in (await desk.world.callouts.prepare(route)).head


async def test_a_refresh_that_was_under_way_does_not_take_the_place_of_the_new_connection(desk) -> None:
    await connected(desk, SHARED)
    store = desk.world.store.user_external_credentials
    old = await store.token(SHARED)
    await connected(desk, SHARED)
    new = await store.token(SHARED)
    assert new.fingerprint != old.fingerprint
    assert not await store.swap_token(replace(old, generation=2), replaces=1)
    assert (await store.token(SHARED)).envelope == new.envelope


# --- what is refused --------------------------------------------------------------------------------------------


async def test_a_state_is_good_once(desk) -> None:
    state = await desk.begin(SHARED)
    await desk.connecting.complete(state, CODE, session="browser")
    assert "was used" in (await refused(desk, state)).detail


async def test_of_two_processes_one_completes(desk) -> None:
    state = await desk.begin(SHARED)
    attempts = desk.world.store.connections
    digest = (await attempts.attempt(_digest(state))).digest
    assert [await attempts.take_attempt(digest) is None for _ in range(2)] == [False, True]


def _digest(state: str) -> bytes:
    from callout.engine.connect_links import digest_of_text

    return digest_of_text("state", state)


async def test_another_browser_cannot_complete_and_does_not_spoil_it(desk) -> None:
    state = await desk.begin(own("alice"), "alice")
    assert "another browser" in (await refused(desk, state, session="mallory")).detail
    assert (await desk.connecting.complete(state, CODE, session="browser")).key == own("alice")


async def test_an_attempt_ends_after_ten_minutes(desk) -> None:
    state = await desk.begin(SHARED)
    desk.world.clock.move(600)
    assert "10 minutes" in (await refused(desk, state)).detail
    assert desk.server.requests == []


async def test_a_state_that_nobody_asked_for_is_refused(desk) -> None:
    assert (await refused(desk, "made-up")).reason.code == "connection_failed"


async def test_another_issuer_gets_no_code(desk) -> None:
    state = await desk.begin(SHARED)
    why = await refused(desk, state, AuthorizationResponse(Secret("c4n4ry-code"), iss="https://evil.example"))
    assert "RFC 9207" in why.detail
    assert desk.server.requests == []


async def test_an_error_of_the_authorization_server_says_what_helps(desk) -> None:
    state = await desk.begin(SHARED)
    why = await refused(desk, state, AuthorizationResponse(error="access_denied", iss="https://id.example"))
    assert "agree at the authorization server" in str(why.remedies[0])
    assert (await refused(desk, state)).reason.code == "connection_failed"


async def test_a_code_or_verifier_that_the_server_refuses_stores_nothing_and_shows_no_secret(desk) -> None:
    state = await desk.begin(SHARED)
    echo = {"error": "invalid_grant", "error_description": "PKCE verification failed for c4n4ry-code"}
    desk.server.answers.append(json_answer(400, echo))
    why = await refused(desk, state)
    assert "PKCE verification failed" in why.detail
    assert "c4n4ry" not in why.detail
    assert "good once" in str(why.remedies[0])
    assert await token_of(desk, SHARED) is None


async def test_an_endpoint_that_is_changed_meanwhile_gets_no_code(desk) -> None:
    state = await desk.begin(SHARED)
    moved = replace(PROVIDER, parameters={**PARAMETERS, "token_endpoint": "https://other.example/token"})
    await desk.world.define(moved)
    assert "changed since this began" in (await refused(desk, state)).detail
    assert desk.server.requests == []


async def test_what_was_taken_back_meanwhile_cannot_be_completed(desk) -> None:
    state = await desk.begin(own("alice"), "alice")
    from callout.core.model.people import User

    await desk.world.define(User("alice"))
    with pytest.raises(CalloutError):
        await desk.connecting.complete(state, CODE, session="browser")
    assert desk.server.requests == []


@pytest.mark.parametrize(
    ("who", "key"), [("alice", SHARED), ("alice", own("bob")), ("carol", own("carol")), ("guest", own("guest"))]
)
async def test_the_grants_say_who_may_connect_what(desk, who, key) -> None:
    with pytest.raises(CalloutError):
        await desk.begin(key, who)
    with pytest.raises(CalloutError):
        await desk.connecting.begin_device(key, who)


async def test_an_admin_connects_what_everybody_shares(desk) -> None:
    assert (await connected(desk, SHARED, "admin")).key == SHARED


async def test_other_protocols_have_nothing_to_connect(desk) -> None:
    await desk.world.define(replace(CREDENTIALS[0], protocol="basic", parameters={}))
    with pytest.raises(Refused, match="oauth2_authorization_code"):
        await desk.begin(SHARED)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "https://app.example.evil.example/",
        "https://app.example@evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "https://app.example\\@evil.example/",
        "https://app.example:444/",
        "http://app.example/",
        "https://app.example/\r\nSet-Cookie: a=b",
    ],
)
async def test_the_browser_is_sent_back_to_allowed_origins_alone(desk, url: str) -> None:
    with pytest.raises(Refused) as caught:
        await desk.begin(SHARED, return_url=url)
    assert caught.value.reason.code == "malformed_request"


async def test_the_browser_may_go_back_to_an_origin_that_is_allowed_or_our_own(desk) -> None:
    for url in ("https://app.example/done?x=1", "HTTPS://APP.EXAMPLE:443/", f"{HERE}/x"):
        assert (await connected(desk, SHARED, return_url=url)).return_url == url


def test_an_origin_is_scheme_host_and_port() -> None:
    assert origin_of("https://[::1]:8443/x") == "https://[::1]:8443"
    assert origin_of("http://a.example:80") == "http://a.example"
    assert [origin_of(url) for url in ("ftp://a", "https://", "https://a:b/", "")] == [""] * 4


# --- links ------------------------------------------------------------------------------------------------------


async def test_a_link_is_good_once_for_one_principal_and_until_its_end(desk) -> None:
    links = desk.connecting.links
    text = links.link(own("alice"), "alice", seconds=60).partition("?link=")[2]
    link = links.read_link(text)
    assert (link.key, link.by) == (own("alice"), "alice")
    await connected(desk, own("alice"), "alice", link=link)
    with pytest.raises(Refused, match="was used"):
        await desk.begin(own("alice"), "alice", link=link)
    desk.world.clock.move(60)
    with pytest.raises(Refused, match="has ended"):
        links.read_link(text)


async def test_of_two_that_use_one_link_at_once_one_is_connected(desk) -> None:
    link = desk.connecting.links.read_link(desk.connecting.links.link(own("alice"), "alice").partition("?link=")[2])
    first = await desk.begin(own("alice"), "alice", session="one", link=link)
    second = await desk.begin(own("alice"), "alice", session="two", link=link)
    await desk.connecting.complete(first, CODE, session="one")
    assert (await refused(desk, second, session="two")).reason.code == "connection_failed"


@pytest.mark.parametrize("text", ["", "forged", "AAAA", "é", "=" * 9000])
async def test_a_link_that_callout_did_not_make_is_refused(desk, text: str) -> None:
    with pytest.raises(Refused, match="did not make"):
        desk.connecting.links.read_link(text)


async def test_a_sealed_text_of_another_kind_is_no_link(desk) -> None:
    other = desk.connecting.links.seal("session", {"id": "x"}, 60)
    with pytest.raises(Refused, match="did not make"):
        desk.connecting.links.read_link(other)


# --- what callers are told --------------------------------------------------------------------------------------


async def refusal_of(desk, name: str, key: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        await desk.world.callouts.prepare(desk.world.admit(name, key))
    return caught.value


async def test_a_user_is_told_where_to_connect_with_a_link_of_their_own(desk) -> None:
    await desk.world.put_key(b"co_alice", "alice")
    told = await refusal_of(desk, "Own", b"co_alice")
    assert told.reason.code == "authorization_required"
    assert told.remedies[0].command == "callout connect Own/User --user alice"
    link = desk.connecting.links.read_link(told.connect_url.partition("?link=")[2])
    assert (link.key, link.by, link.invited) == (own("alice"), "alice", False)


async def test_what_everybody_shares_packages_and_limited_keys_get_no_authority_in_the_link(desk) -> None:

    await desk.world.define(Package("acme"), replace(_named("Own"), allowed_namespaces=("acme",)))
    await desk.world.put_key(b"co_alice", "alice")
    await desk.world.put_key(b"co_acme", "alice", "acme")
    assert (await refusal_of(desk, "Shared", b"co_alice")).connect_url == f"{HERE}/connect/Shared/Service"
    assert (await refusal_of(desk, "Own", b"co_acme")).connect_url == f"{HERE}/connect/Own/User"
    limited = CallerKey(sha256(b"co_one").digest(), "co_one", "alice", None, START, named_credentials=("Own",))
    await desk.world.store.definitions.put_key(limited, desk.world.act("key"))
    await desk.world.org.follow()
    assert (await refusal_of(desk, "Own", b"co_one")).connect_url == f"{HERE}/connect/Own/User"


def _named(name: str):
    from callout.core.model.credentials import NamedCredential

    return NamedCredential(name, f"https://{name.lower()}.example", name)


async def test_a_missing_client_is_said_before_a_missing_authorization(desk) -> None:
    await desk.world.put_key(b"co_alice", "alice")
    act = desk.world.act("remove")
    await desk.world.store.user_external_credentials.remove_secrets(PROVIDER.key, None, act)
    await desk.world.org.follow()
    refusal = await refusal_of(desk, "Shared", b"co_alice")
    assert refusal.reason.code == "principal_not_configured"
    commands = [remedy.command for remedy in refusal.remedies]
    assert commands == ["callout identity-provider set-secret Id client_id=- client_secret=-"]


async def test_no_link_is_made_for_what_has_no_client_yet(desk) -> None:
    act = desk.world.act("remove")
    await desk.world.store.user_external_credentials.remove_secrets(PROVIDER.key, None, act)
    await desk.world.org.follow()
    with pytest.raises(Refused) as caught:
        await desk.run("connection.link", external_credential="Shared", principal="Service")
    assert caught.value.reason.code == "principal_not_configured"
    commands = [remedy.command for remedy in caught.value.remedies]
    assert commands == ["callout identity-provider set-secret Id client_id=- client_secret=-"]


async def test_status_names_the_command_that_sets_what_a_principal_lacks(desk) -> None:
    act = desk.world.act("remove")
    await desk.world.store.user_external_credentials.remove_secrets(PROVIDER.key, None, act)
    shown = next(each for each in (await desk.run("status"))["principals"] if each["principal"] == "Shared/Service")
    assert shown["state"] == "not_configured"
    assert shown["remedy_commands"] == ["callout identity-provider set-secret Id client_id=- client_secret=-"]


# --- by device --------------------------------------------------------------------------------------------------

DEVICE = {
    "device_code": "c4n4ry-device",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://id.example/device",
    "expires_in": 300,
    "interval": 2,
}


async def test_a_device_code_is_polled_as_the_server_says_and_connects(desk) -> None:
    desk.server.answers += [
        json_answer(200, DEVICE),
        json_answer(400, {"error": "authorization_pending"}),
        json_answer(400, {"error": "slow_down"}),
        json_answer(200, {"access_token": "by-device", "refresh_token": "r"}),
    ]
    begun = await desk.connecting.begin_device(own("alice"), "alice")
    assert (begun["user_code"], begun["interval"]) == ("WDJB-MJHT", 2)
    assert "c4n4ry" not in json.dumps(begun, default=str)
    polled = [await desk.connecting.poll_device(begun["handle"], "alice") for _ in range(3)]
    assert [(p["state"], p.get("interval")) for p in polled] == [("pending", 2), ("pending", 7), ("connected", None)]
    with pytest.raises(Refused, match="has ended"):
        await desk.connecting.poll_device(begun["handle"], "alice")


@pytest.mark.parametrize(("error", "said"), [("access_denied", "agree"), ("expired_token", "sooner")])
async def test_a_device_that_is_refused_or_late_is_over(desk, error: str, said: str) -> None:
    desk.server.answers += [json_answer(200, DEVICE), json_answer(400, {"error": error})]
    begun = await desk.connecting.begin_device(SHARED, "admin")
    with pytest.raises(Refused) as caught:
        await desk.connecting.poll_device(begun["handle"], "admin")
    assert said in str(caught.value.remedies[0])
    with pytest.raises(Refused, match="has ended"):
        await desk.connecting.poll_device(begun["handle"], "admin")


async def test_another_user_cannot_poll(desk) -> None:
    desk.server.answers.append(json_answer(200, DEVICE))
    begun = await desk.connecting.begin_device(own("alice"), "alice")
    with pytest.raises(Refused, match="another's"):
        await desk.connecting.poll_device(begun["handle"], "bob")


# --- operations -------------------------------------------------------------------------------------------------


async def test_what_is_shown_of_a_connection_and_what_disconnects_it(desk) -> None:
    held = {"external_credential": "Shared", "principal": "Service"}
    assert not (await desk.run("connection.show", **held))["connected"]
    await connected(desk, SHARED, "admin")
    shown = await desk.run("connection.show", **held)
    assert (shown["connected_by"], shown["account"]) == ("admin", "someone@id.example")
    state = next(p for p in (await desk.run("status"))["principals"] if p["principal"] == "Shared/Service")
    assert state["state"] == "connected"
    told = await desk.run("connection.remove", **held)
    assert told["changed"]
    assert not (await desk.run("connection.show", **held))["connected"]
    state = next(p for p in (await desk.run("status"))["principals"] if p["principal"] == "Shared/Service")
    assert (state["state"], state["remedy_commands"]) == ("not_connected", ["callout connect Shared/Service"])


async def test_connecting_and_disconnecting_leave_an_act_each_that_names_who_and_what(desk) -> None:
    await connected(desk, own("alice"), "alice")
    await desk.run("connection.remove", external_credential="Own", principal="User", user="alice")
    rows = (await desk.run("audit.list"))["acts"]
    told = [(row["who"], row["act"], row["what"]) for row in rows if "connect" in row["act"]]
    assert told == [
        ("local", "disconnect principal", "Own/User@alice"),
        ("alice", "connect principal", "Own/User@alice to account someone@id.example"),
    ]


async def test_what_is_disconnected_is_revoked(desk) -> None:
    await desk.world.define(replace(PROVIDER, parameters={**PARAMETERS, "revocation_endpoint": "https://id.example/r"}))
    await connected(desk, SHARED)
    desk.server.answers.append(HttpResponse(200, "", (), b""))
    told = await desk.run("connection.remove", external_credential="Shared", principal="Service")
    assert [receipt["revoked"] for receipt in told["revocations"]] == [True]
    assert desk.server.forms[-1] == {"token": "refresh-1", "token_type_hint": "refresh_token"}


async def test_a_user_who_goes_takes_their_connection_along(desk) -> None:
    await desk.world.define(replace(PROVIDER, parameters={**PARAMETERS, "revocation_endpoint": "https://id.example/r"}))
    await connected(desk, own("alice"), "alice")
    desk.server.answers.append(HttpResponse(200, "", (), b""))
    told = await desk.run("user.remove", name="alice")
    assert [receipt["revoked"] for receipt in told["revocations"]] == [True]
    assert await token_of(desk, own("alice")) is None


async def test_a_limited_key_connects_nothing(desk) -> None:
    from callout.core.model.people import Caller

    kept = CallerKey(b"1", "co_x", "alice", None, desk.world.clock.now(), named_credentials=("Own",))
    caller = Caller("alice", None, "key co_x", key=kept)
    with pytest.raises(OperationRefused, match="limited"):
        await desk.run("connection.link", caller, external_credential="Own", principal="User")


async def test_a_provider_shows_the_callback_url_and_never_its_secret(desk) -> None:
    shown = await desk.run("identity_provider.show", name="Id")
    assert shown["callback_url"] == f"{HERE}/connect/callback"
    assert shown["secrets_set"] == ["client_id", "client_secret"]
    everything = json.dumps(
        [shown, await desk.run("export"), await desk.run("status"), await desk.run("identity_provider.list")],
        default=str,
    )
    assert SECRET not in everything


async def test_an_answer_that_never_comes_is_no_connection(desk) -> None:
    state = await desk.begin(SHARED)
    desk.server.answers.append(HttpResponse(503, "", (), b""))
    assert (await refused(desk, state)).reason.code == "token_endpoint_unreachable"
