"""Principals per protocol: every type that Salesforce has for one, Callout has, too (docs/signing.md says what is more)."""

import pytest

from callout.core.model.credentials import PrincipalType
from callout.core.protocols import ALL, CATALOGUE

NAMED, PER_USER, ANONYMOUS = PrincipalType.NAMED, PrincipalType.PER_USER, PrincipalType.ANONYMOUS
#: Salesforce Help, *Authentication protocols for named credentials*.
SALESFORCE = {
    "oauth2_authorization_code": {NAMED, PER_USER},
    "oauth2_client_credentials": {NAMED},
    "oauth2_jwt_bearer": {NAMED, PER_USER},
    "jwt": {NAMED, PER_USER},
    "basic": {NAMED, PER_USER},
    "custom": {NAMED},
    "none": {NAMED},
    "aws_sigv4": {NAMED},
    "aws_sts": {NAMED},
    "aws_roles_anywhere": {NAMED},
}


@pytest.mark.parametrize("protocol", SALESFORCE)
def test_a_protocol_has_the_principals_that_it_has_in_salesforce(protocol: str) -> None:
    assert SALESFORCE[protocol] <= set(CATALOGUE[protocol].principal_types)


def test_only_what_authenticates_nobody_is_anonymous() -> None:
    assert [kind.name for kind in ALL if ANONYMOUS in kind.principal_types] == ["none"]
