"""External credentials: each protocol and variant that is here, and what of them is refused with its place."""

import pytest

from callout.core.model.credentials import ExternalCredential, NamedCredential, PrincipalType
from tests.engine.importers.salesforce.shapes import (
    TOKEN_ENDPOINT,
    client_credentials,
    commands_of,
    definition_of,
    entry_of,
    external,
    imported_from,
    named,
    parameter,
    principal,
    variant,
)


def external_of(*files) -> ExternalCredential:
    imported = imported_from(*files)
    return next(d for d in imported.definitions if isinstance(d, ExternalCredential))


def refusal_of(*files) -> str:
    entry = entry_of(imported_from(*files), "E", "external credential")
    assert entry.outcome == "refused"
    return "\n".join(entry.reasons)


@pytest.mark.parametrize(
    ("how", "client_authentication"),
    [
        ("ClientCredentialsClientSecretBasic", "client_secret_basic"),
        ("ClientCredentialsClientSecret", "client_secret_post"),
    ],
)
def test_both_variants_of_client_credentials_become_one_protocol(how: str, client_authentication: str) -> None:
    imported = imported_from(client_credentials("E", parameter("AuthParameter", "Scope", "orders.read"), how=how))
    made = definition_of(imported, ExternalCredential, "E")
    assert made.protocol == "oauth2_client_credentials"
    assert made.parameters == {
        "client_authentication": client_authentication,
        "token_endpoint": "https://id.example.com/token",
        "scope": "orders.read",
    }
    entry = entry_of(imported, "E")
    assert (entry.protocol, entry.outcome) == (f"Oauth/{how}", "imported, to be completed")
    assert commands_of(entry) == ["callout secret set E/Service client_id=- client_secret=-"]


def test_basic_keeps_named_and_per_user_principals_by_sequence() -> None:
    rows = principal("Each Clerk", 2, "PerUserPrincipal"), principal("Night-Shift", 1)
    imported = imported_from(external("E", "Basic", *rows))
    made = definition_of(imported, ExternalCredential, "E")
    assert made.protocol == "basic"
    assert [(p.name, p.type, p.sequence) for p in made.principals] == [
        ("Night-Shift", PrincipalType.NAMED, 1),
        ("Each Clerk", PrincipalType.PER_USER, 2),
    ]
    assert commands_of(entry_of(imported, "E")) == [
        "callout secret set E/Night-Shift password=- username=-",
        "callout secret set 'E/Each Clerk' password=- username=- --user USER",
    ]


def test_custom_headers_keep_their_order_and_their_names_become_secrets() -> None:
    rows = (
        parameter("AuthHeader", "Accept", "application/json", sequenceNumber="3"),
        parameter("AuthHeader", "X-Api-Key", "{!'k ' + $Credential.E.ApiKey}", sequenceNumber="1"),
        parameter("AuthHeader", "X-Account", "a-{!$Credential.E.Account}", sequenceNumber="2"),
    )
    imported = imported_from(external("E", "Custom", principal("Desk"), *rows))
    made = definition_of(imported, ExternalCredential, "E")
    assert made.protocol == "custom"
    assert [h.name for h in made.headers] == ["X-Api-Key", "X-Account", "Accept"]
    assert commands_of(entry_of(imported, "E")) == ["callout secret set E/Desk Account=- ApiKey=-"]


def test_a_name_that_only_a_named_credentials_header_reads_is_asked_for_too() -> None:
    row = parameter("HttpHeader", "X-Tenant", "{!$Credential.E.Tenant}", sequenceNumber="1")
    imported = imported_from(client_credentials("E"), named("N", row, uses="E"))
    assert commands_of(entry_of(imported, "E")) == ["callout secret set E/Service Tenant=- client_id=- client_secret=-"]


def test_no_authentication_needs_nothing_by_hand() -> None:
    rows = variant("NoAuthentication", "Custom"), principal("Billing System Principal")
    imported = imported_from(external("E", "Custom", *rows))
    entry = entry_of(imported, "E")
    assert definition_of(imported, ExternalCredential, "E").protocol == "none"
    assert (entry.outcome, entry.protocol, entry.by_hand) == ("imported", "Custom/NoAuthentication", ())


def test_a_scope_in_the_group_of_a_principal_is_that_principals() -> None:
    rows = (
        parameter("AuthParameter", "Scope", "read", parameterGroup="DefaultGroup"),
        parameter("AuthParameter", "Scope", "read write", parameterGroup="Service"),
    )
    made = external_of(client_credentials("E", *rows))
    assert made.parameters["scope"] == "read"
    assert made.principals[0].parameters == {"scope": "read write"}


