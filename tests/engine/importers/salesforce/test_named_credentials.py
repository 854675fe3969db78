"""Named credentials of today's kind."""

import pytest

from callout.core.model.credentials import CustomHeader, NamedCredential
from callout.core.model.own_certificates import Certificate
from tests.engine.importers.salesforce.shapes import (
    client_credentials,
    commands_of,
    definition_of,
    document,
    entry_of,
    imported_from,
    named,
    no_authentication,
    parameter,
)


def made_of(*rows, **more) -> NamedCredential:
    return definition_of(imported_from(no_authentication(), named("N", *rows, **more)), NamedCredential, "N")


def refusal_of(*rows, **more) -> str:
    entry = entry_of(imported_from(no_authentication(), named("N", *rows, **more)), "N")
    assert entry.outcome == "refused"
    return "\n".join(entry.reasons)


def test_url_external_credential_label_and_options_are_kept() -> None:
    extra = (
        ("description", "Orders of the shop"),
        ("generateAuthorizationHeader", "false"),
        ("calloutStatus", "Disabled"),
    )
    made = made_of(extra=extra)
    assert (made.url, made.external_credential) == ("https://orders.example.com/v2", "Open")
    assert (made.label, made.description) == ("A label", "Orders of the shop")
    assert not made.generate_authorization_header
    assert not made.enabled_for_callouts


def test_options_that_older_files_lack_are_on() -> None:
    made = made_of()
    assert made.generate_authorization_header
    assert made.enabled_for_callouts


def test_the_names_of_the_url_and_authentication_parameters_are_free() -> None:
    rows = (
        parameter("Url", "DefaultEndpoint", "https://orders.example.com"),
        parameter("Authentication", "DefaultAuth", externalCredential="Open"),
    )
    items = [
        ("namedCredentialType", "SecuredEndpoint"),
        *[("namedCredentialParameters", row) for row in rows],
    ]
    imported = imported_from(no_authentication(), ("N.namedCredential", document("NamedCredential", *items)))
    assert definition_of(imported, NamedCredential, "N").url == "https://orders.example.com"


def test_headers_are_sent_by_sequence_number_with_duplicates() -> None:
    rows = (
        parameter("HttpHeader", "X-Last", "no number"),
        parameter("HttpHeader", "X-Two", "2", sequenceNumber="20"),
        parameter("HttpHeader", "X-One", "1", sequenceNumber="3"),
        parameter("HttpHeader", "X-Two", "2b", sequenceNumber="20"),
    )
    assert made_of(*rows).headers == (
        CustomHeader("X-One", "1"),
        CustomHeader("X-Two", "2"),
        CustomHeader("X-Two", "2b"),
        CustomHeader("X-Last", "no number"),
    )


@pytest.mark.parametrize("values", [["acme", "northwind"], ["acme,northwind"], ["acme, northwind", "acme"]])
def test_namespaces_come_in_rows_in_lists_or_both(values: list[str]) -> None:
    rows = [parameter("AllowedManagedPackageNamespaces", f"A{i}", value) for i, value in enumerate(values)]
    imported = imported_from(no_authentication(), named("N", *rows))
    assert definition_of(imported, NamedCredential, "N").allowed_namespaces == ("acme", "northwind")
    assert commands_of(entry_of(imported, "N")) == ["callout package install acme", "callout package install northwind"]


def test_a_client_certificate_is_to_be_supplied_by_hand() -> None:
    row = parameter("ClientCertificate", "DefaultCert", certificate="Orders_Client")
    imported = imported_from(no_authentication(), named("N", row), named("M", row))
    entry = entry_of(imported, "N")
    assert entry.outcome == "imported, to be completed"
    assert "client certificate 'Orders_Client' is not in metadata" in entry.by_hand[0].what
    assert commands_of(entry) == ["callout certificate import Orders_Client FILE"]
    assert definition_of(imported, NamedCredential, "N").client_certificate == "Orders_Client"
    assert [each for each in imported.definitions if isinstance(each, Certificate)] == [Certificate("Orders_Client")]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (("My Cert",), "ClientCertificate: got 'My Cert'; expected the name of one"),
        (("Orders_Client", "Stock_Client"), "got a second client certificate; expected one"),
    ],
)
def test_a_client_certificate_that_cannot_be_one_is_refused(rows, why: str) -> None:
    given = [parameter("ClientCertificate", "C", certificate=name) for name in rows]
    assert why in entry_of(imported_from(no_authentication(), named("N", *given)), "N").reasons[0]


def test_a_client_certificate_row_without_a_name_is_told_of() -> None:
    imported = imported_from(no_authentication(), named("N", parameter("ClientCertificate", "C")))
    assert "ClientCertificate, line 7, was left out: it names none" in entry_of(imported, "N").notes


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://orders.example.com", "expected https://"),
        ("https://{!$Credential.Open.Host}/v2", "got a merge field"),
        ("https://orders.example.com/{!$Credential.Open.Tenant}", "got a merge field"),
        ("https://orders.example.com?tenant=1", "a URL without a query"),
        ("https://10.0.0.7/v2", "a public host"),
        ("https://localhost/v2", "a public host"),
        ("https://169.254.169.254/latest", "a public host"),
        ("ftp://orders.example.com", "https://"),
        ("arn:aws:eu-west-1:1234", "https://"),
        ("", "an absolute URL"),
    ],
)
def test_a_url_that_no_credential_may_point_to_is_refused_at_its_line(url: str, why: str) -> None:
    said = refusal_of(url=url)
    assert why in said
    assert "N.namedCredential-meta.xml:5: NamedCredential.Url" in said


