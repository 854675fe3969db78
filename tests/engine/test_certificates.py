"""Client certificates as proofs: mapped by the admin, last in the order of proofs, and never the guest."""

import shlex
from datetime import UTC, datetime

import pytest

from callout.core.errors import Refused
from callout.core.model.certificates import ClientCertificate
from callout.core.model.issuers import TrustedIssuer
from callout.core.model.people import User
from callout.engine.certificates import Shown
from tests.certificates import ORDERS_ID, Authority, Issued
from tests.engine.conftest import ALICE_KEY, BOB_KEY, replace

AUTHORITY = Authority()
WORKLOAD = AUTHORITY.issue(ORDERS_ID)
MAPPING = ClientCertificate("Orders", "alice", spiffe_id=ORDERS_ID)
OTHER = "spiffe://example.org/ns/prod/sa/billing"


@pytest.fixture
async def mapped(world):
    await world.define(MAPPING)
    return world


def admit(world, issued: Issued | None = WORKLOAD, *, key: bytes | None = None, **more):
    certificate = Shown(issued.der) if issued is not None else None
    return world.callouts.admit("Orders", [], key, more.get("authorization"), None, more.get("user"), certificate)


def refusal(world, issued: Issued | None = WORKLOAD, **more) -> Refused:
    with pytest.raises(Refused) as caught:
        admit(world, issued, **more)
    return caught.value


async def test_a_mapped_certificate_is_its_user_and_its_namespace(mapped) -> None:
    caller = admit(mapped).decision.caller
    assert (caller.user, caller.namespace) == ("alice", None)
    assert caller.proof == f"certificate Orders, spiffe_id {ORDERS_ID}"
    await mapped.define(replace(MAPPING, namespace="acme"))
    assert refusal(mapped).reason.code == "namespace_not_allowed"


async def test_the_explanation_says_how_the_caller_was_identified(mapped) -> None:
    (step, *_) = admit(mapped).decision.explanation.steps
    assert step.detail == f"alice, profile Standard User, proven by certificate Orders, spiffe_id {ORDERS_ID}"


async def test_two_connections_of_one_certificate_share_a_route_and_two_certificates_do_not(mapped) -> None:
    route = admit(mapped)
    assert admit(mapped) is route
    again = AUTHORITY.issue(ORDERS_ID)  # as SPIRE renews it
    assert admit(mapped, again) is not route
    assert admit(mapped, again).decision.caller.user == "alice"
    assert mapped.admit() is not route


async def test_a_key_comes_before_a_certificate_and_so_does_a_token(mapped) -> None:
    assert admit(mapped, key=ALICE_KEY).decision.caller.proof.startswith("key")
    assert refusal(mapped, key=BOB_KEY).who == "bob"
    assert refusal(mapped, key=b"co_unknown").reason.code == "caller_unknown"
    await mapped.define(TrustedIssuer("Example", "https://id.example.com", "callout", users={"x": "bob"}))
    other = admit(mapped, authorization=b"Bearer of-the-external-system").decision.caller
    assert other.proof.startswith("certificate")


async def test_without_a_certificate_the_guest_calls(mapped) -> None:
    assert refusal(mapped, None).who == "guest"


async def test_an_unmapped_certificate_is_unknown_and_the_printed_commands_map_it(mapped) -> None:
    refused = refusal(mapped, AUTHORITY.issue(OTHER))
    assert refused.reason.code == "caller_unknown"
    assert OTHER in refused.detail
    assert refused.to_guest
    first, second = refused.remedies
    assert shlex.split(first.command or "") == ["callout", "user", "set", "billing"]
    trust = ["callout", "client-certificate", "trust", "billing", "--spiffe-id", OTHER, "--user", "billing"]
    assert shlex.split(second.command or "") == trust


