from callout.core.model.people import (
    GUEST,
    INCLUDES_READ,
    STANDARD_PERMISSION_SETS,
    STANDARD_PROFILES,
    Caller,
    ObjectPermission,
)

PROFILES = {profile.name: profile for profile in STANDARD_PROFILES}


def test_a_caller_that_proved_nothing_is_the_guest() -> None:
    assert Caller(GUEST).is_guest
    assert not Caller("alice").is_guest


def test_a_caller_is_shown_with_the_package_whose_code_calls() -> None:
    assert str(Caller("alice")) == "alice"
    assert str(Caller("alice", "acme")) == "alice (package acme)"


def test_every_permission_but_create_and_delete_includes_read() -> None:
    assert set(ObjectPermission) - INCLUDES_READ == {ObjectPermission.CREATE, ObjectPermission.DELETE}


def test_the_standard_profiles_read_user_external_credentials_and_the_guest_user_does_not() -> None:
    reading = {name for name, profile in PROFILES.items() if profile.user_external_credential & INCLUDES_READ}
    assert reading == {"System Administrator", "Standard User", "Minimum Access"}
    assert PROFILES["Guest User"].user_external_credential == frozenset()


def test_no_standard_profile_has_a_principal_and_one_administers() -> None:
    assert all(profile.standard and not profile.principals for profile in STANDARD_PROFILES)
    assert [p.name for p in STANDARD_PROFILES if p.admin_permissions] == ["System Administrator"]


def test_the_standard_permission_sets_read_user_external_credentials() -> None:
    assert STANDARD_PERMISSION_SETS
    assert all(s.standard and s.user_external_credential & INCLUDES_READ for s in STANDARD_PERMISSION_SETS)
