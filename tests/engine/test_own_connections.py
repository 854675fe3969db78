"""What a user connects for themselves: the per-user principals that were granted, each with its state."""

from dataclasses import replace

import pytest

from callout.core.errors import CalloutError
from callout.core.model.credentials import NamedCredential, PrincipalReference
from callout.core.model.people import Caller, PermissionSet, User
from tests.connecting import CALLERS, furnish, open_desk, own
from tests.engine.test_connect import connected
from tests.world import WEATHER


@pytest.fixture
async def desk(tmp_path):
    with open_desk(tmp_path) as made:
        await furnish(made)
        yield made


async def listed(desk, who: str, **more):
    return (await desk.run("connection.list", Caller(who, None, "key"), **more))["connections"]


async def test_it_says_what_each_is_for_who_granted_it_and_whose_account_it_is(desk) -> None:
    (before,) = await listed(desk, "alice")
    assert (before["principal"], before["label"], before["interactive"]) == ("Own/User", "Example ID", True)
    assert (before["state"], before["connected"]) == ("not_connected", False)
    assert before["systems"] == [{"name": "Own", "label": "Own", "host": "own.example"}]
    assert before["granted_by"] == ["permission set Callers"]
    await connected(desk, own("alice"), "alice")
    (after,) = await listed(desk, "alice")
    assert (after["state"], after["account"]) == ("connected", "someone@id.example")
    assert (await listed(desk, "bob"))[0]["account"] is None


async def test_what_is_shared_or_was_not_granted_is_no_connection_of_ones_own(desk) -> None:
    assert await listed(desk, "carol") == []
    await desk.world.define(replace(CALLERS, principals=frozenset({PrincipalReference("Shared", "Service")})))
    assert await listed(desk, "alice") == []


async def test_a_key_of_ones_own_is_named_where_it_is_missing_and_where_it_is_set(desk) -> None:
    granted = PermissionSet("Forecasters", frozenset({PrincipalReference("Weather", "Own")}))
    named = NamedCredential("Weather", "https://weather.example", "Weather")
    await desk.world.define(WEATHER, named, granted, User("dora", permission_sets=("Forecasters",)))
    (row,) = await listed(desk, "dora")
    assert (row["interactive"], row["missing"], row["state"]) == (False, ["ApiKey"], "not_configured")
    held = {"external_credential": "Weather", "principal": "Own", "user": "dora"}
    await desk.run("secret.set", **held, values={"ApiKey": "canary"})
    (row,) = await listed(desk, "dora")
    assert (row["missing"], row["secrets_set"], row["state"]) == ([], ["ApiKey"], "ready")


async def test_those_of_others_are_for_who_views_the_setup(desk) -> None:
    assert len(await listed(desk, "admin", user="alice")) == 1
    with pytest.raises(CalloutError, match="expected your own"):
        await listed(desk, "bob", user="alice")
    assert (await desk.run("connection.list", user="bob"))["user"] == "bob"


async def test_a_principal_is_shown_with_what_it_needs_and_to_whom_it_was_granted(desk) -> None:
    shown = await desk.run("principal.show", external_credential="Own", principal="User")
    assert (shown["type"], shown["sequence"], shown["secrets_needed"]) == ("per_user", 1, [])
    assert (shown["used_by"], shown["granted_to"]) == (["permission_sets.Callers"], ["alice", "bob"])
    assert shown["definition"] == {"type": "per_user", "sequence": 1, "parameters": {}}
    with pytest.raises(CalloutError, match="a principal of Own"):
        await desk.run("principal.show", external_credential="Own", principal="Users")
