"""Parameters whose form is declared: judged where they are defined."""

import pytest

from callout.core.model.credentials import ExternalCredential, Principal
from callout.core.protocols import CATALOGUE
from callout.core.rules.external_credentials import external_credential_problems


def places(protocol: str, **parameters: str) -> list[str]:
    external = ExternalCredential("Shop", protocol, parameters, principals=(Principal("Own"),))
    return [problem.place.rpartition(".")[2] for problem in external_credential_problems(external, CATALOGUE, ())]


@pytest.mark.parametrize(
    "components",
    ["@method", "@path date", '"@query-param";name="Pet" x-request-id', '"content-digest";key="sha-256" "date";bs'],
)
def test_components_that_rfc_9421_has_are_accepted(components: str) -> None:
    assert places("http_message_signatures", algorithm="hmac-sha256", covered_components=components) == []


@pytest.mark.parametrize("components", ["@methods", "Date", "@method,@path", "@method  @path", '"date', "@status"])
def test_others_are_refused(components: str) -> None:
    found = places("http_message_signatures", algorithm="hmac-sha256", covered_components=components)
    assert found == ["covered_components"]


@pytest.mark.parametrize(
    ("protocol", "name", "value"),
    [
        ("http_message_signatures", "expires_in", "0"),
        ("http_message_signatures", "expires_in", "5m"),
        ("http_message_signatures", "label", "Sig"),
        ("http_message_signatures", "tag", "ü"),
        ("jwt", "prefix", "Bearer "),
        ("github_app", "repository", "octo-org"),
        ("github_app", "api_version", "latest"),
    ],
)
def test_a_value_of_another_form_is_refused_at_its_place(protocol: str, name: str, value: str) -> None:
    assert name in places(protocol, **{name: value})
