"""Certificates have names that can stand in a command, and what names one that is not there is refused."""

from dataclasses import replace

from callout.core.model.credentials import ExternalCredential, Principal
from callout.core.model.org import Org
from callout.core.model.own_certificates import Certificate
from callout.core.protocol import AuthenticationProtocol, Parameter
from callout.core.rules import problems_of


class Signing(AuthenticationProtocol):
    name = "signing"
    title = "Signs"
    parameters = (Parameter("signing_certificate", "Signs", key_pair=True), Parameter("scope", "S", required=False))

    def apply(self, request, token, moment):
        return request


CATALOGUE = {"signing": Signing}
HUB = ExternalCredential("Hub", "signing", {"signing_certificate": "Hub_Key"}, principals=(Principal("Service"),))


def problems(*definitions, changed=None) -> list[tuple[str, str | None]]:
    return [(p.place, p.nearest) for p in problems_of(Org.of(*definitions), CATALOGUE, changed)]


def test_a_name_is_a_developer_name() -> None:
    assert problems(Certificate("Hub_Key")) == []
    assert problems(Certificate("hub key")) == [("certificates.hub key", None)]


def test_a_parameter_names_a_certificate_that_is_there() -> None:
    assert problems(HUB, Certificate("Hub_Key")) == []


def test_one_that_is_not_there_is_refused_with_the_place_and_the_nearest() -> None:
    place = "external_credentials.Hub.parameters.signing_certificate"
    assert problems(HUB, Certificate("Hub_Keys")) == [(place, "Hub_Keys")]


def test_so_is_that_of_a_principal() -> None:
    own = replace(HUB, principals=(Principal("Service", parameters={"signing_certificate": "Other"}),))
    place = "external_credentials.Hub.principals.Service.parameters.signing_certificate"
    assert problems(own, Certificate("Hub_Key")) == [(place, None)]


def test_one_that_is_in_use_cannot_go() -> None:
    place = "external_credentials.Hub.parameters.signing_certificate"
    assert problems(HUB, changed={("certificates", "Hub_Key")}) == [(place, None)]


def test_a_parameter_that_only_looks_like_one_is_left_alone() -> None:
    other = replace(HUB, parameters={**HUB.parameters, "scope": "Nobody"})
    assert problems(other, Certificate("Hub_Key")) == []


def test_a_kid_names_one_key_alone() -> None:
    one, other = Certificate("One", kid="k", public_key="{1}"), Certificate("Other", kid="k", public_key="{2}")
    assert problems(one, replace(other, public_key="{1}")) == []
    assert problems(one, replace(other, kid="l")) == []
    assert [place for place, _ in problems(one, other)] == ["certificates.One.kid", "certificates.Other.kid"]
    assert problems(Certificate("One"), Certificate("Other")) == []
