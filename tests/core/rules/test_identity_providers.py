"""External auth identity providers: what they hold, what an external credential takes over, and what is refused."""

from dataclasses import replace

import pytest

from callout.core.model.credentials import ExternalCredential, Principal, PrincipalType, UserExternalCredentialKey
from callout.core.model.identity_providers import ExternalAuthIdentityProvider, provider_of_key
from callout.core.model.org import Org
from callout.core.model.sources import parameters_of, rows_of
from callout.core.protocols import CATALOGUE
from callout.core.refresh.epoch import fingerprint_of, lineage_of
from callout.core.rules import problems_of

PROVIDER = ExternalAuthIdentityProvider(
    "Id",
    {
        "authorization_endpoint": "https://id.example.com/authorize",
        "token_endpoint": "https://id.example.com/token",
        "scope": "of the provider",
    },
)
SERVICE = Principal("Service")
DESK = ExternalCredential(
    "Desk",
    "oauth2_authorization_code",
    {"identity_provider": "Id", "scope": "of the credential"},
    principals=(SERVICE,),
)
KEY = UserExternalCredentialKey("Desk", "Service")


def problems(*definitions) -> dict[str, str]:
    return {p.place: f"got {p.got}; expected {p.expected}" for p in problems_of(Org.of(*definitions), CATALOGUE)}


def test_what_a_credential_lacks_its_provider_gives() -> None:
    assert problems(PROVIDER, DESK) == {}
    assert "external_credentials.Desk.parameters" in problems(replace(PROVIDER, parameters={}), DESK)


def test_the_principals_value_wins_over_the_credentials_and_that_over_the_providers() -> None:
    org = Org.of(PROVIDER, DESK)
    assert parameters_of(org, DESK, SERVICE)["scope"] == "of the credential"
    assert parameters_of(org, DESK, Principal("Service", parameters={"scope": "own"}))["scope"] == "own"
    bare = replace(DESK, parameters={"identity_provider": "Id"})
    assert parameters_of(org, bare, SERVICE)["scope"] == "of the provider"


def test_the_secrets_of_the_provider_stand_below_those_of_the_principal() -> None:
    org = Org.of(PROVIDER, DESK)
    assert [str(row) for row in rows_of(org, DESK, SERVICE, KEY)] == ["identity_provider:Id/client", "Desk/Service"]
    assert [provider_of_key(row) for row in rows_of(org, DESK, SERVICE, KEY)] == ["Id", None]


def test_a_provider_that_is_not_defined_is_named_with_the_nearest() -> None:
    found = problems_of(Org.of(PROVIDER, replace(DESK, parameters={"identity_provider": "Ids"})), CATALOGUE)
    assert [(p.place, p.nearest) for p in found if "identity_provider" in p.place] == [
        ("external_credentials.Desk.parameters.identity_provider", "Id")
    ]


def test_a_provider_that_goes_makes_its_credentials_wrong() -> None:
    changed = {("external_auth_identity_providers", "Id")}
    assert problems_of(Org.of(DESK), CATALOGUE, changed) != ()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("client_secret", "x", "it under secrets"),
        ("client_id", "x", "it under secrets"),
        ("tokn_endpoint", "https://id.example.com/", "a parameter of the OAuth protocols"),
        ("identity_provider", "Other", "a parameter of the OAuth protocols"),
        ("token_endpoint", "ftp://id.example.com/", "https"),
        ("pkce", "plain", "one of S256, none"),
        ("authorization_request_parameters.state", "x", "another"),
        ("authorization_request_parameters", "x", "a parameter"),
        ("scope", "a\nb", "one line"),
    ],
)
def test_what_a_provider_cannot_be_told_is_refused(name: str, value: str, expected: str) -> None:
    wrong = replace(PROVIDER, parameters={**PROVIDER.parameters, name: value})
    assert expected in problems(wrong)[f"external_auth_identity_providers.Id.parameters.{name}"]


def test_a_private_address_of_a_provider_needs_a_credential_that_allows_it() -> None:
    private = replace(PROVIDER, parameters={**PROVIDER.parameters, "token_endpoint": "http://127.0.0.1:1/token"})
    (place,) = problems(private, DESK)
    assert place == "external_credentials.Desk.parameters.identity_provider Id.token_endpoint"
    assert problems(private, replace(DESK, allow_private_network=True)) == {}


def test_a_principal_has_no_provider_of_its_own() -> None:
    own = replace(DESK, principals=(Principal("Service", parameters={"identity_provider": "Id"}),))
    assert "external_credentials.Desk.principals.Service.parameters.identity_provider" in problems(PROVIDER, own)


def test_another_client_of_the_provider_or_another_connection_ends_the_lineage_and_a_new_secret_does_not() -> None:
    org = Org.of(PROVIDER, DESK)

    def lineage(**versions: int) -> str:
        return lineage_of(org, DESK, SERVICE, {"client_id": 1, "client_secret": 1, "connection": 1, **versions})

    assert lineage(client_secret=2) == lineage()
    assert lineage(client_id=2) != lineage()
    assert lineage(connection=2) != lineage()


def test_every_write_to_the_provider_changes_the_fingerprint() -> None:
    def fingerprint(provider: ExternalAuthIdentityProvider, version: int) -> str:
        org = Org.of(provider, DESK, secret_versions={provider.key: version})
        return fingerprint_of(org, DESK, SERVICE, KEY)

    other = replace(PROVIDER, parameters={**PROVIDER.parameters, "token_endpoint": "https://other.example/token"})
    assert len({fingerprint(PROVIDER, 1), fingerprint(PROVIDER, 2), fingerprint(other, 1)}) == 3


def test_a_per_user_principal_may_use_a_provider_too() -> None:
    assert problems(PROVIDER, replace(DESK, principals=(Principal("User", PrincipalType.PER_USER),))) == {}
