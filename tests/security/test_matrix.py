"""A1: every role × every operation × one's own, another's, and what is not there.

Who may do what is said here a second time, apart from the code; an operation that is not in `MAY` fails the test.
"""

from dataclasses import replace

import pytest

from callout.core.errors import CalloutError, Refused
from callout.core.model.people import AdminPermission, Caller, CallerKey, ObjectPermission, PermissionSet, User
from callout.engine.operations import OPERATIONS, document_of
from callout.engine.operations.preview import PREVIEWED
from tests.engine.test_operations import refused_callout
from tests.world import START, World, make_shop

VIEW, MANAGE, USERS, CUSTOMIZE = "view_setup", "manage_named_credentials", "manage_users", "customize_application"
EVERYONE = "everyone"

#: Which admin permission is enough, by what an operation is about, and for each that is not like its neighbours.
LOOKING = {
    "named_credential": {VIEW, MANAGE},
    "external_credential": {VIEW, MANAGE},
    "preset": {VIEW, MANAGE},
    "principal": {VIEW, MANAGE},
    "protocol": {VIEW, MANAGE},
    "identity_provider": {VIEW, MANAGE},
    "user": {VIEW, USERS},
    "key": {VIEW, USERS},
    "permission_set": {VIEW, USERS},
    "permission_set_group": {VIEW, USERS},
    "profile": {VIEW, USERS},
    "package": {VIEW, CUSTOMIZE},
    "approvals": {VIEW, CUSTOMIZE},
    "trusted_issuer": {VIEW, USERS},
    "client_certificate": {VIEW, USERS},
    "certificate": {VIEW, MANAGE},
}
MAY = {
    "plan": {MANAGE, USERS, CUSTOMIZE},
    "apply": {MANAGE, USERS, CUSTOMIZE},
    "export": {VIEW},
    "status": {VIEW},
    "health": {VIEW},
    "who_can": {VIEW},
    "troubleshoot": {VIEW},
    "audit.list": {VIEW},
    "audit.export": {VIEW},
    "audit.head": {VIEW},
    "audit.verify": {VIEW},
    "audit.prune": {CUSTOMIZE},
    "secret.list": {VIEW, MANAGE},
    "secret.set": {MANAGE},
    "secret.remove": {MANAGE},
    "token.revoke": {MANAGE},
    "connection.show": {MANAGE},
    "connection.link": {MANAGE},
    "connection.begin_device": {MANAGE},
    "connection.remove": {MANAGE},
    "token.introspect": {VIEW, MANAGE},
    "diagnose": {VIEW},
    "explain": {VIEW},
    "can": {VIEW},
    "callout.log": {VIEW},
    "whoami": {EVERYONE},
    "preview": {EVERYONE},
}

LIMITED = CallerKey(b"", "co_limited", "admin", None, START, named_credentials=("Orders",))
CALLERS = {
    "guest": Caller("guest"),
    "no user": Caller("nobody", None, "key"),
    "minimum": Caller("mia", None, "key"),
    "standard": Caller("bob", None, "key"),
    **{p.value: Caller(f"with_{p}", None, "key") for p in AdminPermission},
    "administrator": Caller("admin", None, "key"),
    "limited key": Caller("admin", None, "key", key=LIMITED),
    "package": Caller("admin", "acme", "key"),
    "package of a standard user": Caller("bob", "acme", "key"),
}
HELD = {
    **{p.value: {p.value} for p in AdminPermission},
    "administrator": {p.value for p in AdminPermission},
}

#: Names that are there, by the field or what the operation is about; and one that is not.
THERE = {
    "named_credential": "Orders",
    "external_credential": "Orders",
    "id": "stripe",
    "who_can": "Orders",
    "diagnose": "Orders",
    "user": "alice",
    "permission_set": "Order Clerks",
    "permission_set_group": "Staff",
    "profile": "Standard User",
    "namespace": "acme",
    "principal": "Service",
    "prefix": "co_00000000",
    "manifest": "{}",
    "password": "grass under nine moons",
}
MISSING = "Nowhere"
#: Operations on values that have an owner: one may for oneself, as the object permissions say.
ABOUT_VALUES = [
    *("secret.set", "secret.list", "secret.remove", "token.revoke", "token.introspect"),
    *("connection.show", "connection.link", "connection.begin_device", "connection.remove"),
]
#: Anyone may ask about their own callouts: these have a test of their own.
ABOUT_CALLOUTS = ("diagnose", "explain", "can", "callout.log", "callout.send")
#: One that is asked about another is allowed to whom that other is: it has a test of its own.
ASKING = "preview"


