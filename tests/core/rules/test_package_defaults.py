"""Rules over what the manifest of a package asks for, which an override may hide in the org itself."""

from dataclasses import replace

import pytest

from callout.core.model.credentials import ExternalCredential, NamedCredential, Principal
from callout.core.model.org import Org
from callout.core.model.people import Package
from callout.core.protocols import CATALOGUE
from callout.core.rules import problems_of

EXTERNAL = ExternalCredential("Partner", "basic", principals=(Principal("Service"),))
NAMED = NamedCredential("Partner", "https://partner.example", "Partner")
ACME = Package("acme", version="1.0", uses=("Orders",), external_credentials=(EXTERNAL,), named_credentials=(NAMED,))


def places(package: Package) -> list[str]:
    return [problem.place for problem in problems_of(Org.of(package), CATALOGUE)]


def test_a_package_may_ask_for_what_is_not_in_force() -> None:
    assert places(ACME) == []


@pytest.mark.parametrize(
    ("package", "place"),
    [
        (replace(ACME, version="1\n"), "packages.acme.version"),
        (replace(ACME, uses=("no name",)), "packages.acme.uses"),
        (
            replace(ACME, named_credentials=(replace(NAMED, url="http://partner.example"),)),
            "packages.acme.named_credentials.Partner.url",
        ),
        (
            replace(ACME, external_credentials=(replace(EXTERNAL, protocol="nothing"),)),
            "packages.acme.external_credentials.Partner.protocol",
        ),
        (
            replace(ACME, named_credentials=(replace(NAMED, name="zeta__N"),)),
            "packages.acme.named_credentials.zeta__N",
        ),
    ],
    ids=["version", "uses", "url", "protocol", "namespace"],
)
def test_what_a_package_asks_for_is_judged_under_its_own_place(package: Package, place: str) -> None:
    assert place in places(package)
