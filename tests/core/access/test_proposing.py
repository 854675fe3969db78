"""What a remedy proposes gives what is lacking to the one who lacks it, and as little else as can be."""

from dataclasses import replace

import pytest

from callout.core.access.proposing import least, new_name
from callout.core.model.org import Org
from callout.core.model.people import AdminPermission, PermissionSet, User
from tests.core.access.test_decide import CLERKS, NOTHING, READ, USER, decided, step_of

ADMINS = frozenset({AdminPermission.MANAGE_USERS})
CREATE = "callout permission-set create"


def commands(*definitions, rung: str, **asked) -> list[str | None]:
    return [remedy.command for remedy in step_of(decided(*definitions, **asked), rung).remedies]


@pytest.mark.parametrize("more", [{"admin_permissions": ADMINS}, {"may_act_for": frozenset({"bob"})}])
def test_a_set_that_lets_one_administer_or_act_for_others_is_not_proposed_to_who_lacks_a_grant(more) -> None:
    command = f"{CREATE} 'Orders Callers' --principal Orders/Service --user-external-credential read --assign alice"
    assert commands(replace(CLERKS, **more), User("alice"), rung="principal") == [command]


def test_a_set_of_admins_is_not_proposed_to_who_lacks_read_though_it_has_fewer_object_permissions() -> None:
    admins = PermissionSet("Admins", user_external_credential=READ, admin_permissions=ADMINS)
    found = commands(NOTHING, replace(USER, profile="Nothing"), admins, rung="user_external_credential")
    assert found == ["callout permission-set assign 'External Credential User' alice"]


def test_a_new_set_never_has_the_name_of_one_from_which_the_grant_was_taken() -> None:
    """Else those who have that one would gain with the one who asks."""
    taken = (PermissionSet("orders callers"), PermissionSet("Orders Callers 2"), PermissionSet(CLERKS.name))
    (command,) = commands(*taken, User("alice"), rung="principal")
    assert command.startswith(f"{CREATE} 'Orders Callers 3' ")


def test_a_new_name_is_one_that_a_permission_set_may_have_however_long_what_it_is_of() -> None:
    org = Org.of(PermissionSet("x" * 80))
    assert [len(new_name(org, "x" * 100)), new_name(org, "x" * 100)[-2:]] == [80, " 2"]
    assert new_name(org, "y" * 79 + " z") == "y" * 79


def test_of_several_sets_the_one_that_gives_the_least_is_proposed() -> None:
    wide = replace(CLERKS, name="A", user_external_credential=READ)
    org = Org.of(wide, CLERKS)
    assert least(org, lambda s: bool(s.principals)) == CLERKS
    assert least(org, lambda s: s.name == "Nowhere") is None
