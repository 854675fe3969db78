"""Three-way: the old default, what the admin made of it, the new default."""

from dataclasses import replace

from callout.core.model.credentials import CustomHeader, ExternalCredential, NamedCredential, Principal
from callout.core.model.org import Org
from callout.core.model.people import Package
from callout.engine.overrides import merged, overrides

BASE = NamedCredential("N", "https://one.example", "E", headers=(CustomHeader("A", "1"),))
EXTERNAL = ExternalCredential(
    "E", "basic", parameters={"a": "1", "b": "1"}, principals=(Principal("P"), Principal("Q"))
)


def test_a_field_that_the_admin_left_alone_follows_the_package() -> None:
    new = replace(BASE, url="https://two.example")
    assert merged(BASE, BASE, new) == new
    assert merged(BASE, replace(BASE, label="mine"), new) == replace(new, label="mine")


def test_a_field_that_the_admin_changed_stays() -> None:
    local = replace(BASE, url="https://mine.example", headers=(), enabled_for_callouts=False)
    new = replace(BASE, url="https://two.example", headers=(CustomHeader("A", "2"),))
    assert merged(BASE, local, new) == local


def test_parameters_and_principals_are_merged_one_by_one() -> None:
    local = replace(
        EXTERNAL,
        parameters={"a": "mine", "b": "1", "c": "mine"},
        principals=(Principal("P", sequence=7), Principal("R")),
    )
    new = replace(EXTERNAL, parameters={"a": "2", "d": "2"}, principals=(Principal("P", parameters={"x": "2"}),))
    found = merged(EXTERNAL, local, new)
    assert found.parameters == {"a": "mine", "d": "2", "c": "mine"}
    assert found.principals == (Principal("P", sequence=7, parameters={"x": "2"}), Principal("R"))


def test_an_override_is_shown_with_both_values() -> None:
    package = Package("acme", named_credentials=(BASE,))
    local = replace(BASE, url="https://mine.example", created_by_namespace="acme")
    org = Org.of(package, local)
    assert overrides(org, package) == [
        {"place": "named_credentials.N.url", "package": "https://one.example", "local": "https://mine.example"}
    ]
    assert overrides(Org.of(package, replace(local, created_by_namespace=None)), package) == []