async def make_org() -> World:
    shop = await make_shop()
    for permission in AdminPermission:
        name = f"Only {permission}"
        await shop.define(PermissionSet(name, admin_permissions=frozenset({permission})))
        await shop.define(User(f"with_{permission}", permission_sets=(name,)))
    await shop.define(User("mia", "Minimum Access"))
    await shop.run("permission_set_group.create", name="Staff")
    return shop


def suffices(name: str, looks: bool) -> set[str]:
    if name in MAY:
        return MAY[name]
    noun = name.rpartition(".")[0]
    assert noun in LOOKING, f"got the operation {name}; expected it in MAY, or what it is about in LOOKING"
    return LOOKING[noun] if looks else LOOKING[noun] - {VIEW}


def arguments_of(operation, *, there: bool) -> dict:
    noun = operation.name.rpartition(".")[0] or operation.name
    found = {}
    for field in operation.request.__struct_fields__:
        known = THERE.get(noun) if field == "name" else THERE.get(field)
        if known is not None:
            found[field] = known if there or field == "manifest" else MISSING
    return found


async def outcome(shop: World, name: str, caller: Caller, arguments: dict) -> dict:
    """Return the problem document, or nothing where it ran."""
    try:
        await shop.operations.run(name, arguments, caller)
    except CalloutError as error:
        return document_of(error)
    return {}


def expected(role: str, operation) -> str | None:
    """The reason of the refusal, or None where the role may."""
    if role in ("guest", "no user"):
        return "caller_unknown"
    enough = suffices(operation.name, operation.method == "GET")
    if EVERYONE in enough:
        return None
    if role == "package":
        return None if operation.name in ("plan", "apply") else "package_code_refused"
    return None if enough & HELD.get(role, set()) else "administrator_required"


@pytest.mark.parametrize(
    "operation",
    [
        o
        for o in OPERATIONS
        if not o.name.startswith(("secret.", "token.", "connection.")) and o.name not in (*ABOUT_CALLOUTS, ASKING)
    ],
    ids=lambda o: o.name,
)
async def test_a_role_may_what_it_may_and_is_answered_alike_about_what_is_there_and_what_is_not(operation):
    untouched = await make_org()
    for role, caller in CALLERS.items():
        wanted = expected(role, operation)
        answers = []
        for there in (True, False):
            shop = await make_org() if wanted is None else untouched
            answers.append(await outcome(shop, operation.name, caller, arguments_of(operation, there=there)))
        reasons = [answer.get("reason") for answer in answers]
        if wanted is not None:
            assert (role, reasons) == (role, [wanted, wanted])
            assert answers[0] == answers[1]
            assert not shop.acts()[1:], "nothing was done"
        else:
            assert {*reasons} <= {None, "malformed_request", "not_defined", "definition_refused"}, role


@pytest.mark.parametrize("role", CALLERS)
@pytest.mark.parametrize("name", ABOUT_VALUES)
async def test_secret_values_of_others_are_answered_like_what_is_not_there(name, role):
    cases = [("Orders", "Service", None), ("Nowhere", "Service", None), ("Weather", "Own", "alice")]
    cases += [("Weather", "Nowhere", "alice"), ("Weather", "Own", "nobody_known")]
    may = suffices(name, looks=False) & HELD.get(role, set())
    told = []
    for credential, principal, user in cases:
        shop = await make_org()
        values = {"values": {"ApiKey": "k"}} if name == "secret.set" else {}
        arguments = {"external_credential": credential, "principal": principal, "user": user, **values}
        document = await outcome(shop, name, CALLERS[role], arguments)
        told.append(str(document).replace(f"{credential}/{principal}", "REFERENCE").replace(f" of {user}", ""))
        if may:
            assert document.get("reason") in (None, "not_defined", "definition_refused", "malformed_request")
        elif role in ("guest", "no user"):
            assert document["reason"] == "caller_unknown"
        else:
            assert document["reason"] == ("package_code_refused" if "package" in role else "administrator_required")
    assert may or len(set(told)) == 1


