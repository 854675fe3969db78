"""Admission, the head that is written, refresh rules, and the dry run that shows the same."""

import base64

import pytest

from callout.core.errors import Refused
from callout.core.model.credentials import CustomHeader, ExternalCredential, NamedCredential, Principal
from callout.core.model.people import PermissionSet, User
from callout.core.reasons import Telling
from callout.engine.diagnosis import diagnose
from tests.engine.conftest import ACME_KEY, ALICE_KEY, BOB_KEY, CLERKS, ORDERS, ORDERS_URL, replace


def refusal(world, *args, **more) -> Refused:
    with pytest.raises(Refused) as caught:
        world.admit(*args, **more)
    return caught.value


async def test_the_head_has_host_custom_headers_and_authentication_in_this_order(world) -> None:
    ready = await world.callouts.prepare(world.admit())
    assert ready.head == (
        b"Host: orders.example.com\r\nX-Tenant: acme\r\nX-Client: the-client\r\nAuthorization: Bearer token-1\r\n"
    )


async def test_the_route_says_where_to_and_what_must_not_be_carried(world) -> None:
    route = world.admit()
    assert (route.destination.scheme, route.destination.host, route.destination.port) == (
        "https",
        "orders.example.com",
        443,
    )
    assert route.path == b"/v2"
    assert route.drops == {b"host", b"x-tenant", b"x-client", b"authorization", b"dpop"}
    assert route.refresh_statuses == {400, 401, 601}


async def test_the_named_credentials_header_wins_over_the_external_credentials_and_duplicates_inside_stay(
    world,
) -> None:
    twice = (CustomHeader("x-tenant", "from-external"), CustomHeader("X-A", "1"), CustomHeader("X-A", "2"))
    await world.define(replace(ORDERS, headers=twice))
    head = (await world.callouts.prepare(world.admit())).head
    assert b"from-external" not in head
    assert head.count(b"X-A: ") == 2


async def test_a_route_is_decided_once_and_dropped_when_the_definitions_move(world) -> None:
    route = world.admit()
    assert world.admit() is route
    await world.define(replace(ORDERS_URL, enabled_for_callouts=False))
    assert refusal(world).reason.code == "callouts_disabled"


async def test_a_removed_grant_bites_on_the_next_callout(world) -> None:
    world.admit()
    await world.define(replace(CLERKS, principals=frozenset()))
    assert refusal(world).reason.code == "principal_not_granted"


async def test_a_route_ends_with_the_callers_key(world) -> None:
    from datetime import timedelta

    await world.put_key(b"co_short", "alice", expires_at=world.clock.now() + timedelta(seconds=10))
    route = world.admit(key=b"co_short")
    assert (await world.callouts.prepare(route)).fresh_until <= world.clock.monotonic() + 10
    world.clock.move(10)
    assert refusal(world, key=b"co_short").reason.code == "caller_unknown"


async def test_every_place_of_a_key_is_accepted_and_its_header_never_leaves(world) -> None:
    basic = b"Basic " + base64.b64encode(b"x:" + ALICE_KEY)
    for authorization in (b"Bearer " + ALICE_KEY, basic):
        assert b"authorization" in world.admit(key=None, authorization=authorization).drops
    route = world.admit(key=None, headers=[(b"X-Tenant", ALICE_KEY)])
    assert route.decision.caller.user == "alice"
    assert b"x-tenant" in route.drops


async def test_a_second_key_in_authorization_never_leaves_even_where_callout_writes_no_authorization(world) -> None:
    await world.define(replace(ORDERS_URL, generate_authorization_header=False))
    assert b"authorization" not in world.admit(authorization=b"Bearer a-token-of-the-caller").drops
    assert b"authorization" in world.admit(authorization=b"Bearer " + BOB_KEY).drops


@pytest.mark.parametrize(
    ("name", "key", "code"),
    [
        ("Orders", b"co_unknown", "caller_unknown"),
        ("Ordrs", ALICE_KEY, "named_credential_not_found"),
        ("Orders", ACME_KEY, "namespace_not_allowed"),
        ("Orders", BOB_KEY, "principal_not_granted"),
        ("Orders", None, "principal_not_granted"),
    ],
)
async def test_each_refusal_of_the_ladder_is_predicted_by_diagnose_and_explained(world, name, key, code) -> None:
    refused = refusal(world, name, key)
    assert refused.reason.code == code
    assert refused.explanation.refused.reason == code
    assert refused.remedies
    users = {ALICE_KEY: ("alice", None), ACME_KEY: ("alice", "acme"), BOB_KEY: ("bob", None), None: ("guest", None)}
    if key in users:
        user, namespace = users[key]
        predicted = await diagnose(world.callouts, name, user=user, namespace=namespace)
        assert (predicted["allowed"], predicted["reason"]) == (False, code)
        assert predicted["remedy"] == [str(remedy) for remedy in refused.remedies]
        assert predicted["request"] is None


async def test_guests_are_told_the_code_and_users_everything(world) -> None:
    assert refusal(world, key=None).telling is Telling.CODE
    assert refusal(world, key=b"co_unknown").telling is Telling.CODE
    assert refusal(world, key=BOB_KEY).telling is Telling.FULL


async def test_diagnose_shows_the_exact_request_with_secrets_redacted_and_obtains_nothing(world) -> None:
    shown = await diagnose(world.callouts, "Orders", user="alice", method="POST", path="/orders?a=1")
    assert shown["allowed"]
    assert shown["request"] == {
        "method": "POST",
        "url": "https://orders.example.com/v2/orders?a=1",
        "headers": [
            ["Host", "orders.example.com"],
            ["X-Tenant", "acme"],
            ["X-Client", "…"],
            ["Authorization", "Bearer …"],
        ],
    }
    assert world.server.requests == []