async def test_the_remedy_names_a_user_that_is_there_and_a_name_that_is_free(mapped) -> None:
    await mapped.define(replace(MAPPING, name="Bob"))
    (remedy,) = refusal(mapped, AUTHORITY.issue(dns=["bob.example.com"])).remedies
    assert remedy.command == "callout client-certificate trust bob-2 --dns bob.example.com --user bob"


@pytest.mark.parametrize("name", ["root", "guest", "..."])
async def test_no_certificate_is_proposed_to_be_an_administrator_or_the_guest(mapped, name) -> None:
    await mapped.define(User("root", "System Administrator"))
    (remedy,) = refusal(mapped, AUTHORITY.issue(f"spiffe://example.org/{name}")).remedies
    assert remedy.command.endswith("--user USER")


@pytest.mark.parametrize("named", [{"name": "bob"}, {"name": "Bob's, café"}, {}])
async def test_every_kind_of_certificate_has_a_command_that_maps_it(mapped, named) -> None:
    issued = AUTHORITY.issue(**named)
    command = shlex.split(refusal(mapped, issued).remedies[-1].command or "")
    option, value = command[4:6]
    field = option.removeprefix("--")
    await mapped.define(ClientCertificate(command[3], "alice", **{field: value}))
    assert admit(mapped, issued).decision.caller.user == "alice"


async def test_mappings_by_different_things_that_name_different_callers_are_refused_and_name_the_cure(mapped) -> None:
    issued = AUTHORITY.issue(ORDERS_ID, dns=["orders.example.com"])
    await mapped.define(ClientCertificate("By name", "alice", dns="orders.example.com"))
    assert admit(mapped, issued).decision.caller.user == "alice"
    await mapped.define(ClientCertificate("By name", "bob", dns="orders.example.com"))
    refused = refusal(mapped, issued)
    assert refused.reason.code == "caller_unknown"
    assert [remedy.command for remedy in refused.remedies] == [
        "callout client-certificate forget 'By name'",
        "callout client-certificate forget Orders",
    ]


async def test_an_svid_with_two_uris_is_refused_even_where_one_is_mapped(mapped) -> None:
    assert "2 URIs" in refusal(mapped, AUTHORITY.issue(ORDERS_ID, OTHER)).detail


async def test_a_certificate_ends_on_an_open_connection(mapped) -> None:
    issued = AUTHORITY.issue(ORDERS_ID, ends=datetime(2026, 1, 1, 1, tzinfo=UTC))
    route = admit(mapped, issued)
    mapped.clock.move(3599)
    assert admit(mapped, issued) is route
    mapped.clock.move(1)
    assert "ended at 2026-01-01T01:00:00" in refusal(mapped, issued).detail
    assert mapped.callouts.reconsider(route).reason.code == "caller_unknown"


async def test_a_callout_under_way_may_not_go_on_where_the_mapping_or_the_user_is_gone(mapped) -> None:
    route = admit(mapped)
    assert mapped.callouts.reconsider(route) is None
    await mapped.define(User("alice", permission_sets=("Clerks",), active=False))
    assert mapped.callouts.reconsider(route).reason.code == "caller_unknown"
    await mapped.define(User("alice", permission_sets=("Clerks",)), replace(MAPPING, spiffe_id=OTHER))
    assert mapped.callouts.reconsider(route).reason.code == "caller_unknown"
    assert refusal(mapped).reason.code == "caller_unknown"


async def test_a_certificate_may_act_for_another_as_a_key_may(mapped) -> None:
    refused = refusal(mapped, user=b"bob")
    assert (refused.who, refused.on_behalf_of) == ("alice", "bob")


async def test_no_bytes_of_a_header_are_a_certificate_also_where_it_is_known(mapped) -> None:
    assert admit(mapped).decision.allowed
    for forged in (WORKLOAD.der, b"X509 " + WORKLOAD.der, repr(Shown(WORKLOAD.der)).encode()):
        assert refusal(mapped, None, key=forged).reason.code == "caller_unknown"
        assert refusal(mapped, None, authorization=b"Bearer " + forged).who == "guest"