def test_a_url_with_a_password_is_refused_and_the_password_not_shown() -> None:
    said = refusal_of(url="https://ann:canary-9@orders.example.com")
    assert "user-info" in said
    assert "canary-9" not in said


def test_a_template_url_is_told_once_as_a_placeholder() -> None:
    assert refusal_of(url="{{BaseEndpoint}}").count("BaseEndpoint") == 1


def test_merge_fields_of_the_calling_program_are_told_of() -> None:
    extra = (("allowMergeFieldsInHeader", "true"), ("allowMergeFieldsInBody", "true"))
    entry = entry_of(imported_from(no_authentication(), named("N", extra=extra)), "N")
    assert entry.outcome == "imported"
    assert [note.split(" ")[0] for note in entry.notes] == ["allowMergeFieldsInHeader", "allowMergeFieldsInBody"]
    assert "call BASE64DECODE, BASE64ENCODE, BLOB, HASH, HEX, HMAC, URLENCODE:" in entry.notes[0]
    assert "call HTMLENCODE:" in entry.notes[1]


@pytest.mark.parametrize(
    ("tag", "field"),
    [
        ("allowMergeFieldsInHeader", "allow_merge_fields_in_header"),
        ("allowMergeFieldsInBody", "allow_merge_fields_in_body"),
    ],
)
def test_merge_fields_of_the_calling_program_are_allowed_as_there(tag: str, field: str) -> None:
    for said, allowed in (("true", True), ("false", False)):
        imported = imported_from(no_authentication(), named("N", extra=((tag, said),)))
        assert getattr(definition_of(imported, NamedCredential, "N"), field) is allowed
    default = definition_of(imported_from(no_authentication(), named("N")), NamedCredential, "N")
    assert getattr(default, field) is False


@pytest.mark.parametrize("kind", ["PrivateEndpoint", "Standard"])
def test_other_types_are_not_available(kind: str) -> None:
    items = [("namedCredentialType", kind)]
    imported = imported_from(("N.namedCredential", document("NamedCredential", *items)))
    assert entry_of(imported, "N").reasons[0].startswith(f"namedCredentialType {kind} is not available")


def test_a_private_connection_is_refused() -> None:
    row = parameter("OutboundNetworkConnection", "Link", outboundNetworkConnection="Link")
    assert "private connections are not available" in refusal_of(row)


def test_an_external_credential_that_is_not_in_the_project_is_named_with_the_nearest() -> None:
    assert "'Opne' is not in the project; did you mean 'Open'?" in refusal_of(uses="Opne")


def test_two_urls_are_refused() -> None:
    assert "got 2 parameters of type Url; expected one" in refusal_of(parameter("Url", "Second", "https://b.example"))


def test_elements_of_a_legacy_credential_do_not_belong_in_a_modern_one() -> None:
    said = refusal_of(extra=(("endpoint", "https://b.example"),))
    assert "got element <endpoint>" in said


def test_a_header_of_the_connection_is_refused() -> None:
    said = refusal_of(parameter("HttpHeader", "Content-Length", "5"))
    assert "got 'Content-Length'" in said


def test_a_line_break_in_a_header_is_refused() -> None:
    assert "a line feed" in refusal_of(parameter("HttpHeader", "X-A", "one\ntwo"))


def test_a_value_that_is_neither_true_nor_false_is_refused_with_the_nearest() -> None:
    said = refusal_of(extra=(("allowMergeFieldsInBody", "ture"),))
    assert (
        "NamedCredential.allowMergeFieldsInBody: got 'ture'; expected one of true, false; did you mean 'true'?" in said
    )


def test_a_file_that_says_neither_kind_is_refused() -> None:
    imported = imported_from(("N.namedCredential", document("NamedCredential", ("label", "N"))))
    assert "no <namedCredentialType> and no <endpoint>" in entry_of(imported, "N").reasons[0]


@pytest.mark.parametrize("name", ["Two__Many__Parts", "Ends_", "with-hyphen", "1st"])
def test_a_name_that_salesforce_has_not_either_is_refused(name: str) -> None:
    entry = entry_of(imported_from(no_authentication(), named(name)), name)
    assert f"got name {name!r}" in entry.reasons[0]


def test_the_files_name_wins_over_another_one_inside() -> None:
    imported = imported_from(no_authentication(), named("N", extra=(("fullName", "Other"),)))
    assert "not its <fullName> 'Other'" in entry_of(imported, "N").notes[0]
    assert definition_of(imported, NamedCredential, "N")


def test_the_same_file_twice_is_imported_once() -> None:
    path, content = named("N")
    imported = imported_from(no_authentication(), (f"main/{path}", content), (f"test/{path}", content + b"<!-- -->"))
    outcomes = [(e.place, e.outcome) for e in imported.report if e.name == "N"]
    assert outcomes == [(f"main/{path}:2", "imported"), (f"test/{path}:2", "not needed")]
    assert imported.report[-1].reasons == (f"the same as main/{path}:2",)


def test_different_files_with_one_name_are_both_refused_with_both_places() -> None:
    one, other = named("N"), named("n", url="https://other.example.com")
    imported = imported_from(no_authentication(), one, other)
    refused = [e for e in imported.report if e.outcome == "refused"]
    assert len(refused) == 2
    for entry in refused:
        assert f"{one[0]}:2" in entry.reasons[0]
        assert f"{other[0]}:2" in entry.reasons[0]


def test_the_protocol_shown_is_that_of_its_external_credential() -> None:
    imported = imported_from(client_credentials("E"), named("N", uses="E"))
    assert entry_of(imported, "N").protocol == "Oauth/ClientCredentialsClientSecretBasic"