async def test_diagnose_names_the_rung_of_a_bad_path_and_of_a_formula_that_fails(world) -> None:
    for question in ({"path": "/../x"}, {"path": "/ü"}, {"method": "GE T"}):
        bad = await diagnose(world.callouts, "Orders", user="alice", **question)
        assert bad["reason"] == "malformed_request"
        assert next(step["name"] for step in bad["steps"] if not step["held"]) == "target"
    await world.define(replace(ORDERS_URL, headers=(CustomHeader("X-A", "{!$Credential.Other.key}"),)))
    assert (await diagnose(world.callouts, "Orders", user="alice"))["reason"] == "formula_failed"


async def test_callouts_principal_picks_another_granted_one(world) -> None:
    await world.define(
        ExternalCredential("Weather", "custom", principals=(Principal("A", sequence=1), Principal("B", sequence=2))),
        NamedCredential("Weather", "https://weather.example.com", "Weather"),
        PermissionSet("Weather", frozenset({*_references("Weather", "A", "B")})),
        User("alice", permission_sets=("Clerks", "Weather")),
    )
    assert world.admit("Weather").decision.principal.name == "A"
    assert world.admit("Weather", principal=b"B").decision.principal.name == "B"
    assert refusal(world, "Weather", principal=b"C").reason.code == "principal_not_granted"


def _references(external: str, *names: str):
    from callout.core.model.credentials import PrincipalReference

    return [PrincipalReference(external, name) for name in names]


async def test_a_line_break_in_a_value_never_reaches_a_header(world) -> None:
    from callout.core.model.credentials import UserExternalCredentialKey

    await world.put_secrets(UserExternalCredentialKey("Orders", "Service"), client_id="a\r\nX-Evil: 1")
    with pytest.raises(Refused) as caught:
        await world.callouts.prepare(world.admit())
    assert caught.value.reason.code == "formula_failed"
    assert "X-Evil" not in str(caught.value)


async def test_a_rule_that_did_not_help_is_quiet_for_the_debounce_and_401_is_heard_again_after_a_second(world) -> None:
    route = world.admit()
    ready = await world.callouts.refresh(route, await world.callouts.prepare(route), 400)
    assert not world.callouts.is_stale(route, ready, 400)  # what was sent again has not been answered yet
    world.callouts.answered(route, ready, helped=False)
    assert not world.callouts.is_stale(route, ready, 401)
    world.clock.move(1)
    assert world.callouts.is_stale(route, ready, 401)
    assert not world.callouts.is_stale(route, ready, 400)
    world.clock.move(28.9)
    assert not world.callouts.is_stale(route, ready, 601)
    world.clock.move(0.2)
    assert world.callouts.is_stale(route, ready, 400)


async def test_a_rule_that_helped_is_heard_again_at_once(world) -> None:
    route = world.admit()
    ready = await world.callouts.refresh(route, await world.callouts.prepare(route), 601)
    world.callouts.answered(route, ready, helped=True)
    assert world.callouts.is_stale(route, ready, 601)


@pytest.mark.parametrize("order", [(True, False), (False, True), (False, True, True)])
async def test_where_a_refresh_helped_some_and_not_others_the_rules_are_quiet(world, order) -> None:
    route = world.admit()
    ready = await world.callouts.refresh(route, await world.callouts.prepare(route), 400)
    for helped in order:
        world.callouts.answered(route, ready, helped=helped)
    assert not world.callouts.is_stale(route, ready, 400)
    ready = await world.callouts.refresh(route, ready, 401)
    world.callouts.answered(route, ready, helped=True)
    assert world.callouts.is_stale(route, ready, 400)


async def test_each_external_credential_has_a_debounce_of_its_own(world) -> None:
    await world.define(replace(ORDERS, refresh_debounce=5))
    route = world.admit()
    ready = await world.callouts.refresh(route, await world.callouts.prepare(route), 400)
    world.clock.move(4.9)
    assert not world.callouts.is_stale(route, ready, 400)
    world.clock.move(0.2)
    assert world.callouts.is_stale(route, ready, 400)


async def test_adopting_a_token_that_another_callout_had_replaced_begins_no_window(world) -> None:
    route = world.admit()
    first = await world.callouts.prepare(route)
    await world.callouts.refresh(route, first, 601)
    world.clock.move(20)
    ready = await world.callouts.refresh(route, first, 601)
    world.clock.move(11)
    assert world.callouts.is_stale(route, ready, 601)


async def test_a_protocol_without_a_token_has_nothing_to_refresh(world) -> None:
    await world.define(
        ExternalCredential("Open", "none", principals=(Principal("Any"),)),
        NamedCredential("Open", "https://open.example.com", "Open"),
        replace(CLERKS, principals=frozenset(_references("Open", "Any"))),
    )
    route = world.admit("Open")
    assert not world.callouts.is_stale(route, await world.callouts.prepare(route), 401)


async def test_a_store_that_was_away_too_long_stops_callouts_until_it_is_back(world) -> None:
    world.admit()
    world.callouts.suspend("the store could not be read for more than 60 s; expected it to answer")
    assert refusal(world).reason.code == "overloaded"
    world.callouts.suspend(None)
    assert world.admit().decision.allowed