@pytest.mark.parametrize("role", CALLERS)
async def test_callouts_are_diagnosed_and_explained_for_oneself_and_for_those_who_view_the_setup(role):
    caller = CALLERS[role]
    shop = await make_org()
    await shop.define(User("dora"))
    others = await refused_callout(shop, await shop.key_of("dora"))
    views = VIEW in HELD.get(role, set())
    hidden = [await outcome(shop, "explain", caller, {"callout_id": i}) for i in (others, "0" * len(others))]
    alike = [str(each).replace(i, "ID") for each, i in zip(hidden, (others, "0" * len(others)), strict=True)]
    assert (hidden[0] == {}) is views
    assert views or alike[0] == alike[1]
    diagnosed = [await outcome(shop, "diagnose", caller, {"name": n, "user": "alice"}) for n in ("Orders", "Nowhere")]
    assert (diagnosed[0] == {}) is views
    assert views or diagnosed[0] == diagnosed[1]
    could = [await outcome(shop, "can", caller, {"name": n, "user": "alice"}) for n in ("Orders", "Nowhere")]
    assert (could[0] == {}) is views
    assert views or could[0] == could[1]
    logged = await outcome(shop, "callout.log", caller, {"user": "dora"})
    assert (logged == {}) is views
    if caller.user not in ("guest", "nobody"):
        assert await outcome(shop, "diagnose", caller, {"name": "Orders"}) == {}
        own = {"name": "Orders", "user": caller.user, "namespace": caller.namespace}
        assert await outcome(shop, "can", caller, own) == {}
        assert await outcome(shop, "callout.log", caller, {}) == {}


@pytest.mark.parametrize("role", CALLERS)
async def test_a_callout_is_sent_as_the_one_who_asks_and_as_nobody_else(role):
    """For whom they act is for the stages to judge: tests/app/test_sending.py."""
    shop, caller, sent = await make_org(), CALLERS[role], []

    async def sends(outgoing, sender):
        sent.append((sender.user, sender.namespace, sender.key, outgoing.on_behalf_of))
        raise Refused("timed_out", "got nothing; expected an answer")

    shop.operations.uses = replace(shop.operations.uses, send=sends)
    refused = [await outcome(shop, "callout.send", caller, {"name": name}) for name in ("Orders", "Nowhere")]
    known = role not in ("guest", "no user")
    assert [each["reason"] for each in refused] == ["timed_out" if known else "caller_unknown"] * 2
    assert known or refused[0] == refused[1]
    await outcome(shop, "callout.send", caller, {"name": "Orders", "on_behalf_of": "alice"})
    own = (caller.user, caller.namespace, caller.key)
    assert sent == ([(*own, None), (*own, None), (*own, "alice")] if known else [])


def test_no_operation_about_values_is_left_out():
    """A device code is its own proof: that nobody polls another's, `tests/engine/test_connect.py` shows.

    What one connects is listed for oneself, and for who views the setup: that is shown here, below.
    """
    about = {o.name for o in OPERATIONS if o.name.startswith(("secret.", "token.", "connection."))}
    assert about - {*ABOUT_VALUES} == {"connection.poll_device", "connection.list"}


@pytest.mark.parametrize("role", CALLERS)
async def test_connections_are_listed_for_oneself_and_for_those_who_view_the_setup(role):
    shop, caller = await make_org(), CALLERS[role]
    views = VIEW in HELD.get(role, set())
    others = [await outcome(shop, "connection.list", caller, {"user": user}) for user in ("alice", "nobody_known")]
    alike = [str(each).replace(user, "USER") for each, user in zip(others, ("alice", "nobody_known"), strict=True)]
    assert (others[0] == {}) is views
    assert views or alike[0] == alike[1]
    own = await outcome(shop, "connection.list", caller, {})
    if role in ("guest", "no user"):
        assert own["reason"] == "caller_unknown"
    elif role == "limited key":
        assert own["reason"] == "administrator_required"
    else:
        assert own.get("reason") == ("package_code_refused" if "package" in role else None)


SETTING = {"external_credential": "Weather", "principal": "Own", "values": {"ApiKey": "k"}}
HOLDING = {"external_credential": "Weather", "principal": "Own"}


