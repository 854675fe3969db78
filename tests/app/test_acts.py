"""A10: every mutating operation leaves exactly one act in the audit trail, and everything else leaves none.

An operation that is added to the table fails here until it has a case (or is named as one that changes nothing).
"""

import json
from contextlib import nullcontext

import msgspec
import pytest

from callout.app.operations import operations_of
from callout.core.chain import ACTS
from callout.core.errors import CalloutError
from callout.engine.operations import BY_NAME, LOCAL, OPERATIONS

#: Operations whose method is not GET and that change nothing.
ASKING = {"plan", "diagnose"}
MUTATING = [o.name for o in OPERATIONS if o.method != "GET" and o.name not in ASKING]

MANIFEST = {
    "external_credentials": {"Orders": {"protocol": "basic", "principals": {"Service": {}, "Spare": {}}}},
    "named_credentials": {"Orders": {"url": "https://orders.example.com", "external_credential": "Orders"}},
    "permission_sets": {"Clerks": {"principals": ["Orders/Service"]}, "Idle": {}, "Held": {}},
    "permission_set_groups": {"Office": {"permission_sets": ["Clerks"]}, "Empty": {}},
    "profiles": {"Contractors": {"principals": ["Orders/Service"]}},
    "packages": {"acme": {"label": "Acme"}, "zeta": {"label": "Zeta"}},
    "users": {"alice": {"permission_sets": ["Held"], "permission_set_groups": ["Office"]}, "bob": {}},
}
SPARE = {"principals": ["Orders/Spare"]}
SERVICE = {"external_credential": "Orders", "principal": "Service"}
MORE = json.dumps({"packages": {"more": {"label": "More"}}})

#: What to run first, and the arguments. `KEY` stands for the visible start of alice's key.
CASES = {
    "apply": ((), {"manifest": MORE}),
    "named_credential.enable": ((("named_credential.disable", {"name": "Orders"}),), {"name": "Orders"}),
    "named_credential.disable": ((), {"name": "Orders"}),
    "named_credential.allow_namespace": ((), {"name": "Orders", "namespace": "acme"}),
    "named_credential.disallow_namespace": (
        (("named_credential.allow_namespace", {"name": "Orders", "namespace": "acme"}),),
        {"name": "Orders", "namespace": "acme"},
    ),
    "secret.set": ((), {**SERVICE, "values": {"password": "canary-password"}}),
    "secret.remove": ((("secret.set", {**SERVICE, "values": {"password": "x"}}),), SERVICE),
    "user.set": ((), {"name": "carol"}),
    "user.remove": ((), {"name": "bob"}),
    "key.create": ((), {"user": "alice"}),
    "key.expire": ((), {"prefix": "KEY", "expires": "1d"}),
    "key.revoke": ((), {"prefix": "KEY"}),
    "package.install": ((), {"namespace": "more"}),
    "package.remove": ((), {"namespace": "zeta"}),
    "permission_set.create": ((), {"name": "New"}),
    "permission_set.remove": ((), {"name": "Idle"}),
    "permission_set.assign": ((), {"name": "Idle", "user": "bob"}),
    "permission_set.unassign": ((), {"name": "Held", "user": "alice"}),
    "permission_set.grant": ((), {"name": "Clerks", **SPARE}),
    "permission_set.revoke": ((), {"name": "Clerks", "principals": ["Orders/Service"]}),
    "profile.create": ((), {"name": "New"}),
    "profile.remove": ((), {"name": "Contractors"}),
    "profile.grant": ((), {"name": "Contractors", **SPARE}),
    "profile.revoke": ((), {"name": "Contractors", "principals": ["Orders/Service"]}),
    "permission_set_group.create": ((), {"name": "New"}),
    "permission_set_group.remove": ((), {"name": "Empty"}),
    "permission_set_group.include": ((), {"name": "Office", "permission_set": "Idle"}),
    "permission_set_group.exclude": ((), {"name": "Office", "permission_set": "Clerks"}),
    "permission_set_group.assign": ((), {"name": "Office", "user": "bob"}),
    "permission_set_group.unassign": ((), {"name": "Office", "user": "alice"}),
    "audit.prune": ((), {"before": "0s"}),
}


@pytest.fixture
async def run(home):
    """Run an operation on a home with something of everything."""
    operations = operations_of(home)
    await operations.run("apply", {"manifest": json.dumps(MANIFEST)}, LOCAL)
    key = await operations.run("key.create", {"user": "alice"}, LOCAL)

    async def run(name: str, arguments: dict):
        return await operations.run(name, {n: key["prefix"] if v == "KEY" else v for n, v in arguments.items()}, LOCAL)

    return run


async def end_of(home) -> int:
    return (await home.store.audit.head()).seq


async def acts_after(home, seq: int) -> list:
    return [row for row, _ in await home.store.audit.rows(1000, after=seq, kinds=ACTS)]


def test_every_mutating_operation_has_a_case() -> None:
    assert sorted(CASES) == sorted(MUTATING)
    assert BY_NAME.keys() >= ASKING


@pytest.mark.parametrize("name", MUTATING)
async def test_a_mutating_operation_leaves_exactly_one_act(home, run, name: str) -> None:
    before, arguments = CASES[name]
    for earlier, given in before:
        await run(earlier, given)
    end = await end_of(home)
    assert (await run(name, arguments))["changed"] is not False
    (row,) = await acts_after(home, end)
    assert row.writer == str(LOCAL)
    assert b"canary" not in row.records
    assert (await home.store.audit.verify()).held


@pytest.mark.parametrize("name", [n for n in MUTATING if n != "key.create"])
async def test_what_is_refused_leaves_no_act(home, run, name: str) -> None:
    end = await end_of(home)
    broken = dict.fromkeys(CASES[name][1], "no such 'thing'")
    with pytest.raises(CalloutError):
        await run(name, broken | {"colour": "red"})
    assert await acts_after(home, end) == []


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.name not in MUTATING], ids=lambda o: o.name)
async def test_asking_leaves_no_act(home, run, operation) -> None:
    named = {"name": "Orders", "callout_id": "0" * 25, **SERVICE, "manifest": MORE}
    required = {field.name for field in msgspec.structs.fields(operation.request) if field.required}
    end = await end_of(home)
    expected = pytest.raises(CalloutError, match="callout_not_found") if operation.name == "explain" else nullcontext()
    with expected:
        await run(operation.name, {name: named[name] for name in required})
    assert await end_of(home) == end
