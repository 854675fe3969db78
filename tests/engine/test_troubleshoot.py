"""Findings: one for each caller, name and reason, told apart by row, and gone when they are mended."""

import pytest

from callout.core.errors import DefinitionError, Refused
from callout.core.model.credentials import ExternalCredential, NamedCredential, Principal
from callout.core.model.people import PermissionSet, Profile, User
from callout.engine.printed_commands import applicable
from callout.engine.routes import Ready
from tests.world import make_shop


@pytest.fixture
async def shop():
    made = await make_shop()
    await made.define(
        Profile("Contractors"), User("carol", "Contractors", ("Order Clerks",)), User("dave", "Contractors")
    )
    values = {"client_id": "abc", "client_secret": "s3cret"}
    await made.run("secret.set", external_credential="Orders", principal="Service", values=values)
    return made


async def call(
    shop, user: str, name: str = "Orders", *, namespace=None, status=200, generation=0, principal=None, **more
) -> None:
    """Make a callout as far as the log sees it: admitted or refused, answered with a status, and written."""
    limit = more.pop("limited_to", ())
    key = (await shop.key_of(user, namespace=namespace, named_credentials=limit)).encode()
    await shop.current.follow()
    record(shop, key, name, status, generation, principal, **more)


def record(
    shop, key: bytes, name: str, status: int, generation: int, principal=None, *, told=False, on_behalf_of=None
) -> None:
    route = refused = ready = None
    try:
        route = shop.callouts.admit(name, (), key, None, principal, on_behalf_of)
    except Refused as error:
        refused, status = error, error.reason.status
    else:
        ready = Ready(b"", generation, 0.0)
    target = b"/callout/%b/a" % name.encode()
    row = (route, name, b"GET", target, status, 0, 0, shop.clock.monotonic(), None, refused, ready, 0, told)
    shop.clock.move(seconds=1)
    shop.callouts.record(shop.callouts.next_id(), *row)
    shop.records.flush()


async def findings(shop, **which) -> list[dict]:
    return (await shop.run("troubleshoot", **which))["findings"]


@pytest.mark.parametrize(
    ("user", "namespace", "row", "changes"),
    [("bob", None, "T2", 1), ("carol", None, "T3", 1), ("dave", None, "T4", 2), ("alice", "acme", "T5", 1)],
)
async def test_each_lack_of_access_has_its_row_and_its_changes_let_the_caller_in(
    shop, user, namespace, row, changes
) -> None:
    for _ in range(2):
        await call(shop, user, namespace=namespace)
    (found,) = await findings(shop)
    assert (found["row"], found["count"], found["user"], found["namespace"]) == (row, 2, user, namespace)
    assert len(found["changes"]) == changes
    assert found["by_hand"] == []
    for change in found["changes"]:
        await shop.run(change["operation"], **change["arguments"])
    assert (await shop.run("can", user=user, name="Orders", namespace=namespace))["allowed"]
    after = await shop.run("troubleshoot")
    assert (after["findings"], len(after["mended"])) == ([], 1)


async def test_of_two_lacks_the_one_that_is_left_is_told_until_the_caller_is_let_in(shop) -> None:
    await call(shop, "dave")
    (both,) = await findings(shop)
    for change, row in zip(both["changes"], ("T3", None), strict=True):
        await shop.run(change["operation"], **change["arguments"])
        assert [found["row"] for found in await findings(shop)] == [row] * (row is not None)
    assert (await shop.run("can", user="dave", name="Orders"))["allowed"]


async def test_a_lack_that_callouts_met_twice_is_told_once(shop) -> None:
    await call(shop, "dave")
    (both,) = await findings(shop)
    await shop.run(both["changes"][0]["operation"], **both["changes"][0]["arguments"])
    await call(shop, "dave")
    assert [found["row"] for found in await findings(shop)] == ["T3"]


