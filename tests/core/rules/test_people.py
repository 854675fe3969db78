"""Rules over permission sets, groups, profiles, users and packages."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from callout.core.model.credentials import ExternalCredential, Principal, PrincipalReference
from callout.core.model.org import Org
from callout.core.model.people import (
    EVERY_ADMIN_PERMISSION,
    AdminPermission,
    Assignment,
    Muted,
    Package,
    PermissionSet,
    PermissionSetGroup,
    Profile,
    User,
    UserKind,
)
from callout.core.rules.people import (
    group_problems,
    guest_problems,
    package_problems,
    permission_set_problems,
    profile_problems,
    user_problems,
)

ORG = Org.of(
    ExternalCredential("Orders", "basic", principals=(Principal("Service"),)),
    PermissionSet("Clerks"),
    PermissionSetGroup("Staff", ("Clerks",)),
)


def found(problems):
    return {problem.place: problem for problem in problems}


def test_a_grant_of_a_principal_that_is_there_is_accepted():
    granted = frozenset({PrincipalReference("Orders", "Service")})
    assert found(permission_set_problems(ORG, PermissionSet("Order Clerks", granted))) == {}
    assert found(profile_problems(ORG, Profile("Contractors", granted))) == {}


def test_a_grant_of_a_principal_that_is_not_there_is_refused_with_the_nearest():
    granted = frozenset({PrincipalReference("Orders", "Servic")})
    problem = found(permission_set_problems(ORG, PermissionSet("S", granted)))[
        "permission_sets.S.principals[Orders/Servic]"
    ]
    assert problem.nearest == "Orders/Service"
    assert problem.expected == "a principal of Orders: Service"


def test_a_grant_on_an_external_credential_that_is_not_there_is_refused():
    granted = frozenset({PrincipalReference("Nothing", "Service")})
    assert "profiles.P.principals[Nothing/Service]" in found(profile_problems(ORG, Profile("P", granted)))


def test_standard_profiles_keep_their_flags_and_may_be_given_principals():
    standard = ORG.profiles["Standard User"]
    granted = frozenset({PrincipalReference("Orders", "Service")})
    assert found(profile_problems(ORG, replace(standard, principals=granted))) == {}
    viewing = replace(standard, admin_permissions=frozenset({AdminPermission.VIEW_SETUP}))
    assert "profiles.Standard User.admin_permissions" in found(profile_problems(ORG, viewing))
    assert "profiles.Standard User" in found(profile_problems(ORG, replace(standard, standard=False)))


def test_nothing_becomes_standard_by_saying_so():
    assert "profiles.P" in found(profile_problems(ORG, Profile("P", standard=True)))
    assert "permission_sets.S" in found(permission_set_problems(ORG, PermissionSet("S", standard=True)))


def test_a_custom_profile_may_administer():
    assert found(profile_problems(ORG, ORG.profiles["System Administrator"])) == {}
    assert found(profile_problems(ORG, Profile("Ops", admin_permissions=EVERY_ADMIN_PERMISSION))) == {}


@pytest.mark.parametrize("name", ["a/b", "a@b", " a", ""])
def test_names_of_grant_sources_can_be_written_in_references(name):
    assert found(permission_set_problems(ORG, PermissionSet(name)))
    assert found(group_problems(ORG, PermissionSetGroup(name)))
    assert found(profile_problems(ORG, Profile(name)))


def test_members_of_a_group_are_there_and_given_once():
    problems = found(group_problems(ORG, PermissionSetGroup("G", ("Clerks", "Clerk", "Clerks"))))
    assert problems["permission_set_groups.G.permission_sets[Clerk]"].nearest == "Clerks"
    assert problems["permission_set_groups.G.permission_sets[Clerks]"].got == "'Clerks' twice"


def test_what_a_user_is_given_is_there():
    user = User("alice", "Standrd User", ("Clerk",), ("Staf",))
    problems = found(user_problems(ORG, user))
    assert {place: p.nearest for place, p in problems.items()} == {
        "users.alice.profile": "Standard User",
        "users.alice.permission_sets[Clerk]": "Clerks",
        "users.alice.permission_set_groups[Staf]": "Staff",
    }


def test_a_user_may_administer_and_the_guest_may_not():
    assert found(user_problems(ORG, User("alice", "System Administrator"))) == {}
    org = Org.of(User("guest", "System Administrator", kind=UserKind.GUEST))
    assert list(found(guest_problems(org))) == ["users.guest"]


@pytest.mark.parametrize("given", ["set", "group", "box"])
def test_no_way_gives_the_guest_an_admin_permission(given):
    box = Assignment("Ops", datetime(2000, 1, 1, tzinfo=UTC))
    guest = {
        "set": User("guest", "Guest User", ("Ops",), kind=UserKind.GUEST),
        "group": User("guest", "Guest User", (), ("All",), kind=UserKind.GUEST),
        "box": User("guest", "Guest User", (box,), kind=UserKind.GUEST),
    }[given]
    viewing = frozenset({AdminPermission.VIEW_SETUP})
    ops, group = PermissionSet("Ops", admin_permissions=viewing), PermissionSetGroup("All", ("Ops",))
    assert list(found(guest_problems(Org.of(guest, ops, group)))) == ["users.guest"]
    muting = PermissionSetGroup("All", ("Ops",), muted=Muted(admin_permissions=viewing))
    assert (found(guest_problems(Org.of(guest, ops, muting))) == {}) is (given == "group")


def test_the_guest_user_alone_is_of_kind_guest():
    assert "users.ann.kind" in found(user_problems(ORG, User("ann", kind=UserKind.GUEST)))
    assert "users.guest.kind" in found(user_problems(ORG, User("guest", "Guest User")))


@pytest.mark.parametrize("email", ["alice", "a@b@c", "a b@c", "@x", "a@", "a@b\r\nX: 1"])
def test_an_email_address_is_one(email):
    assert "users.alice.email" in found(user_problems(ORG, User("alice", email=email)))
    assert "users.alice.email" not in found(user_problems(ORG, User("alice", email="alice@example.com")))


def test_a_time_box_has_a_zone_and_a_printable_purpose():
    box = Assignment("Clerks", datetime(2030, 1, 1), "line\nline")
    problems = found(user_problems(ORG, User("ann", permission_sets=(box,))))
    assert {"users.ann.permission_sets[Clerks].until", "users.ann.permission_sets[Clerks].purpose"} <= set(problems)


def test_what_a_group_mutes_is_there():
    muted = Muted(frozenset({PrincipalReference("Orders", "Nobody")}))
    group = PermissionSetGroup("G", ("Clerks",), muted=muted)
    assert "permission_set_groups.G.muted.principals[Orders/Nobody]" in found(group_problems(ORG, group))


def test_a_user_name_with_a_space_is_refused():
    assert "users.al ice" in found(user_problems(ORG, User("al ice")))


def test_a_long_list_of_known_names_is_cut_for_the_reader():
    org = Org.of(*(PermissionSet(f"Set {number:02}") for number in range(40)))
    problem = found(user_problems(org, User("alice", permission_sets=("X",))))["users.alice.permission_sets[X]"]
    assert problem.expected.endswith("and 29 more")


def test_a_package_is_named_by_its_namespace():
    assert found(package_problems(Package("acme"))) == {}
    assert "packages.a-b" in found(package_problems(Package("a-b")))
