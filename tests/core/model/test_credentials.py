import dataclasses

import pytest

from callout.core.model.credentials import (
    ExternalCredential,
    NamedCredential,
    Principal,
    PrincipalReference,
    PrincipalType,
    UserExternalCredentialKey,
)


def test_a_principal_is_found_by_its_name_letter_for_letter() -> None:
    external = ExternalCredential("Orders", "basic", principals=(Principal("A"), Principal("B", sequence=2)))
    assert external.principal("B") == Principal("B", sequence=2)
    assert external.principal("b") is None


def test_a_principal_is_named_and_first_unless_said() -> None:
    assert (Principal("A").type, Principal("A").sequence) == (PrincipalType.NAMED, 1)


def test_a_named_credential_is_enabled_for_its_admin_and_open_to_no_package_unless_said() -> None:
    named = NamedCredential("Orders", "https://orders.example", "Orders")
    assert named.enabled_for_callouts
    assert named.allowed_namespaces == ()
    assert not named.allow_private_network
    assert named.generate_authorization_header


def test_references_are_written_with_a_slash() -> None:
    assert str(PrincipalReference("Orders", "Service")) == "Orders/Service"
    assert str(UserExternalCredentialKey("Orders", "Service")) == "Orders/Service"
    assert str(UserExternalCredentialKey("Orders", "Mine", "alice")) == "Orders/Mine@alice"


@pytest.mark.parametrize("noun", [NamedCredential("a", "b", "c"), ExternalCredential("a", "b"), Principal("a")])
def test_the_nouns_are_frozen(noun: object) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        noun.name = "other"  # type: ignore[attr-defined]