async def test_a_credential_made_by_package_code_is_told_with_what_an_admin_judges(shop) -> None:
    await shop.define(
        NamedCredential("Feed", "https://feed.example.com", "Orders", False, created_by_namespace="acme"),
    )
    await call(shop, "alice", "Feed", namespace="acme")
    (found,) = await findings(shop)
    assert (found["row"], found["reason"]) == ("T6", "callouts_disabled")
    assert found["about"] == {
        "created_by_namespace": "acme",
        "url": "https://feed.example.com",
        "principals": ["Orders/Service"],
        "allowed_namespaces": ["acme"],
        "could_call": ["alice"],
        "could_call_count": 1,
        "could_call_complete": True,
    }


async def test_the_approval_that_a_package_waits_for_is_applied_with_its_grant(shop) -> None:
    await shop.define(
        NamedCredential("Feed", "https://feed.example.com", "Orders", False, created_by_namespace="acme"),
    )
    await call(shop, "dave", "Feed", namespace="acme")
    (found,) = await findings(shop)
    (change,) = found["changes"]
    assert (change["operation"], change["arguments"]["users"], found["by_hand"]) == ("approvals.approve", ["dave"], [])
    await shop.run(change["operation"], **change["arguments"])
    assert (await shop.run("can", user="dave", name="Feed", namespace="acme"))["allowed"]


async def test_users_who_wait_on_one_approval_are_let_in_by_one_command(shop) -> None:
    await shop.define(
        NamedCredential("Feed", "https://feed.example.com", "Orders", False, created_by_namespace="acme"),
    )
    for user in ("alice", "bob", "dave"):  # alice has the grant, the others lack it
        await call(shop, user, "Feed", namespace="acme")
    found = await findings(shop)
    (command,) = {change["command"] for f in found for change in f["changes"]}
    assert all(f["remedy_commands"] == [command] and f["remedy"][0].endswith(command) for f in found)
    change = found[0]["changes"][0]
    assert applicable(command).to_dict() == change
    await shop.run(change["operation"], **change["arguments"])
    for user in ("alice", "bob", "dave"):
        assert (await shop.run("can", user=user, name="Feed", namespace="acme"))["allowed"], user


async def test_a_misspelt_name_or_user_is_not_told_that_all_is_well(shop) -> None:
    for wrong in ({"name": "Ordrs"}, {"user": "alicia"}):
        with pytest.raises(DefinitionError, match="expected the name of"):
            await shop.run("troubleshoot", **wrong)
    await call(shop, "alice", "Ordrs")  # one that callers misspell is a finding
    assert [f["reason"] for f in await findings(shop, name="Ordrs")] == ["named_credential_not_found"]


async def test_what_lacks_on_behalf_of_a_user_is_given_to_that_user_and_never_to_the_service(shop) -> None:
    await shop.define(
        PermissionSet("Agents", may_act_for=frozenset({"dave"})), User("svc", permission_sets=("Agents",))
    )
    await call(shop, "svc", on_behalf_of=b"dave")
    (found,) = await findings(shop, user="dave")
    assert (found["row"], found["user"], found["on_behalf_of"]) == ("T4", "svc", "dave")
    assert {change["arguments"]["user"] for change in found["changes"]} == {"dave"}
    assert found["see"] == "callout diagnose Orders --as svc --on-behalf-of dave"
    for change in found["changes"]:
        await shop.run(change["operation"], **change["arguments"])
    assert await findings(shop) == []
    assert not (await shop.run("can", user="svc", name="Orders"))["allowed"]


async def test_acting_for_a_user_without_being_let_is_no_lack_of_a_grant_and_left_to_be_mended_by_hand(shop) -> None:
    await shop.define(User("svc"))
    await call(shop, "svc", on_behalf_of=b"alice")
    (found,) = await findings(shop)
    assert (found["row"], found["reason"], found["changes"]) == (None, "acting_not_allowed", [])
    assert found["by_hand"] == ["callout permission-set create 'svc for others' --may-act-for alice --assign svc"]
    await shop.run("permission_set.create", name="svc for others", may_act_for=["alice"], assign=["svc"])
    assert await findings(shop) == []


