import re
from dataclasses import replace

import msgspec
import pytest

from callout.core.errors import CalloutError, DefinitionError, Problem, Refused, StoreError, VaultError
from callout.core.model.people import Caller, User
from callout.core.reasons import Telling
from callout.engine.operations import (
    BY_NAME,
    LOCAL,
    OPERATION_REASONS,
    OPERATIONS,
    Access,
    OperationRefused,
    document_of,
)
from callout.engine.setup import NotDefined
from tests.judging import JudgedOperations
from tests.world import make_shop

ADMIN = Caller("admin", None, "key co_x…")
ALICE = Caller("alice", None, "key co_y…")
CODE = Caller("admin", "acme", "key co_z…")


@pytest.fixture
async def shop():
    return await make_shop()


def test_every_operation_has_a_name_a_place_and_a_sentence_of_its_own():
    assert len(BY_NAME) == len({(o.method, o.path) for o in OPERATIONS}) == len(OPERATIONS)
    assert all(o.summary and o.summary[0].isupper() and not o.summary.endswith(".") for o in OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: o.name)
def test_the_fields_in_the_path_are_required_fields_of_the_request(operation):
    required = {f.name for f in msgspec.structs.fields(operation.request) if f.required}
    assert set(re.findall(r"{(\w+)}", operation.path)) <= required


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.access is not Access.KNOWN], ids=lambda o: o.name)
async def test_a_caller_without_an_administrators_profile_is_refused_before_anything_is_read(shop, operation):
    with pytest.raises(OperationRefused) as refused:
        await shop.operations.run(operation.name, {"not even": "well formed"}, ALICE)
    assert refused.value.reason.code == "administrator_required"


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.access is Access.ADMINISTRATOR], ids=lambda o: o.name)
async def test_package_code_may_define_credentials_and_nothing_else(shop, operation):
    with pytest.raises(OperationRefused) as refused:
        await shop.operations.run(operation.name, {}, CODE)
    assert refused.value.reason.code == "package_code_refused"


async def test_package_code_that_defines_is_held_to_its_own_namespace(shop):
    manifest = "named_credentials: {Mine: {url: https://mine.example.com, external_credential: Orders}}"
    await shop.run("package.install", namespace="zeta")
    await shop.run("apply", CODE, manifest=manifest, namespace="zeta")
    assert shop.store.org.named_credentials["Mine"].created_by_namespace == "acme"
    assert shop.acts()[-1][0] == "admin (package acme)"


@pytest.mark.parametrize(
    "caller",
    [
        Caller("guest"),
        Caller("nobody", None, "key"),
        Caller("idle", None, "key"),
        Caller("admin", "uninstalled", "key"),
    ],
)
@pytest.mark.parametrize("name", ["whoami", "user.list", "diagnose"])
async def test_who_is_not_a_known_active_user_runs_nothing(shop, caller, name):
    await shop.define(User("idle", "System Administrator", active=False))
    with pytest.raises(Refused) as refused:
        await shop.operations.run(name, {}, caller)
    assert refused.value.reason.code == "caller_unknown"


async def test_an_administrator_is_named_in_the_audit_trail(shop):
    await shop.run("named_credential.disable", ADMIN, name="Orders")
    assert shop.acts()[-1][0] == "admin"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("user.set", {}),
        ("user.set", {"name": 1}),
        ("user.set", {"name": "x", "colour": "red"}),
        ("secret.set", {"external_credential": "Orders", "principal": "Service", "values": {"client_id": 7}}),
    ],
)
async def test_a_request_of_another_form_is_refused_as_malformed(shop, name, arguments):
    with pytest.raises(Refused) as refused:
        await shop.operations.run(name, arguments, LOCAL)
    assert refused.value.reason.code == "malformed_request"
    assert name in refused.value.detail


async def test_anyone_may_diagnose_their_own_callouts_and_an_admin_everyones(shop):
    own = await shop.run("diagnose", ALICE, name="Orders")
    assert (own["caller"], own["reason"]) == ({"user": "alice", "namespace": None}, "principal_not_configured")
    with pytest.raises(OperationRefused, match="expected your own"):
        await shop.run("diagnose", ALICE, name="Orders", user="bob")
    with pytest.raises(OperationRefused, match="expected your own"):
        await shop.run("diagnose", ALICE, name="Orders", namespace="acme")
    assert (await shop.run("diagnose", ADMIN, name="Orders", user="bob"))["reason"] == "principal_not_granted"


