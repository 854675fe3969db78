"""Named credentials of the legacy kind: the authentication is in the file, and no grant was needed."""

import pytest

from callout.core.model.credentials import ExternalCredential, NamedCredential, PrincipalType
from tests.engine.importers.salesforce.shapes import (
    commands_of,
    definition_of,
    entry_of,
    imported_from,
    legacy,
    no_authentication,
)


def refusal_of(*files) -> str:
    entry = entry_of(imported_from(*files), "Old", "named credential")
    assert entry.outcome == "refused"
    return "\n".join(entry.reasons)


def test_no_authentication_becomes_an_anonymous_principal_that_must_now_be_granted() -> None:
    imported = imported_from(legacy("Old", "NoAuthentication", "Anonymous"))
    external = definition_of(imported, ExternalCredential, "Old")
    assert (external.protocol, external.principals[0].type) == ("none", PrincipalType.ANONYMOUS)
    assert definition_of(imported, NamedCredential, "Old").url == "https://old.example.com"
    entry = entry_of(imported, "Old")
    assert (entry.outcome, entry.protocol) == ("imported, to be completed", "NoAuthentication/Anonymous")
    (command,) = commands_of(entry)
    assert command.startswith("callout permission-set create 'Old Callers' --principal Old/Anonymous")
    assert command.endswith(" --user-external-credential read --assign USER")


@pytest.mark.parametrize(
    ("principal_type", "kind", "whose"),
    [("NamedUser", PrincipalType.NAMED, ""), ("PerUser", PrincipalType.PER_USER, " --user USER")],
)
def test_password_becomes_basic_and_its_values_are_asked_for(principal_type: str, kind, whose: str) -> None:
    imported = imported_from(legacy("Old", "Password", principal_type, ("username", "integration")))
    external = definition_of(imported, ExternalCredential, "Old")
    assert (external.protocol, [p.type for p in external.principals]) == ("basic", [kind])
    entry = entry_of(imported, "Old")
    assert f"callout secret set Old/{principal_type} password=- username=-{whose}" in commands_of(entry)
    assert "the user name in the file is 'integration'; set it with the password" in entry.notes


@pytest.mark.parametrize(
    ("protocol", "principal_type", "element"),
    [
        ("Password", "NamedUser", "password"),
        ("NoAuthentication", "NamedUser", "password"),
        ("Oauth", "NamedUser", "oauthToken"),
    ],
)
def test_a_secret_in_the_file_is_told_of_and_never_read(protocol: str, principal_type: str, element: str) -> None:
    imported = imported_from(legacy("Old", protocol, principal_type, (element, "canary-3141")))
    notes = entry_of(imported, "Old").notes
    assert any(f"in clear in <{element}>, line 7" in note for note in notes)
    assert "canary-3141" not in repr(imported)


CERTIFICATE = ("jwtSigningCertificate", "Signing")


@pytest.mark.parametrize(
    ("protocol", "principal_type", "extra", "why"),
    [
        ("Oauth", "NamedUser", (), "got no <authProvider>; expected an auth provider of this project"),
        ("Oauth", "NamedUser", (("authProvider", "P"),), "got 'P'; expected an auth provider of this project"),
        ("Jwt", "NamedUser", (), "jwtSigningCertificate: got no certificate; expected the name of one"),
        ("Jwt", "NamedUser", (("jwtSigningCertificate", "My Cert"),), "got 'My Cert'; expected the name of one"),
        ("Jwt", "NamedUser", (CERTIFICATE, ("jwtAudience", "[1]")), 'expected JSON: "one audience"'),
        ("Jwt", "NamedUser", (CERTIFICATE, ("jwtValidityPeriodSeconds", "99999")), "from 1 to 86400"),
        ("JwtExchange", "NamedUser", (CERTIFICATE,), "got no token_endpoint"),
        ("AwsSv4", "NamedUser", (("awsRegion", "eu-west-1"),), "got no service"),
        ("AwsSv4", "PerUser", (), "expected NamedUser with protocol AwsSv4"),
    ],
)
def test_what_a_protocol_needs_and_is_not_in_the_file_is_told(protocol, principal_type, extra, why: str) -> None:
    assert why in refusal_of(legacy("Old", protocol, principal_type, *extra))


def test_a_value_that_the_rules_refuse_is_told_with_its_line() -> None:
    extra = CERTIFICATE, ("jwtValidityPeriodSeconds", "99999")
    assert "meta.xml:8: NamedCredential.jwtValidityPeriodSeconds" in refusal_of(legacy("Old", "Jwt", "PerUser", *extra))