def test_a_group_that_no_principal_has_is_refused_with_the_nearest() -> None:
    row = parameter("AuthParameter", "Scope", "read", parameterGroup="Servcie")
    assert "got group 'Servcie'" in (said := refusal_of(client_credentials("E", row)))
    assert "did you mean 'Service'" in said


@pytest.mark.parametrize(
    ("values", "codes"),
    [(["400"], (400,)), (["400, 601"], (400, 601)), (["400", "601,712"], (400, 601, 712)), (["401,400,400"], (400,))],
    ids=["one", "a list", "both", "401 and twice"],
)
def test_refresh_codes_come_in_rows_in_lists_or_both(values: list[str], codes: tuple[int, ...]) -> None:
    rows = [parameter("AdditionalRefreshStatusCode", f"Code{i}", value) for i, value in enumerate(values)]
    assert external_of(client_credentials("E", *rows)).additional_status_codes == codes


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("500", "external system's own failure"),
        ("200", "does not refuse anything"),
        ("99", "three digits"),
        ("4OO", "HTTP status codes"),
    ],
)
def test_a_refresh_code_that_cannot_be_one_is_refused_at_its_line(value: str, why: str) -> None:
    said = refusal_of(client_credentials("E", parameter("AdditionalRefreshStatusCode", "Code", value)))
    assert why in said
    assert "E.externalCredential-meta.xml:8: ExternalCredential.AdditionalRefreshStatusCode" in said


@pytest.mark.parametrize(
    ("protocol", "why"),
    [("JwtExchange", "External credentials have no JwtExchange in Salesforce either"), ("Password", "Password serves")],
)
def test_a_protocol_that_is_not_here_is_refused_and_so_is_who_depends_on_it(protocol: str, why: str) -> None:
    imported = imported_from(external("E", protocol, principal()), named("N", uses="E"))
    assert imported.definitions == ()
    assert entry_of(imported, "E").reasons[0].startswith(why)
    assert entry_of(imported, "N").reasons[0].startswith(f"its external credential E is refused: {why}")


def test_a_variant_of_another_protocol_is_refused() -> None:
    said = refusal_of(external("E", "Basic", variant("JwtBearer", "Basic"), principal()))
    assert said.startswith("protocol Basic/JwtBearer is not available in this version; available: none, basic")


def test_client_credentials_without_a_token_endpoint_are_refused() -> None:
    said = refusal_of(external("E", "Oauth", variant("ClientCredentialsClientSecret"), principal()))
    assert "got no token_endpoint" in said


def test_a_token_endpoint_in_clear_text_http_is_refused_at_its_line() -> None:
    row = parameter("AuthProviderUrl", "AuthProviderUrl", "http://id.example.com/token")
    said = refusal_of(external("E", "Oauth", variant("ClientCredentialsClientSecret"), row, principal()))
    assert "meta.xml:6: ExternalCredential.AuthProviderUrl.parameterValue: got 'http://id.example.com/token'" in said


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("{!FROBNICATE($Credential.E.Key)}", "FROBNICATE"),
        ("{!$Credential.E.Key", "a formula that is not closed, at column 1"),
        ("{!$Credential.Other.Key}", "got $Credential.Other.Key"),
    ],
    ids=["unknown function", "not closed", "another external credential"],
)
def test_a_formula_that_cannot_be_used_is_refused_with_its_position(value: str, why: str) -> None:
    said = refusal_of(external("E", "Custom", principal(), parameter("AuthHeader", "X-Key", value)))
    assert why in said
    assert "meta.xml:6: ExternalCredential.AuthHeader.X-Key.parameterValue" in said


@pytest.mark.parametrize("name", ["E.OAuthToken", "E.AccessToken", "OAuthToken"])
def test_a_formula_reads_the_access_token(name: str) -> None:
    row = parameter("AuthHeader", "X-Token", f"{{!$Credential.{name}}}")
    imported = imported_from(client_credentials("E", row))
    assert definition_of(imported, ExternalCredential, "E").headers[0].value == f"{{!$Credential.{name}}}"


def test_a_formula_cannot_read_a_refresh_token() -> None:
    row = parameter("AuthHeader", "X-Token", "{!$Credential.E.RefreshToken}")
    assert "the token RefreshToken in a formula" in refusal_of(client_credentials("E", row))