async def test_on_a_home_the_callout_is_the_first_administrators_where_nobody_is_named(shop):
    assert (await shop.run("whoami"))["user"] == "admin"
    assert (await shop.run("diagnose", name="Orders"))["caller"]["user"] == "admin"


async def test_package_code_diagnoses_itself_with_its_namespace(shop):
    result = await shop.run("diagnose", CODE, name="Orders")
    assert result["reason"] == "namespace_not_allowed"
    with pytest.raises(OperationRefused):
        await shop.run("diagnose", CODE, name="Orders", user="alice")


async def refused_callout(shop, key: str) -> str:
    """Let the gateway's part of the engine refuse a callout; returns its id."""
    await shop.current.follow()
    callout_id = shop.callouts.next_id()
    with pytest.raises(Refused) as refused:
        shop.callouts.admit("Orders", [], key.encode(), None, None)
    shop.callouts.record(callout_id, None, "Orders", b"GET", b"/items", 403, 0, 0, 1000.0, None, refused.value, None, 0)
    shop.records.flush()
    return callout_id.decode()


async def test_the_trace_of_a_callout_is_for_its_caller_and_for_admins(shop):
    callout_id = await refused_callout(shop, await shop.key_of("bob"))
    assert (await shop.run("explain", callout_id=callout_id))["reason"] == "principal_not_granted"
    with pytest.raises(OperationRefused) as stranger:
        await shop.run("explain", ALICE, callout_id=callout_id)
    with pytest.raises(OperationRefused) as missing:
        await shop.run("explain", ALICE, callout_id="0" * len(callout_id))
    assert stranger.value.reason == missing.value.reason == next(r for r in OPERATION_REASONS if r.status == 404)


async def test_where_users_are_told_the_code_alone_the_trace_and_the_dry_run_tell_no_more(shop):
    callout_id = await refused_callout(shop, await shop.key_of("bob"))
    told = JudgedOperations(replace(shop.operations.uses, telling=Telling.CODE))
    bob = Caller("bob", None, "key")
    for name, arguments in (("explain", {"callout_id": callout_id}), ("diagnose", {"name": "Orders"})):
        reduced = await told.run(name, arguments, bob)
        assert reduced["reason"] == "principal_not_granted"
        assert (reduced["steps"], reduced["remedy_commands"]) == ([], [])
        assert "Clerks" not in str(reduced)
        assert (await told.run(name, {**arguments, **({"user": "bob"} if name == "diagnose" else {})}, LOCAL))["steps"]


@pytest.mark.parametrize(
    ("error", "status", "blame"),
    [
        (Refused("caller_unknown", "got none"), 401, "caller"),
        (OperationRefused("administrator_required", "got alice"), 403, "caller"),
        (NotDefined([Problem("users.x", "'x'", "a user")]), 404, "admin"),
        (DefinitionError([Problem("users.x", "'x'", "a user", "y", "f:1")]), 422, "admin"),
        (VaultError("no key"), 503, "admin"),
        (StoreError("locked"), 503, "callout"),
        (CalloutError("other"), 500, "callout"),
        (RuntimeError("secret in it"), 500, "callout"),
    ],
)
def test_every_error_is_worded_as_one_shape_of_document(error, status, blame):
    document = document_of(error)
    assert (document["status"], document["blame"]) == (status, blame)
    assert {"type", "title", "detail", "reason", "remedy", "remedy_commands"} <= document.keys()
    assert "secret in it" not in repr(document)


def test_a_definition_error_names_each_place_with_what_came_and_what_was_expected():
    document = document_of(DefinitionError([Problem("users.x", "'x'", "a user", "y", "f:1")]))
    assert document["problems"][0] == {
        "place": "users.x",
        "where": "f:1",
        "got": "'x'",
        "expected": "a user",
        "nearest": "y",
        "text": "f:1: users.x: got 'x'; expected a user; did you mean 'y'?",
    }
