"""Requests judged after the ladder: rules and rate limits, refused, predicted, recorded, and free where there are none."""

import pytest

from callout.core.errors import Refused
from callout.core.model.credentials import LimitScope, PrincipalReference, RateLimit
from callout.engine.diagnosis import diagnose
from tests.engine.conftest import ACME_KEY, ALICE_KEY, CLERKS, ORDERS_URL, replace


def judge(world, method=b"GET", rest=b"/items/7", headers=(), key=ALICE_KEY, callout_id=b"id"):
    route = world.admit(key=key)
    assert route.demands is not None
    world.callouts.judge(route, method, route.path + rest, lambda: headers, callout_id)


def refusal(world, *args, **more) -> Refused:
    with pytest.raises(Refused) as caught:
        judge(world, *args, **more)
    return caught.value


async def restrict(world, **rules) -> None:
    await world.define(replace(ORDERS_URL, **rules))


async def test_a_route_without_rules_and_limits_demands_nothing(world) -> None:
    assert world.admit().demands is None


async def test_a_refusal_carries_the_whole_ladder_and_the_rung_that_failed(world) -> None:
    await restrict(world, allowed_methods=("GET",), allowed_paths=("/items/*",))
    refused = refusal(world, b"DELETE")
    assert refused.reason.code == "method_not_allowed_here"
    assert (refused.who, refused.remedies[0].command) == (
        "alice",
        "callout named-credential allow-method Orders DELETE",
    )
    assert [step.name for step in refused.explanation.steps][-2:] == ["method", "path"]
    assert refusal(world, b"GET", b"/admin?x=/items/7").reason.code == "path_not_allowed"


async def test_a_callout_under_way_is_judged_again_by_the_rules_as_they_are_now(world) -> None:
    route, asked = world.admit(), (b"GET", b"/callout/Orders/items/7", lambda: ())
    await restrict(world, allowed_paths=("/items/*",))
    assert world.callouts.reconsider(route) is None
    assert world.callouts.judge_again(route, *asked) is None
    await restrict(world, allowed_paths=("/others/*",))
    assert world.callouts.reconsider(route) is None
    assert world.callouts.judge_again(route, *asked).reason.code == "path_not_allowed"
    await restrict(world, allowed_methods=("POST",))
    assert world.callouts.reconsider(route) is None
    assert world.callouts.judge_again(route, *asked).reason.code == "method_not_allowed_here"


async def test_a_callout_under_way_takes_no_turn_of_a_rate_limit_when_it_is_judged_again(world) -> None:
    route = world.admit()
    await restrict(world, rate_limits=(RateLimit(1, 60, LimitScope.NAMED_CREDENTIAL),))
    assert world.callouts.reconsider(route) is None
    for _ in range(3):
        assert world.callouts.judge_again(route, b"GET", b"/callout/Orders/a", lambda: ()) is None
    judge(world)


async def test_the_query_is_not_judged(world) -> None:
    await restrict(world, allowed_paths=("/items/*",))
    judge(world, rest=b"/items/7?next=/admin//..")


async def test_a_method_in_a_header_is_judged_where_methods_are_restricted(world) -> None:
    override = ((b"X-HTTP-Method-Override", b"delete"),)
    await restrict(world, allowed_methods=("GET", "POST"))
    assert refusal(world, b"POST", headers=override).reason.code == "method_not_allowed_here"
    await restrict(world, allowed_paths=("/items/*",))
    judge(world, b"POST", headers=override)


@pytest.mark.parametrize(
    "query",
    [b"_HttpMethod=PATCH", b"a=1&_method=delete", b"a=1;_method=DELETE", b"%5Fmethod=%44ELETE", b"X-HTTP-Method=PUT"],
)
async def test_a_method_in_the_query_is_judged_where_methods_are_restricted(world, query) -> None:
    await restrict(world, allowed_methods=("GET", "POST"))
    assert refusal(world, b"POST", b"/a?" + query).reason.code == "method_not_allowed_here"
    shown = await diagnose(world.callouts, "Orders", user="alice", method="POST", path="/a?" + query.decode())
    assert shown["reason"] == "method_not_allowed_here"
    await restrict(world, allowed_paths=("/a",))
    judge(world, b"POST", b"/a?" + query)


@pytest.mark.parametrize("query", [b"_method=card", b"payment_method=DELETE", b"_method=", b"_method=POST", b"x=%ff"])
async def test_what_only_looks_like_a_method_in_the_query_is_no_method(world, query) -> None:
    await restrict(world, allowed_methods=("GET", "POST"))
    judge(world, b"POST", b"/a?" + query)