def test_keys_of_aws_in_the_file_are_told_of_and_never_read() -> None:
    extra = ("awsRegion", "eu-west-1"), ("awsService", "sns"), ("awsAccessSecret", "canary-1618")
    imported = imported_from(legacy("Old", "AwsSv4", "NamedUser", *extra))
    assert any("in clear in <awsAccessSecret>, line 9" in note for note in entry_of(imported, "Old").notes)
    assert "canary-1618" not in repr(imported)


@pytest.mark.parametrize(
    ("protocol", "principal_type", "expected"),
    [("NoAuthentication", "NamedUser", "Anonymous"), ("Password", "Anonymous", "NamedUser or PerUser")],
)
def test_a_principal_type_that_its_protocol_has_not_is_refused(
    protocol: str, principal_type: str, expected: str
) -> None:
    said = refusal_of(legacy("Old", protocol, principal_type))
    assert f"principalType: got '{principal_type}'; expected {expected} with protocol {protocol}" in said


@pytest.mark.parametrize(
    ("endpoint", "why"),
    [
        ("", "an absolute URL"),
        ("http://old.example.com/bin/", "expected https://"),
        ("http://{!$Credential.Host}/", "a merge field"),
        ("{{BaseEndpoint}}", "the placeholder '{{BaseEndpoint}}'"),
        ("arn:aws:eu-west-1:1234", "https://"),
        ("https://192.168.1.4/", "a public host"),
    ],
)
def test_an_endpoint_that_no_credential_may_have_is_refused_at_its_line(endpoint: str, why: str) -> None:
    said = refusal_of(legacy("Old", "NoAuthentication", "Anonymous", endpoint=endpoint))
    assert why in said
    assert "Old.namedCredential-meta.xml:3: NamedCredential.endpoint" in said


def test_a_refused_legacy_credential_leaves_no_external_credential_behind() -> None:
    assert imported_from(legacy("Old", "Password", "NamedUser", endpoint="http://x.example.com")).definitions == ()


def test_where_its_name_is_taken_the_external_credential_gets_another() -> None:
    imported = imported_from(legacy("Open", "Password", "NamedUser"), no_authentication("open"))
    assert definition_of(imported, NamedCredential, "Open").external_credential == "Open_Legacy"
    assert definition_of(imported, ExternalCredential, "Open_Legacy").protocol == "basic"


def test_two_legacy_credentials_never_share_an_external_credential() -> None:
    files = legacy("Open", "Password", "NamedUser"), legacy("Open_Legacy", "Password", "NamedUser")
    made = [d.name for d in imported_from(*files, no_authentication()).definitions if isinstance(d, ExternalCredential)]
    assert sorted(made) == ["Open", "Open_Legacy", "Open_Legacy_Legacy"]


def test_a_secret_that_looks_like_a_placeholder_is_not_shown_either() -> None:
    imported = imported_from(legacy("Old", "Password", "NamedUser", ("password", "{{canary-1414}}")))
    assert "canary-1414" not in repr(imported)


def test_an_invented_element_is_refused_with_the_nearest() -> None:
    said = refusal_of(legacy("Old", "Oauth", "NamedUser", ("oauthTokenEndpoint", "https://id.example.com")))
    assert "got element <oauthTokenEndpoint>" in said
    assert "did you mean 'authTokenEndpointUrl'?" in said


def test_an_unknown_protocol_is_refused_with_the_nearest() -> None:
    assert "got 'Pasword'" in (said := refusal_of(legacy("Old", "Pasword", "NamedUser")))
    assert "did you mean 'Password'?" in said


def test_a_client_certificate_and_elements_of_no_use_are_told_of() -> None:
    extra = ("certificate", "Cert_1"), ("oauthScope", "api")
    entry = entry_of(imported_from(legacy("Old", "Password", "NamedUser", *extra)), "Old")
    assert any("client certificate 'Cert_1'" in item.what for item in entry.by_hand)
    assert "<oauthScope>, line 8, was left out: protocol Password/NamedUser does not use it" in entry.notes


def test_an_outbound_network_connection_is_refused() -> None:
    said = refusal_of(legacy("Old", "NoAuthentication", "Anonymous", ("outboundNetworkConnection", "Link")))
    assert "private connections are not available" in said


def test_a_file_without_a_protocol_is_refused() -> None:
    path, content = legacy("Old", "Password", "NamedUser")
    said = refusal_of((path, content.replace(b"    <protocol>Password</protocol>\n", b"")))
    assert "got no <protocol>; expected one of NoAuthentication, Password" in said
