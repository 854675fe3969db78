"""A plan marks what lets more be done than before, and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from callout.core.model.credentials import LimitScope, NamedCredential, PrincipalReference, RateLimit
from callout.core.model.issuers import TrustedIssuer
from callout.core.model.people import (
    AdminPermission,
    Assignment,
    Muted,
    ObjectPermission,
    PermissionSet,
    PermissionSetGroup,
    User,
)
from callout.engine.plan.diff import differences

NAMED = NamedCredential(
    "Orders",
    "https://orders.example.com",
    "Orders",
    enabled_for_callouts=False,
    allowed_methods=("GET", "HEAD"),
    allowed_paths=("/items/*",),
    rate_limits=(RateLimit(100, 60),),
)
WHOLE = PrincipalReference("Orders", "Service")
NARROW = replace(WHOLE, methods=("GET", "HEAD"), paths=("/items/*",))
CLERKS = PermissionSet("Clerks", frozenset({NARROW}))
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
STAFF = PermissionSetGroup("Staff", ("Clerks",), muted=Muted(frozenset({WHOLE})))
EXAMPLE = TrustedIssuer("Example", "https://id.example.com", "callout", users={"a": "alice"})
BOXED = User("bob", permission_sets=(Assignment("A", NOON),))
ALICE = User("alice", permission_sets=("A",))


def marked(old, **changes) -> list[str]:
    return [str(change) for change in differences(old, replace(old, **changes)) if change.widens]


@pytest.mark.parametrize(
    ("old", "changes", "lines"),
    [
        (NAMED, {"allowed_methods": ("GET", "PUT")}, ["+ allowed_methods: PUT  (widens)"]),
        (
            NAMED,
            {"allowed_methods": ()},
            ["- allowed_methods: GET  (widens)", "- allowed_methods: HEAD  (widens)"],
        ),
        (NAMED, {"allowed_paths": ("/items/*", "/**")}, ["+ allowed_paths: /**  (widens)"]),
        (NAMED, {"enabled_for_callouts": True}, ["~ enabled_for_callouts: false → true  (widens)"]),
        (
            NAMED,
            {"allow_merge_fields_in_body": True},
            ["~ allow_merge_fields_in_body: false → true  (widens)"],
        ),
        (
            NAMED,
            {"allow_merge_fields_in_header": True},
            ["~ allow_merge_fields_in_header: false → true  (widens)"],
        ),
        (NAMED, {"rate_limits": (RateLimit(200, 60),)}, ["~ rate_limits[0].calls: 100 → 200  (widens)"]),
        (
            NAMED,
            {"rate_limits": (RateLimit(100, 60, observe=True),)},
            ["~ rate_limits[0].observe: false → true  (widens)"],
        ),
        (NAMED, {"allowed_namespaces": ("acme",)}, ["+ allowed_namespaces: acme  (widens)"]),
        (CLERKS, {"principals": frozenset({WHOLE})}, ["+ principals: Orders/Service  (widens)"]),
        (
            CLERKS,
            {"principals": frozenset({replace(NARROW, paths=("/**",))})},
            ["+ principals: Orders/Service (GET, HEAD; /**)  (widens)"],
        ),
        (
            CLERKS,
            {"user_external_credential": frozenset({ObjectPermission.READ})},
            ["+ user_external_credential: read  (widens)"],
        ),
        (ALICE, {"permission_sets": ("A", "B")}, ["+ permission_sets: B  (widens)"]),
        (
            CLERKS,
            {"admin_permissions": frozenset({AdminPermission.MANAGE_USERS})},
            ["+ admin_permissions: manage_users  (widens)"],
        ),
        (CLERKS, {"may_act_for": frozenset({"profile:Staff"})}, ["+ may_act_for: profile:Staff  (widens)"]),
        (STAFF, {"muted": Muted()}, ["- muted.principals: Orders/Service  (widens)"]),
        (EXAMPLE, {"users_by_name": True}, ["~ users_by_name: false → true  (widens)"]),
        (EXAMPLE, {"users": {"a": "admin"}}, ["~ users.a: alice → admin  (widens)"]),
        (EXAMPLE, {"namespaces": {"x": ""}}, ['+ namespaces.x: ""  (widens)']),
        (
            BOXED,
            {"permission_sets": (Assignment("A", NOON.replace(hour=13)),)},
            ["~ permission_sets[0].until: 2026-01-01T12:00:00Z → 2026-01-01T13:00:00Z  (widens)"],
        ),
    ],
)
def test_what_widens_is_marked(old, changes, lines) -> None:
    assert marked(old, **changes) == lines


@pytest.mark.parametrize(
    ("old", "changes"),
    [
        (NAMED, {"allowed_methods": ("GET",)}),
        (replace(NAMED, allowed_methods=()), {"allowed_methods": ("GET",)}),
        (replace(NAMED, allowed_paths=()), {"allowed_paths": ("/**",)}),
        (NAMED, {"rate_limits": (RateLimit(50, 60),)}),
        (NAMED, {"rate_limits": (RateLimit(100, 60), RateLimit(5, 1, LimitScope.NAMED_CREDENTIAL))}),
        (NAMED, {"label": "Orders"}),
        (CLERKS, {"principals": frozenset({replace(NARROW, methods=("GET",))})}),
        (replace(CLERKS, principals=frozenset({WHOLE})), {"principals": frozenset({NARROW})}),
        (CLERKS, {"principals": frozenset()}),
        (ALICE, {"permission_sets": ()}),
        (ALICE, {"active": False}),
        (BOXED, {"permission_sets": (Assignment("A", NOON.replace(hour=11)),)}),
        (ALICE, {"permission_sets": (Assignment("A", NOON),)}),
        (replace(STAFF, muted=Muted()), {"muted": STAFF.muted}),
        (EXAMPLE, {"users": {}, "users_by_name": False}),
    ],
)
def test_what_does_not_widen_is_not_marked(old, changes) -> None:
    assert differences(old, replace(old, **changes))
    assert marked(old, **changes) == []


def test_what_is_new_has_no_marks() -> None:
    assert not any(change.widens for change in differences(None, NAMED))


def test_json_has_the_mark_where_it_is_true_alone() -> None:
    change, *_ = differences(NAMED, replace(NAMED, label="x"))
    assert "widens" not in change.to_dict()
    (change,) = differences(NAMED, replace(NAMED, enabled_for_callouts=True))
    assert change.to_dict()["widens"] is True