async def test_a_narrowed_grant_is_judged_and_taken_over_when_it_changes(world) -> None:
    narrowed = PrincipalReference("Orders", "Service", ("GET",), ("/items/*",))
    await world.define(replace(CLERKS, principals=frozenset({narrowed})))
    refused = refusal(world, b"PUT")
    assert refused.remedies[0].command == (
        "callout permission-set grant Clerks --principal Orders/Service --method PUT --path /items/7"
    )
    await world.define(CLERKS)
    assert world.admit().demands is None


async def test_beyond_a_rate_limit_a_callout_is_refused_until_time_has_passed(world) -> None:
    await restrict(world, rate_limits=(RateLimit(2, 60),))
    judge(world)
    judge(world)
    refused = refusal(world)
    assert (refused.reason.code, refused.retry_after) == ("rate_limited", 30)
    assert refused.remedies[0].text == "Wait 30 s and repeat"
    world.clock.move(30)
    judge(world)
    assert refusal(world).retry_after == 30


async def test_each_caller_has_their_own_allowance_unless_all_share_one(world) -> None:
    await restrict(world, allowed_namespaces=("acme",), rate_limits=(RateLimit(1, 60),))
    judge(world)
    judge(world, key=ACME_KEY)
    await restrict(world, allowed_namespaces=("acme",), rate_limits=(RateLimit(1, 60, LimitScope.NAMED_CREDENTIAL),))
    judge(world)
    assert refusal(world, key=ACME_KEY).reason.code == "rate_limited"


async def test_an_edit_of_something_else_does_not_fill_the_allowance(world) -> None:
    limit = (RateLimit(1, 60),)
    await restrict(world, rate_limits=limit)
    judge(world)
    await restrict(world, rate_limits=limit, label="Orders")
    assert refusal(world).reason.code == "rate_limited"


async def test_a_request_that_its_rules_refuse_spends_no_allowance(world) -> None:
    await restrict(world, allowed_methods=("GET",), rate_limits=(RateLimit(1, 60),))
    refusal(world, b"DELETE")
    judge(world)


async def test_a_limit_that_refuses_keeps_others_from_being_spent(world) -> None:
    await restrict(world, rate_limits=(RateLimit(1, 1), RateLimit(2, 3600)))
    judge(world)
    refusal(world)
    world.clock.move(1)
    judge(world)
    assert refusal(world).retry_after == 1799


async def test_a_limit_that_observes_refuses_nothing_and_shows_in_count_and_explanation(world) -> None:
    await restrict(world, rate_limits=(RateLimit(1, 60, observe=True),))
    judge(world)
    callout_id = world.callouts.next_id()
    judge(world, callout_id=callout_id)
    world.callouts.record(
        callout_id, world.admit(), "Orders", b"GET", b"/callout/Orders", 200, 0, 0, 1000.0, None, None, None, 0
    )
    world.records.flush()
    steps = (await world.log.explain(callout_id.decode()))["steps"]
    assert {"more than 1 calls each 60 s per caller, observed: not refused"} <= {step["detail"] for step in steps}
    assert world.callouts.limits.exceeded == {("Orders", LimitScope.CALLER, True): 1}


async def test_the_record_of_an_allowed_callout_names_the_rules_that_it_kept(world) -> None:
    await restrict(world, allowed_methods=("GET",))
    callout_id = world.callouts.next_id()
    world.callouts.record(
        callout_id, world.admit(), "Orders", b"GET", b"/callout/Orders", 200, 0, 0, 1000.0, None, None, None, 0
    )
    world.records.flush()
    steps = {step["name"]: step["detail"] for step in (await world.log.explain(callout_id.decode()))["steps"]}
    assert steps["rules"] == "Orders allows GET on any path"


async def test_a_dry_run_predicts_what_the_gateway_does(world) -> None:
    await restrict(world, allowed_methods=("GET",), allowed_paths=("/items/*",), rate_limits=(RateLimit(5, 60),))
    for method, path in [("GET", "/items/7"), ("DELETE", "/items/7"), ("GET", "/admin"), ("GET", "/items/7%2Fx")]:
        found = await diagnose(world.callouts, "Orders", user="alice", method=method, path=path)
        if (method, path) != ("GET", "/items/7"):
            refused = refusal(world, method.encode(), path.encode())
            assert (found["allowed"], found["reason"], found["request"]) == (False, refused.reason.code, None)
            assert found["remedy"] == [str(remedy) for remedy in refused.remedies]
        else:
            judge(world, method.encode(), path.encode())
            assert found["allowed"]
            assert found["request"]["url"] == "https://orders.example.com/v2/items/7"
            held = [step["name"] for step in found["steps"] if step["held"]]
            assert {"method", "path", "rate_limits", "target", "authenticate"} <= set(held)