async def test_a_key_that_is_limited_is_no_lack_of_a_grant(shop) -> None:
    await call(shop, "bob", limited_to=["Weather"])
    (found,) = await findings(shop)
    assert (found["row"], found["reason"], found["changes"]) == (None, "key_limited", [])
    assert found["by_hand"][0].startswith("callout key limit co_")


async def test_one_that_an_admin_disabled_has_no_row(shop) -> None:
    await shop.run("named_credential.disable", name="Orders")
    await call(shop, "alice")
    (found,) = await findings(shop)
    assert (found["row"], found["reason"], found["changes"]) == (None, "callouts_disabled", [])
    assert found["by_hand"] == ["callout named-credential enable Orders"]


async def test_what_an_admin_disabled_or_made_inactive_since_is_not_undone_with_a_grant(shop) -> None:
    await call(shop, "bob")
    await shop.run("named_credential.disable", name="Orders")
    (found,) = await findings(shop)
    assert [change["operation"] for change in found["changes"]] == ["permission_set.assign"]
    assert found["by_hand"] == ["callout named-credential enable Orders"]
    await shop.run("user.set", name="bob", active=False)
    assert await findings(shop) == []


async def test_a_principal_that_was_asked_for_by_name_stays_a_finding_though_another_is_granted(shop) -> None:
    principals = (Principal("Service"), Principal("Admin", sequence=2))
    await shop.define(ExternalCredential("Orders", "none", principals=principals))
    key = (await shop.key_of("alice")).encode()
    await shop.current.follow()
    record(shop, key, "Orders", 403, 0, b"Admin")
    (found,) = await findings(shop)
    assert (found["row"], "'Admin'" in found["cause"]) == ("T2", True)


async def test_what_only_a_person_can_do_is_no_change(shop) -> None:
    await shop.run("secret.remove", external_credential="Orders", principal="Service", names=["client_secret"])
    await call(shop, "alice")
    (found,) = await findings(shop)
    assert (found["reason"], found["changes"]) == ("principal_not_configured", [])
    assert found["by_hand"] == ["callout secret set Orders/Service client_secret=-"]


async def test_an_unknown_caller_is_a_finding_until_it_is_forgotten(shop) -> None:
    record(shop, b"co_unknown", "Orders", 401, 0)
    (found,) = await findings(shop)
    assert (found["reason"], found["user"], found["changes"]) == ("caller_unknown", None, [])
    assert found["see"] == f"callout explain {found['callout_id']}"


async def test_names_and_users_can_be_picked(shop) -> None:
    await call(shop, "bob")
    await call(shop, "dave")
    assert [f["user"] for f in await findings(shop, user="dave")] == ["dave"]
    assert await findings(shop, name="Weather") == []


async def stale(shop, status: int, *, times: int = 3, told: bool = False) -> None:
    """Accept a token once, and then answer it with this status."""
    key = (await shop.key_of("alice")).encode()
    await shop.current.follow()
    record(shop, key, "Orders", 200, 1)
    for _ in range(times):
        record(shop, key, "Orders", status, 1, told=told)


@pytest.mark.parametrize(("status", "times", "told"), [(403, 3, False), (712, 5, False), (422, 1, True)])
async def test_a_status_that_means_stale_is_proposed_with_its_evidence(shop, status, times, told) -> None:
    await stale(shop, status, times=times, told=told)
    (found,) = await findings(shop, name="Orders", user="alice")
    assert (found["row"], found["count"], found["named_credentials"]) == ("T1", times, ["Orders"])
    assert f"{times} answer" in found["evidence"]
    (change,) = found["changes"]
    assert change["command"] == f"callout external-credential add-status-code Orders {status}"
    await shop.run(change["operation"], **change["arguments"])
    assert shop.store.org.external_credentials["Orders"].additional_status_codes == (400, 601, status)
    assert await findings(shop) == []


async def test_status_suggests_such_a_status_with_the_evidence_and_the_command_until_it_is_added(shop) -> None:
    await stale(shop, 712, times=5)
    (suggested,) = (await shop.run("status"))["suggestions"]
    assert (suggested["external_credential"], suggested["count"]) == ("Orders", 5)
    assert suggested["evidence"].startswith("5 answers with status 712 on 1 token")
    assert suggested["command"] == "callout external-credential add-status-code Orders 712"
    change = applicable(suggested["command"])
    await shop.run(change.operation, **change.arguments)
    assert (await shop.run("status"))["suggestions"] == []


