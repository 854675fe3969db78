"""The project in `variants`, a file for each protocol, variant and provider: what each becomes, and what is asked for."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from callout.core.message import HttpRequest
from callout.core.model.credentials import ExternalCredential, NamedCredential, PrincipalType
from callout.core.model.identity_providers import ExternalAuthIdentityProvider
from callout.core.model.own_certificates import Certificate
from callout.core.model.people import PermissionSet
from callout.core.protocol import Moment, Values
from callout.core.protocols.jwt import Jwt
from callout.core.secret import Redactable, reveal
from callout.engine.importers.salesforce import Imported
from tests.engine.importers.salesforce.shapes import commands_of, definition_of, entry_of, files_of, imported_from
from tests.keys import key_pair

TOKEN = "https://id.freight.example/oauth2/token"
AWS = {"region": "eu-central-1", "service": "s3", "account_id": "123456789012"}
ROLE = {"role_arn": "arn:aws:iam::123456789012:role/TO_BE_SET"}
ROLES_ANYWHERE = "arn:aws:rolesanywhere:eu-central-1:123456789012"

#: External credential → protocol, its parameters, those of its principals.
BECOMES = {
    "Browser_Flow": (
        "oauth2_authorization_code",
        {"identity_provider": "Freight_Login", "scope": "bookings.write offline_access"},
        {"Dispatcher": {}, "Each_Clerk": {}},
    ),
    "Browser_Flow_Older": ("oauth2_authorization_code", {"identity_provider": "Customs_Login"}, {"Broker": {}}),
    "Client_Of_Provider": (
        "oauth2_client_credentials",
        {"identity_provider": "Freight_Machine", "scope": "rates.read"},
        {"Pricing": {}},
    ),
    "Client_Assertion": (
        "oauth2_client_credentials",
        {
            "client_authentication": "private_key_jwt",
            "token_endpoint": TOKEN,
            "scope": "manifests",
            "signing_certificate": "Freight_Signing",
            "signing_algorithm": "RS512",
        },
        {"Desk": {}},
    ),
    "Jwt_Bearer": (
        "oauth2_jwt_bearer",
        {
            "client_authentication": "none",
            "token_endpoint": TOKEN,
            "scope": "tracking",
            "signing_certificate": "Freight_Signing",
            "claims.iss": "freight-desk",
            "claims.aud": '["https://id.freight.example", "https://track.freight.example"]',
            "jwt_lifetime": "300",
            "header_claims.kid": "freight-2031",
        },
        {"Each_Clerk": {"claims.sub": "{!$User.Email}"}},
    ),
    "Signed_Jwt": (
        "jwt",
        {
            "nbf": "written",
            "signing_certificate": "Dock_Signing",
            "claims.iss": "freight-desk",
            "claims.sub": "dock-7",
            "claims.aud": '"https://docks.example.com"',
            "claims.region": "north",
        },
        {"Dock": {}},
    ),
    "Aws_Key": ("aws_sigv4", AWS, {"Archivist": {}}),
    "Aws_Sts": (
        "aws_sts",
        {**AWS, "external_id": "freight-4711", "duration_seconds": "1800"},
        {"Reader": ROLE, "Writer": ROLE},
    ),
    "Aws_Roles_Anywhere": (
        "aws_roles_anywhere",
        {
            **AWS,
            "signing_certificate": "Archive_Identity",
            "profile_arn": f"{ROLES_ANYWHERE}:profile/TO_BE_SET",
            "trust_anchor_arn": f"{ROLES_ANYWHERE}:trust-anchor/TO_BE_SET",
        },
        {"Reader": ROLE},
    ),
    "Nothing": ("none", {}, {"Anyone": {}}),
    "Old_Aws": ("aws_sigv4", {"region": "eu-west-1", "service": "sns"}, {"NamedUser": {}}),
    "Old_Jwt": (
        "jwt",
        {
            "nbf": "written",
            "signing_certificate": "Dock_Signing",
            "claims.iss": "freight-desk",
            "claims.aud": '"https://old.freight.example"',
            "claims.sub": "{!'clerk-'+$User.Id}",
            "jwt_lifetime": "600",
        },
        {"PerUser": {}},
    ),
    "Old_Jwt_Exchange": (
        "oauth2_jwt_bearer",
        {
            "client_authentication": "none",
            "token_endpoint": TOKEN,
            "scope": "tracking",
            "signing_certificate": "Freight_Signing",
            "claims.iss": "freight-desk",
            "claims.sub": "desk@freight.example",
            "claims.aud": '"https://id.freight.example"',
        },
        {"NamedUser": {}},
    ),
    "Old_Oauth": (
        "oauth2_authorization_code",
        {"identity_provider": "Customs_Login", "scope": "declarations"},
        {"NamedUser": {}},
    ),
}


@pytest.fixture(scope="module")
def imported() -> Imported:
    return imported_from(*files_of(Path(__file__).parent / "variants"))


def test_nothing_of_it_is_refused(imported: Imported) -> None:
    assert {str(entry.place): entry.reasons for entry in imported.report if entry.reasons} == {}


def test_every_external_credential_is_told_of_here(imported: Imported) -> None:
    assert {d.name for d in imported.definitions if isinstance(d, ExternalCredential)} == BECOMES.keys()


@pytest.mark.parametrize("name", BECOMES)
def test_a_variant_becomes_this_protocol_with_these_parameters(imported: Imported, name: str) -> None:
    made = definition_of(imported, ExternalCredential, name)
    protocol, parameters, principals = BECOMES[name]
    assert made.protocol == protocol
    assert made.parameters == parameters
    assert {p.name: p.parameters for p in made.principals} == principals


def test_principals_keep_their_type_and_their_order(imported: Imported) -> None:
    principals = definition_of(imported, ExternalCredential, "Browser_Flow").principals
    shown = [(p.name, p.type, p.sequence) for p in principals]
    assert shown == [("Dispatcher", PrincipalType.NAMED, 1), ("Each_Clerk", PrincipalType.PER_USER, 2)]


def test_a_provider_brings_its_endpoints_and_its_own_parts_of_the_requests(imported: Imported) -> None:
    made = definition_of(imported, ExternalAuthIdentityProvider, "Freight_Login")
    assert (made.label, made.parameters) == (
        "Freight exchange, people",
        {
            "authorization_endpoint": "https://id.freight.example/oauth2/authorize",
            "authorization_request_parameters.prompt": "consent",
            "client_authentication": "client_secret_post",
            "pkce": "S256",
            "refresh_request_headers.X-Reason": "refresh",
            "refresh_request_parameters.tenant": "north-east",
            "token_endpoint": f"{TOKEN}?api-version=2",
            "token_request_headers.Accept": "application/json",
            "token_request_parameters.tenant": "north",
            "userinfo_endpoint": "https://id.freight.example/userinfo",
        },
    )


def test_an_auth_provider_becomes_an_identity_provider(imported: Imported) -> None:
    made = definition_of(imported, ExternalAuthIdentityProvider, "Customs_Login")
    assert (made.label, made.parameters) == (
        "Customs login",
        {
            "authorization_endpoint": "https://login.customs.example/authorize",
            "client_authentication": "client_secret_basic",
            "pkce": "none",
            "scope": "openid declarations",
            "token_endpoint": "https://login.customs.example/token",
            "userinfo_endpoint": "https://login.customs.example/me",
        },
    )


def test_certificates_are_named_once_and_each_use_asks_for_its_key(imported: Imported) -> None:
    names = [d.name for d in imported.definitions if isinstance(d, Certificate)]
    assert names == ["Archive_Identity", "Bookings_Client", "Dock_Signing", "Freight_Signing"]
    assert definition_of(imported, NamedCredential, "Bookings").client_certificate == "Bookings_Client"
    assert commands_of(entry_of(imported, "Bookings")) == ["callout certificate import Bookings_Client FILE"]
    assert "callout certificate import Dock_Signing FILE" in commands_of(entry_of(imported, "Old_Jwt"))


def test_grants_of_the_new_protocols_come_over(imported: Imported) -> None:
    clerks = definition_of(imported, PermissionSet, "Clerks")
    assert sorted(map(str, clerks.principals)) == ["Aws_Sts/Reader", "Browser_Flow/Each_Clerk"]


ASKED = {
    "Aws_Key": ["callout secret set Aws_Key/Archivist access_key_id=- secret_access_key=-"],
    "Aws_Roles_Anywhere": ["callout certificate import Archive_Identity FILE", "callout apply -f FILE"],
    "Aws_Sts": [
        "callout apply -f FILE",
        "callout secret set Aws_Sts/Reader access_key_id=- secret_access_key=-",
        "callout secret set Aws_Sts/Writer access_key_id=- secret_access_key=-",
    ],
    "Browser_Flow": [
        "callout connect Browser_Flow/Dispatcher",
        "callout connect Browser_Flow/Each_Clerk --user USER",
    ],
    "Client_Assertion": [
        "callout certificate import Freight_Signing FILE",
        "callout secret set Client_Assertion/Desk client_id=-",
    ],
    "Client_Of_Provider": [],
    "Freight_Login": [
        "callout identity-provider set-secret Freight_Login client_id=- client_secret=-",
        "callout identity-provider show Freight_Login",
    ],
    "Freight_Machine": ["callout identity-provider set-secret Freight_Machine client_id=- client_secret=-"],
    "Jwt_Bearer": ["callout certificate import Freight_Signing FILE"],
    "Signed_Jwt": ["callout certificate import Dock_Signing FILE"],
}


@pytest.mark.parametrize("name", ASKED)
def test_what_metadata_does_not_hold_is_asked_for_by_these_commands(imported: Imported, name: str) -> None:
    assert list(dict.fromkeys(commands_of(entry_of(imported, name)))) == ASKED[name]


TOLD = {
    "Client_Assertion": "the client id in the file, iss in line 28, is 'freight-desk'; set it as client_id",
    "Customs_Login": "the client id in the file, line 4, is 'freight-app'; set it as client_id",
    "Freight_Login": "TokenRequestQueryParameter api-version, line 45, is part of token_endpoint",
    "Signed_Jwt": "JwtBodyClaim iat, line 34, was left out: Callout writes it by itself, as Salesforce does",
}


@pytest.mark.parametrize("name", TOLD)
def test_what_is_not_taken_over_as_it_is_is_told_with_its_line(imported: Imported, name: str) -> None:
    assert [note for note in entry_of(imported, name).notes if TOLD[name] in note]


def test_a_role_that_metadata_does_not_hold_is_named_with_its_place(imported: Imported) -> None:
    asked = [item.what for item in entry_of(imported, "Aws_Sts").by_hand]
    place = "external_credentials.Aws_Sts.principals.Writer.parameters.role_arn"
    assert [what for what in asked if what.startswith(f"set {place} in a manifest")]
    assert [what for what in asked if "the key of Salesforce's AwsStsPrincipal" in what]


def test_an_imported_jwt_says_what_the_file_says(imported: Imported) -> None:
    made = definition_of(imported, ExternalCredential, "Signed_Jwt")
    signing = Jwt(Values(made.parameters, {}, {"signing_certificate": key_pair("RSA")}))
    now = datetime(2030, 1, 1, tzinfo=UTC)
    moment = Moment(now, entropy=bytes(32), evaluate=Redactable.of)
    sent = signing.apply(HttpRequest("GET", "https://docks.example.com"), None, moment).headers[0][1]
    header, claims = (part_of(reveal(sent).removeprefix("Bearer "), index) for index in (0, 1))
    seconds = int(now.timestamp())
    assert header["alg"] == "RS256"
    assert claims == {
        "iss": "freight-desk",
        "sub": "dock-7",
        "aud": "https://docks.example.com",
        "region": "north",
        "iat": seconds,
        "nbf": seconds,
        "exp": seconds + 120,
    }


def part_of(token: str, index: int) -> dict[str, object]:
    """Read one part of a JWT."""
    text = token.split(".")[index]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