def test_an_own_authorization_header_beside_the_generated_one_is_refused() -> None:
    row = parameter("AuthHeader", "Authorization", "Token {!$Credential.E.Key}")
    said = refusal_of(client_credentials("E", row), named("N", uses="E"))
    assert "a custom Authorization header" in said


def test_a_custom_credential_without_headers_is_to_be_completed() -> None:
    imported = imported_from(external("E", "Custom", principal("Desk_uXd", principal="Apex_Agents")))
    entry = entry_of(imported, "E")
    assert entry.outcome == "imported, to be completed"
    assert "permission set 'Apex_Agents' had it" in entry.by_hand[0].what
    assert "define the headers that authenticate" in entry.by_hand[1].what


def test_a_custom_parameters_name_is_asked_for_and_its_value_stays_in_the_file() -> None:
    row = parameter("AuthParameter", "ApiKey", "canary-5417", parameterGroup="Service")
    imported = imported_from(external("E", "Custom", principal(), row))
    assert commands_of(entry_of(imported, "E"))[0] == "callout secret set E/Service ApiKey=-"
    assert "has its value in clear" in entry_of(imported, "E").notes[0]
    assert "canary-5417" not in repr(imported)


def test_a_telling_header_without_a_formula_is_pointed_out() -> None:
    imported = imported_from(external("E", "Custom", principal(), parameter("AuthHeader", "X-Api-Key", "abc")))
    assert "header X-Api-Key has no formula" in entry_of(imported, "E").notes[0]


def test_what_salesforce_keeps_for_itself_is_counted_and_left_out() -> None:
    imported = imported_from(client_credentials("E", parameter("ManagedByFeature", "ManagedByFeature", "x")))
    assert entry_of(imported, "E").ignored == 1
    assert entry_of(imported, "E").outcome == "imported, to be completed"


def test_a_packaged_credential_keeps_its_namespace_and_its_maker() -> None:
    imported = imported_from(client_credentials("acme__E"), named("acme__N", uses="acme__E"))
    assert definition_of(imported, ExternalCredential, "acme__E").created_by_namespace == "acme"
    assert definition_of(imported, NamedCredential, "acme__N").created_by_namespace == "acme"


def test_extra_query_parameters_for_the_token_endpoint_are_refused() -> None:
    row = parameter("AuthProviderUrlQueryParameter", "AwsExternalId", "x")
    assert "it is for AWS STS only" in refusal_of(client_credentials("E", row))


@pytest.mark.parametrize(
    ("rows", "got", "nearest"),
    [
        ((parameter("AuthHeadr", "X", "y"),), "got 'AuthHeadr'", "AuthHeader"),
        ((parameter("AuthParameter", "Scpoe", "y"),), "parameter 'Scpoe'", "Scope"),
        (
            (variant("ClientCredentialsClientSecretBasics"),),
            "got 'ClientCredentialsClientSecretBasics'",
            "ClientCredentialsClientSecretBasic",
        ),
    ],
)
def test_an_invented_value_is_refused_with_the_nearest_real_one(rows, got: str, nearest: str) -> None:
    has_variant = any(row["parameterType"] == "AuthProtocolVariant" for row in rows)
    given = rows if has_variant else (variant("ClientCredentialsClientSecret"), *rows)
    said = refusal_of(external("E", "Oauth", TOKEN_ENDPOINT, principal(), *given))
    assert got in said
    assert f"did you mean {nearest!r}?" in said


def test_an_invented_element_is_refused_with_what_there_is() -> None:
    said = refusal_of(external("E", "Basic", principal(), extra=(("principals", {"principalName": "P"}),)))
    assert "meta.xml:5: ExternalCredential: got element <principals>" in said
    assert "externalCredentialParameters" in said


def test_a_placeholder_is_refused_once_with_its_line() -> None:
    said = refusal_of(external("E", "Basic", principal(), label="{{CredentialLabel}}"))
    assert said.endswith(
        "meta.xml:4: ExternalCredential.label: got the placeholder '{{CredentialLabel}}'; expected a value in its place"
    )


def test_every_problem_of_a_file_is_told_at_once() -> None:
    rows = parameter("AuthHeadr", "X", "y"), parameter("AdditionalRefreshStatusCode", "Code", "500")
    assert len(refusal_of(client_credentials("E", *rows)).splitlines()) == 2
