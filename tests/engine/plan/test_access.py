"""A plan says who gains and who loses access by it."""

from callout.core.access.difference import AccessChange, AccessDifference
from callout.engine.plan.access import access_lines, access_members
from tests.engine.plan.test_plan import MANIFEST, ORG, plan


def lines(org, text: str, **options) -> list[str]:
    return [line for line in plan(org, text, **options).render().splitlines() if " access to " in line]


def test_who_is_given_a_permission_set_gains_and_who_loses_it_loses() -> None:
    text = "users: {alice: {}, bob: {permission_sets: [Order Clerks]}}"
    assert lines(ORG, text) == [
        "- access to Orders as Orders/Service: alice",
        "+ access to Orders as Orders/Service: bob",
    ]
    assert plan(ORG, text).to_dict()["access"] == {
        "gains": [
            {
                "named_credential": "Orders",
                "user": "bob",
                "principal_before": None,
                "principal_after": "Orders/Service",
            }
        ],
        "loses": [
            {
                "named_credential": "Orders",
                "user": "alice",
                "principal_before": "Orders/Service",
                "principal_after": None,
            }
        ],
        "changes": [],
        "not_compared": 0,
    }


def test_who_would_call_as_another_principal_is_told() -> None:
    second = MANIFEST.replace("Service: {secrets", "Admin: {}, Service: {sequence: 2, secrets").replace(
        "[Orders/Service]", "[Orders/Service, Orders/Admin]"
    )
    assert lines(ORG, second) == ["~ access to Orders as Orders/Service → Orders/Admin: alice"]


def test_disabling_takes_access_and_a_package_that_is_allowed_gains_it() -> None:
    off = MANIFEST.replace("external_credential: Orders}", "external_credential: Orders, enabled_for_callouts: false}")
    assert lines(ORG, off) == ["- access to Orders as Orders/Service: alice"]
    allowed = MANIFEST.replace(
        "external_credential: Orders}", "external_credential: Orders, allowed_namespaces: [acme]}"
    )
    assert lines(ORG, allowed + "packages: {acme: {}}") == ["+ access to Orders: the code of package acme"]


def test_a_plan_that_gives_nobody_anything_says_nothing_of_access() -> None:
    assert lines(ORG, MANIFEST.replace("v2", "v3")) == []


def test_many_users_are_counted_in_text_and_named_in_json() -> None:
    users = tuple(f"u{number:02}" for number in range(12))
    difference = AccessDifference((AccessChange("Orders", users, None, "Orders/Service"),), not_compared=7)
    first, second = access_lines(difference)
    assert first == "+ access to Orders as Orders/Service: " + ", ".join(users[:10]) + " and 2 more"
    assert second.startswith("! access: 7 pairs")
    assert [row["user"] for row in access_members(difference)["gains"]] == list(users)