async def holder(*permissions: str, granted: bool = True) -> World:
    """A world in which carol has only these object permissions, and Weather/Own where it is `granted`."""
    shop = await make_shop()
    await shop.run("profile.create", name="Bare", user_external_credential=permissions)
    await shop.run("profile.grant", name="Bare", principals=["Weather/Own"] if granted else [])
    await shop.run("user.set", name="carol", profile="Bare")
    return shop


async def reason_of(shop: World, name: str, user: str, arguments: dict) -> str | None:
    return (await outcome(shop, name, Caller("carol", None, "key"), {**arguments, "user": user})).get("reason")


@pytest.mark.parametrize("permission", ObjectPermission)
@pytest.mark.parametrize("user", ["carol", "bob"])
async def test_an_object_permission_is_for_what_it_says(permission, user):
    shop = await holder(permission)
    own = user == "carol"
    first = await reason_of(shop, "secret.set", user, SETTING)
    assert (first is None) is (permission == "modify_all" or (own and permission == "create"))
    await shop.run("secret.set", **SETTING, user=user)
    again = await reason_of(shop, "secret.set", user, {**SETTING, "values": {"ApiKey": "new"}})
    assert (again is None) is (permission == "modify_all" or (own and permission == "edit"))
    seen = await reason_of(shop, "secret.list", user, HOLDING)
    everyones = permission in ("view_all", "modify_all")
    assert (seen is None) is (everyones or (own and permission in ("read", "edit")))
    asked = await reason_of(shop, "token.introspect", user, HOLDING)
    assert (asked == "definition_refused") is (seen is None)  # nothing is declared that could be asked
    revoked = await reason_of(shop, "token.revoke", user, HOLDING)
    removed = await reason_of(shop, "secret.remove", user, HOLDING)
    assert revoked == removed
    assert (removed is None) is (permission == "modify_all" or (own and permission == "delete"))
    refused = {first, again, seen, removed, asked} - {None, "definition_refused"}
    assert refused <= {"user_external_credential_denied" if own else "administrator_required"}


@pytest.mark.parametrize("name", ["secret.set", "secret.list", "secret.remove"])
@pytest.mark.parametrize(
    "whose", [("Orders", "Service", None), ("Orders", "Service", "carol"), ("Weather", "Own", "zoe")]
)
async def test_modify_all_is_for_the_values_of_users_and_never_for_shared_ones(name, whose):
    shop = await holder("modify_all", "view_all")
    credential, principal, user = whose
    values = {"values": {"ApiKey": "k"}} if name == "secret.set" else {}
    arguments = {"external_credential": credential, "principal": principal, "user": user, **values}
    document = await outcome(shop, name, Caller("carol", None, "key"), arguments)
    assert document["reason"] == "administrator_required"
    assert not shop.store.configured


async def test_what_one_was_not_granted_is_not_there_for_one():
    shop = await holder("create", "edit", "read", "delete", granted=False)
    assert await reason_of(shop, "secret.set", "carol", SETTING) == "administrator_required"


async def test_a_missing_object_permission_is_named_with_the_command_that_gives_it():
    shop = await holder("read")
    document = await outcome(shop, "secret.set", Caller("carol", None, "key"), {**SETTING, "user": "carol"})
    assert "without create" in document["detail"]
    assert document["remedy_commands"] == ["callout permission-set assign 'External Credential User' carol"]
    await shop.run("permission_set.assign", name="External Credential User", user="carol")
    assert await reason_of(shop, "secret.set", "carol", SETTING) is None


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.name in PREVIEWED], ids=lambda o: o.name)
async def test_a_preview_is_refused_to_whom_the_operation_is(operation):
    shop = await make_org()
    asked = arguments_of(operation, there=True)
    for role, caller in CALLERS.items():
        shown = await outcome(shop, ASKING, caller, {"operation": operation.name, "arguments": asked})
        assert not shop.acts()[1:], "nothing was done"
        if role in ("guest", "no user", "limited key") or shown.get("reason") == "administrator_required":
            done = await outcome(shop, operation.name, caller, asked)
            assert (shown["reason"], shown["detail"]) == (done["reason"], done["detail"])
        else:
            done = await outcome(await make_org(), operation.name, caller, asked)
            assert shown.get("reason") == done.get("reason"), role
