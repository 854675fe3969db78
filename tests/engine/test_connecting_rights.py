"""Connecting: with whose authority, and what an attacker, a package or an agent would like to do with another's."""

from dataclasses import replace

import pytest

from callout.core.errors import CalloutError, Refused
from callout.core.model.credentials import NamedCredential
from callout.core.model.people import Caller, CallerKey, Package, PermissionSet, User
from callout.core.oauth2.authorization import AuthorizationResponse
from callout.core.secret import Secret
from callout.engine.connect import Connecting
from callout.engine.operations import document_of
from tests.connecting import CREDENTIALS, HERE, PARAMETERS, PROVIDER, SHARED, own
from tests.engine.conftest import START, json_answer
from tests.engine.test_connect import DEVICE, connected, desk, refused

__all__ = ["desk"]

NAMED = NamedCredential("Own", "https://own.example", "Own")


async def test_whoever_acts_for_a_user_gets_no_authority_of_that_user_in_the_link(desk) -> None:
    agents = PermissionSet("Agents", may_act_for=frozenset({"alice"}))
    await desk.world.define(agents, User("agent", permission_sets=("Agents",)))
    await desk.world.put_key(b"co_agent", "agent")
    with pytest.raises(Refused) as caught:
        desk.world.callouts.admit("Own", (), b"co_agent", None, None, b"alice")
    assert caught.value.reason.code == "authorization_required"
    assert caught.value.connect_url == f"{HERE}/connect/Own/User"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//evil.example/", "callout.example/x"])
async def test_a_public_url_that_is_none_allows_no_address_that_is_none(desk, url: str) -> None:
    links = desk.connecting.links
    links.public_url = "callout.example"
    made = Connecting(desk.setup, desk.connecting._connections, links, desk.server, desk.connecting._judge)
    with pytest.raises(Refused, match="return_url"):
        made.allowed_return(url)


async def test_what_a_package_says_is_not_authorized_before_an_admin_has_enabled_it(desk) -> None:
    state = await desk.begin(own("alice"), "alice")
    external = next(each for each in CREDENTIALS if each.name == "Own")
    await desk.world.define(
        Package("acme"),
        replace(external, created_by_namespace="acme"),
        replace(NAMED, enabled_for_callouts=False, created_by_namespace="acme"),
    )
    told = await refused(desk, state)
    assert (told.reason.code, told.remedies[0].command) == (
        "callouts_disabled",
        "callout named-credential enable Own",
    )
    assert not desk.server.forms
    with pytest.raises(Refused, match="no named credential that is enabled"):
        await desk.connecting.begin_device(own("alice"), "alice")
    await desk.begin(own("alice"), "admin")
    await desk.world.define(replace(NAMED, created_by_namespace="acme"))
    await connected(desk, own("alice"), "alice")


@pytest.mark.parametrize(
    ("iss", "accepted"),
    [("https://honest.example", False), ("https://nobodys.example", True), ("https://id.example/realm", True)],
)
async def test_where_no_issuer_is_declared_the_code_of_another_server_that_is_known_goes_nowhere(desk, iss, accepted):
    declared = {name: value for name, value in PARAMETERS.items() if name != "issuer"}
    shared = next(each for each in CREDENTIALS if each.name == "Shared")
    others = [
        replace(shared, name=name, parameters={"issuer": issuer})
        for name, issuer in (("Honest", "https://honest.example"), ("Same", "https://id.example/realm"))
    ]
    await desk.world.define(replace(PROVIDER, parameters=declared), *others)
    state = await desk.begin(SHARED)
    response = AuthorizationResponse(Secret("c4n4ry-code"), iss=iss)
    if accepted:
        await desk.connecting.complete(state, response, session="browser")
    else:
        told = await refused(desk, state, response)
        assert "another external credential" in told.detail
        assert not desk.server.forms


HELD = {"external_credential": "Own", "principal": "User"}


async def test_whoever_may_not_begin_with_a_device_code_may_not_end_with_one_either(desk) -> None:
    limited = CallerKey(b"", "co_one", "alice", None, START, named_credentials=("Own",))
    callers = {
        "administrator_required": Caller("alice", None, "key", key=limited),
        "package_code_refused": Caller("alice", "acme", "key"),
        "connection_failed": Caller("bob", None, "key"),
        "caller_unknown": Caller("guest"),
    }
    await desk.world.define(Package("acme"))
    desk.server.answers.append(json_answer(200, DEVICE))
    begun = await desk.connecting.begin_device(own("alice"), "alice")
    for reason, caller in callers.items():
        told = []
        for handle in (begun["handle"], "nobodys"):
            with pytest.raises(CalloutError) as caught:
                await desk.run("connection.poll_device", caller, **HELD, handle=handle)
            told.append(document_of(caught.value))
        assert told[0] == told[1]
        assert told[0]["reason"] == reason
    polled = await desk.run("connection.poll_device", Caller("alice", None, "key"), **HELD, handle=begun["handle"])
    assert polled["state"] == "connected"
