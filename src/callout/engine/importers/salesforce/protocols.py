"""Salesforce's protocols and variants, and what each is here: the protocol, and the settings that the variant means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from callout.core.oauth2.parameters import (
    CLIENT_SECRET_BASIC,
    CLIENT_SECRET_POST,
    NO_CLIENT_SECRET,
    PRIVATE_KEY_JWT,
)
from callout.core.protocols import CATALOGUE
from callout.core.protocols.aws_roles_anywhere import AwsRolesAnywhere
from callout.core.protocols.aws_sigv4 import AwsSigV4
from callout.core.protocols.aws_sts import AwsSts
from callout.core.protocols.basic import Basic
from callout.core.protocols.custom import Custom
from callout.core.protocols.jwt import Jwt
from callout.core.protocols.none import NoAuthentication
from callout.core.protocols.oauth2_authorization_code import OAuth2AuthorizationCode
from callout.core.protocols.oauth2_client_credentials import OAuth2ClientCredentials
from callout.core.protocols.oauth2_jwt_bearer import OAuth2JwtBearer


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a protocol of Salesforce is here: the name of the protocol, and parameters that are always the same."""

    protocol: str
    settings: Mapping[str, str] = field(default_factory=dict)


#: Salesforce's JWTs say from when on they hold: `nbf` is always there (Help, "JWT Claims").
SIGNED_JWT = Meaning(Jwt.name, {"nbf": "written"})
JWT_BEARER = Meaning(OAuth2JwtBearer.name, {"client_authentication": NO_CLIENT_SECRET})
BROWSER_FLOW = Meaning(OAuth2AuthorizationCode.name)

#: Protocol and variant of an external credential (ConnectApi CredentialAuthenticationProtocolVariant).
MEANINGS: Mapping[tuple[str, str], Meaning] = {
    ("Basic", ""): Meaning(Basic.name),
    ("Custom", ""): Meaning(Custom.name),
    ("Custom", "NoAuthentication"): Meaning(NoAuthentication.name),
    ("NoAuthentication", ""): Meaning(NoAuthentication.name),
    ("NoAuthentication", "NoAuthentication"): Meaning(NoAuthentication.name),
    ("Oauth", "ClientCredentialsClientSecret"): Meaning(
        OAuth2ClientCredentials.name, {"client_authentication": CLIENT_SECRET_POST}
    ),
    ("Oauth", "ClientCredentialsClientSecretBasic"): Meaning(
        OAuth2ClientCredentials.name, {"client_authentication": CLIENT_SECRET_BASIC}
    ),
    ("Oauth", "ClientCredentialsJwtAssertion"): Meaning(
        OAuth2ClientCredentials.name, {"client_authentication": PRIVATE_KEY_JWT}
    ),
    ("Oauth", "JwtBearer"): JWT_BEARER,
    ("Jwt", ""): SIGNED_JWT,
    ("AwsSv4", ""): Meaning(AwsSigV4.name),
    ("AwsSv4", "AwsSv4_STS"): Meaning(AwsSts.name),
    ("AwsSv4", "RolesAnywhere"): Meaning(AwsRolesAnywhere.name),
}

#: The flow of an external auth identity provider, where the external credential states no variant.
FLOWS: Mapping[str, Meaning] = {
    "AuthorizationCode": BROWSER_FLOW,
    "ClientCredentials": Meaning(OAuth2ClientCredentials.name),
    "JwtBearer": JWT_BEARER,
}

VARIANTS = tuple(dict.fromkeys(variant for _, variant in MEANINGS if variant))

#: What Salesforce itself has on no external credential, and why.
ELSEWHERE: Mapping[str, str] = {
    "JwtExchange": "External credentials have no JwtExchange in Salesforce either; its successor is Oauth, JwtBearer",
    "Password": "Password serves Files Connect on premises alone, which makes no callouts; Basic is what callouts use",
}


def unavailable(protocol: str) -> str:
    """Say that a protocol of Salesforce is not here."""
    return f"protocol {protocol} is not available in this version; available: {', '.join(CATALOGUE)}"


def takes(protocol: str, parameter: str) -> bool:
    """Say whether a protocol has a parameter of this name."""
    return any(each.name == parameter for each in CATALOGUE[protocol].parameters)
