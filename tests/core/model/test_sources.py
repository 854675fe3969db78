from callout.core.model.credentials import ExternalCredential, Principal, UserExternalCredentialKey
from callout.core.model.org import Org
from callout.core.model.own_certificates import Certificate
from callout.core.model.sources import certificates_of, parameters_of, rows_of

SERVICE = Principal("Service", parameters={"scope": "b", "signing_certificate": "Own"})
HUB = ExternalCredential("Hub", "jwt", {"scope": "a", "signing_certificate": "Hub", "audience": "x"})
KEY = UserExternalCredentialKey("Hub", "Service")


def test_the_parameters_of_a_principal_win() -> None:
    assert parameters_of(Org.of(), HUB, SERVICE) == {"scope": "b", "signing_certificate": "Own", "audience": "x"}


def test_the_values_are_those_of_its_own_row() -> None:
    assert rows_of(Org.of(), HUB, SERVICE, KEY) == (KEY,)


def test_the_certificates_are_those_that_parameters_in_force_name() -> None:
    org = Org.of(Certificate("Own"), Certificate("Hub"))
    assert certificates_of(org, HUB, SERVICE) == {"signing_certificate": org.certificates["Own"]}
    assert certificates_of(org, HUB, Principal("Other")) == {"signing_certificate": org.certificates["Hub"]}
    assert certificates_of(Org.of(), HUB, SERVICE) == {}
