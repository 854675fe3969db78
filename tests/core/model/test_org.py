from datetime import UTC, datetime

import pytest

from callout.core.model.credentials import ExternalCredential, NamedCredential, UserExternalCredentialKey
from callout.core.model.org import SECTIONS, Org, name_of
from callout.core.model.people import (
    GUEST,
    STANDARD_PERMISSION_SETS,
    STANDARD_PROFILES,
    CallerKey,
    Package,
    PermissionSet,
    PermissionSetGroup,
    Profile,
    User,
    UserKind,
)

ONE_OF_EACH = (
    ExternalCredential("Orders", "basic"),
    NamedCredential("Orders", "https://orders.example", "Orders"),
    PermissionSet("Clerks"),
    PermissionSetGroup("Staff", ("Clerks",)),
    Profile("Contractors"),
    Package("acme"),
    User("alice"),
)


def test_the_standard_profiles_sets_and_the_guest_user_are_always_there() -> None:
    org = Org.of()
    assert set(org.profiles) == {profile.name for profile in STANDARD_PROFILES}
    assert set(org.permission_sets) == {each.name for each in STANDARD_PERMISSION_SETS}
    assert org.users == {GUEST: User(GUEST, profile="Guest User", label="Guest User", kind=UserKind.GUEST)}


@pytest.mark.parametrize("definition", ONE_OF_EACH, ids=lambda d: type(d).__name__)
def test_a_definition_is_kept_in_its_section_under_its_name(definition) -> None:
    org = Org.of(*ONE_OF_EACH)
    assert getattr(org, SECTIONS[type(definition)])[name_of(definition)] is definition


def test_a_definition_replaces_the_standard_one_of_its_name() -> None:
    mine = Profile("Standard User", label="Mine")
    assert Org.of(mine).profiles["Standard User"] is mine


def test_definitions_are_listed_section_by_section_in_the_order_of_names() -> None:
    org = Org.of(*reversed(ONE_OF_EACH))
    listed = org.definitions()
    order = [(list(SECTIONS).index(type(d)), name_of(d)) for d in listed]
    assert order == sorted(order)
    assert all(definition in listed for definition in ONE_OF_EACH)


def test_an_org_built_of_its_own_definitions_is_the_same() -> None:
    org = Org.of(*ONE_OF_EACH, generation=3)
    assert Org.of(*org.definitions(), generation=3) == org


def test_keys_are_found_by_their_digest_and_names_of_secrets_by_their_holder() -> None:
    key = CallerKey(b"digest", "co_a", "alice", None, datetime(2030, 1, 1, tzinfo=UTC))
    holder = UserExternalCredentialKey("Orders", "Service")
    org = Org.of(keys=(key,), configured={holder: frozenset({"username"})})
    assert org.keys == {b"digest": key}
    assert org.configured[holder] == {"username"}
