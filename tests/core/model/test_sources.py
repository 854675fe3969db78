"""What the values of a principal are made of."""

from callout.core.model.credentials import ExternalCredential, Principal, UserExternalCredentialKey
from callout.core.model.org import Org
from callout.core.model.sources import parameters_of, rows_of

SERVICE = Principal("Service", parameters={"scope": "own"})
HUB = ExternalCredential("Hub", "oauth2_client_credentials", {"scope": "all", "resource": "x"}, principals=(SERVICE,))


def test_the_principals_parameters_win() -> None:
    assert parameters_of(Org.of(HUB), HUB, SERVICE) == {"scope": "own", "resource": "x"}


def test_a_principals_own_row_is_the_last_one() -> None:
    key = UserExternalCredentialKey("Hub", "Service", "alice")
    assert rows_of(Org.of(HUB), HUB, SERVICE, key)[-1] == key