async def test_a_status_that_a_refresh_rule_is_about_is_not_proposed(shop) -> None:
    await stale(shop, 403, told=True)
    rule = {"statuses": [403], "header": "WWW-Authenticate", "contains": ["invalid_token"]}
    told = await shop.run("external_credential.add_refresh_rule", name="Orders", **rule)
    assert [r["rule"] for r in told["refresh_rules"]] == [
        "status 403 with 'invalid_token' in the header WWW-Authenticate"
    ]
    assert await findings(shop) == []


async def test_a_protocol_without_a_token_is_never_stale(shop) -> None:
    await stale(shop, 403)
    await shop.define(ExternalCredential("Orders", "none", principals=(Principal("Service"),)))
    assert await findings(shop) == []


async def test_a_status_code_that_cannot_be_a_sign_is_refused_with_the_reason(shop) -> None:
    with pytest.raises(DefinitionError, match="5xx"):
        await shop.run("external_credential.add_status_code", name="Orders", status=503)


async def test_a_status_code_is_taken_off_again(shop) -> None:
    told = await shop.run("external_credential.remove_status_code", name="Orders", status=601)
    assert (told["changed"], told["additional_status_codes"]) == (True, [400])
    with pytest.raises(DefinitionError, match="'601'"):
        await shop.run("external_credential.remove_status_code", name="Orders", status=601)


async def test_nothing_recorded_is_nothing_found(shop) -> None:
    assert await shop.run("troubleshoot") == {"looked_at": 0, "since": None, "findings": [], "mended": []}


async def test_a_failure_of_the_outside_is_mended_by_a_later_success(shop) -> None:
    key = (await shop.key_of("alice")).encode()
    await shop.current.follow()
    route = shop.callouts.admit("Orders", (), key, None, None)
    refused = Refused("external_system_unreachable", "got no connection; expected one", who="alice")
    row = (route, "Orders", b"GET", b"/callout/Orders/a", 502, 0, 0, shop.clock.monotonic(), None, refused, None, 0)
    shop.callouts.record(shop.callouts.next_id(), *row)
    shop.records.flush()
    (found,) = await findings(shop)
    assert (found["row"], found["blame"], found["changes"]) == (None, "external", [])
    shop.clock.move(seconds=1)
    record(shop, key, "Orders", 200, 1)
    assert await findings(shop) == []


async def test_a_set_that_several_users_lack_is_made_once_for_all_of_them(shop) -> None:
    await shop.define(PermissionSet("Order Clerks"))
    for user in ("bob", "dave"):
        await call(shop, user)
    for found in await findings(shop):
        for change in found["changes"]:
            await shop.run(change["operation"], **change["arguments"])
    for user in ("bob", "dave"):
        assert (await shop.run("can", user=user, name="Orders"))["allowed"]


async def test_a_client_certificate_that_has_ended_is_named_where_callouts_fail_for_it(shop) -> None:
    await shop.run("certificate.create", name="Client", algorithm="P-256", days=1)
    await shop.run("named_credential.present", name="Orders", certificate="Client")
    key = (await shop.key_of("alice")).encode()
    await shop.current.follow()
    shop.clock.move(days=3)
    refused = Refused("certificate_not_accepted", "got TLS alert 'CERTIFICATE_EXPIRED'")
    row = (shop.callouts.admit("Orders", (), key, None, None), "Orders", b"GET", b"/callout/Orders/a", 502, 0, 0)
    shop.callouts.record(shop.callouts.next_id(), *row, shop.clock.monotonic(), None, refused, None, 0, False)
    shop.records.flush()
    (found,) = await findings(shop)
    assert found["remedy"][0] == "client certificate Client: it ended 1 day ago"
    assert found["remedy_commands"][0] == "callout certificate rotate Client"
    assert found["also_missing"] == ["client certificate Client: it ended 1 day ago"]
