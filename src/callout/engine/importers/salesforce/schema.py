"""The elements and values that Salesforce's metadata has, and the judgement of a file by them.

Source: the Metadata API guide, version 67 (`NamedCredential`, `ExternalCredential`, `ExternalAuthIdentityProvider`).
A name that is not here was invented: it is refused with its place and the nearest name, never guessed at.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from callout.core.errors import Problem
from callout.engine.importers.salesforce.markup import Element

_PLACEHOLDER = re.compile(r"\{\{.*?\}\}|\$\{.*?\}|<%.*?%>")


@dataclass(frozen=True, slots=True)
class Scalar:
    """An element that holds text: any, or one of `values`. The text of a `secret` one is never shown."""

    values: tuple[str, ...] = ()
    integer: bool = False
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """An element that may be repeated and has elements of its own; `required` ones must be there."""

    fields: Mapping[str, Scalar]
    required: tuple[str, ...] = ()


Shape = Mapping[str, Scalar | Rows]

_TEXT = Scalar()
_BOOLEAN = Scalar(("true", "false"))
_INTEGER = Scalar(integer=True)
_SECRET = Scalar(secret=True)

EXTERNAL_PROTOCOLS = ("AwsSv4", "Basic", "Custom", "Jwt", "JwtExchange", "NoAuthentication", "Oauth", "Password")
LEGACY_PROTOCOLS = ("NoAuthentication", "Password", "Oauth", "AwsSv4", "Jwt", "JwtExchange")

#: Parameter types by which Salesforce keeps its own records; nothing of them is part of a definition.
INTERNAL_TYPES = frozenset(
    {
        "ConnectionStatus",
        "CreatedByNamespace",
        "CustomParameter",
        "CustomPrincipal",
        "GlobalNamedPrincipal",
        "ManagedByComponent",
        "ManagedByFeature",
        "ManagedByNamespace",
        "NamedCredentialOptions",
        "PrincipalIdentityAlias",
        "SfHttpRequestExtensionName",
        "StandardExternalIdentityProvider",
        "StandardNamedCredentialType",
        "SystemUserPrincipal",
    }
)

_PARAMETER: Mapping[str, Scalar] = {
    "description": _TEXT,
    "parameterName": _TEXT,
    "parameterValue": _TEXT,
    "sequenceNumber": _INTEGER,
}

NAMED_CREDENTIAL_PARAMETER_TYPES = (
    "Url",
    "Authentication",
    "ClientCertificate",
    "HttpHeader",
    "OutboundNetworkConnection",
    "AllowedManagedPackageNamespaces",
    "ManagedByNamespace",
    "ConnectionStatus",
    "CreatedByNamespace",
    "CustomParameter",
    "ManagedByComponent",
    "ManagedByFeature",
    "NamedCredentialOptions",
    "SfHttpRequestExtensionName",
    "StandardNamedCredentialType",
)

#: Elements that only a credential of type Legacy has; a value of a secret one stays in the file.
LEGACY_FIELDS: Mapping[str, Scalar] = {
    "authProvider": _TEXT,
    "authTokenEndpointUrl": _TEXT,
    "awsAccessKey": _SECRET,
    "awsAccessSecret": _SECRET,
    "awsRegion": _TEXT,
    "awsService": _TEXT,
    "certificate": _TEXT,
    "endpoint": _TEXT,
    "jwtAudience": _TEXT,
    "jwtFormulaSubject": _TEXT,
    "jwtIssuer": _TEXT,
    "jwtSigningCertificate": _TEXT,
    "jwtTextSubject": _TEXT,
    "jwtValidityPeriodSeconds": _INTEGER,
    "oauthRefreshToken": _SECRET,
    "oauthScope": _TEXT,
    "oauthToken": _SECRET,
    "outboundNetworkConnection": _TEXT,
    "password": _SECRET,
    "principalType": Scalar(("Anonymous", "NamedUser", "PerUser")),
    "protocol": Scalar(LEGACY_PROTOCOLS),
    "username": _TEXT,
}

NAMED_CREDENTIAL: Shape = {
    "allowMergeFieldsInBody": _BOOLEAN,
    "allowMergeFieldsInHeader": _BOOLEAN,
    "calloutStatus": Scalar(("Enabled", "Disabled")),
    "description": _TEXT,
    "fullName": _TEXT,
    "generateAuthorizationHeader": _BOOLEAN,
    "label": _TEXT,
    "namedCredentialType": Scalar(("SecuredEndpoint", "PrivateEndpoint", "Legacy", "Standard")),
    "namedCredentialParameters": Rows(
        {
            **_PARAMETER,
            "certificate": _TEXT,
            "externalCredential": _TEXT,
            "globalNamedPrincipalCredential": _BOOLEAN,
            "managedFeatureEnabledCallout": _BOOLEAN,
            "outboundNetworkConnection": _TEXT,
            "parameterType": Scalar(NAMED_CREDENTIAL_PARAMETER_TYPES),
            "readOnlyNamedCredential": _BOOLEAN,
            "systemUserNamedCredential": _BOOLEAN,
        },
        ("parameterName", "parameterType"),
    ),
    **LEGACY_FIELDS,
}

EXTERNAL_CREDENTIAL: Shape = {
    "authenticationProtocol": Scalar(EXTERNAL_PROTOCOLS),
    "description": _TEXT,
    "fullName": _TEXT,
    "label": _TEXT,
    "externalCredentialParameters": Rows(
        {
            **_PARAMETER,
            "authProvider": _TEXT,
            "certificate": _TEXT,
            "externalAuthIdentityProvider": _TEXT,
            "parameterGroup": _TEXT,
            "principal": _TEXT,
            "parameterType": Scalar(
                (
                    "NamedPrincipal",
                    "PerUserPrincipal",
                    "AwsStsPrincipal",
                    "AuthProtocolVariant",
                    "AuthProvider",
                    "ExternalAuthIdentityProvider",
                    "AuthProviderUrl",
                    "AuthProviderUrlQueryParameter",
                    "AuthParameter",
                    "AuthHeader",
                    "JwtBodyClaim",
                    "JwtHeaderClaim",
                    "SigningCertificate",
                    "AdditionalRefreshStatusCode",
                    "CreatedByNamespace",
                    "CustomPrincipal",
                    "GlobalNamedPrincipal",
                    "ManagedByComponent",
                    "ManagedByFeature",
                    "PrincipalIdentityAlias",
                    "SfHttpRequestExtensionName",
                    "SystemUserPrincipal",
                )
            ),
        },
        ("parameterName", "parameterType"),
    ),
}

_PROVIDER_ROWS = Rows(
    {
        **_PARAMETER,
        "parameterType": Scalar(
            (
                "AuthorizeUrl",
                "TokenUrl",
                "UserInfoUrl",
                "ClientAuthentication",
                "IdentityProviderOptions",
                "StandardExternalIdentityProvider",
                "AuthorizeRequestQueryParameter",
                "TokenRequestBodyParameter",
                "TokenRequestHttpHeader",
                "TokenRequestQueryParameter",
                "RefreshRequestBodyParameter",
                "RefreshRequestHttpHeader",
                "RefreshRequestQueryParameter",
                "CreatedByNamespace",
                "ManagedByComponent",
                "ManagedByFeature",
            )
        ),
    },
    ("parameterName", "parameterType"),
)

#: The guide's own sample has the singular name of the rows, its table the plural: both are read.
PROVIDER_ROW_NAMES = ("externalAuthIdentityProviderParameters", "externalAuthIdentityProviderParameter")

EXTERNAL_AUTH_IDENTITY_PROVIDER: Shape = {
    "authenticationFlow": Scalar(("AuthorizationCode", "ClientCredentials", "JwtBearer", "SalesforceDefined")),
    "authenticationProtocol": Scalar(("OAuth", "SalesforceDefined")),
    "description": _TEXT,
    "fullName": _TEXT,
    "label": _TEXT,
    **dict.fromkeys(PROVIDER_ROW_NAMES, _PROVIDER_ROWS),
}

PRINCIPAL_ACCESS = Rows(
    {"enabled": _BOOLEAN, "externalCredentialPrincipal": _TEXT}, ("enabled", "externalCredentialPrincipal")
)

#: What a permission may be called, and what it is here.
OBJECT_PERMISSIONS: Mapping[str, str] = {
    "allowCreate": "create",
    "allowDelete": "delete",
    "allowEdit": "edit",
    "allowRead": "read",
    "modifyAllRecords": "modify_all",
    "viewAllRecords": "view_all",
}

OBJECT_ACCESS = Rows({**dict.fromkeys((*OBJECT_PERMISSIONS, "viewAllFields"), _BOOLEAN), "object": _TEXT}, ("object",))


@dataclass(slots=True)
class Judgement:
    """Collects what is wrong with one file."""

    path: str
    problems: list[Problem] = field(default_factory=list)

    def add(self, line: int, place: str, got: str, expected: str, nearest: str | None = None) -> None:
        """Note a problem at a line of the file."""
        self.problems.append(Problem(place, got, expected, nearest, f"{self.path}:{line}"))

    def judge(self, top: Element, shape: Shape) -> None:
        """Note every element and value of `top` that its shape does not have."""
        self._judge_fields(top, shape, top.tag)

    def judge_rows(self, rows: tuple[Element, ...], shape: Rows, place: str) -> None:
        """Note what is wrong with rows that were picked out of a larger file."""
        for row in rows:
            self._judge_row(row, shape, place)

    def _judge_fields(self, parent: Element, shape: Shape, place: str) -> None:
        seen: set[str] = set()
        for child in parent.children:
            here = f"{place}.{child.tag}"
            known = shape.get(child.tag)
            if known is None:
                expected = f"an element of {parent.tag}: {', '.join(sorted(shape.keys() - LEGACY_FIELDS.keys()))}"
                self.add(child.line, place, f"element <{child.tag}>", expected, nearest(child.tag, shape))
            elif isinstance(known, Rows):
                self._judge_row(child, known, here)
            else:
                if child.tag in seen:
                    self.add(child.line, here, "the element a second time", "it once")
                self._judge_scalar(child, known, here)
            seen.add(child.tag)

    def _judge_row(self, row: Element, shape: Rows, place: str) -> None:
        self._judge_fields(row, shape.fields, place)
        for name in shape.required:
            if not row.value(name):
                self.add(row.line_of(name), place, f"no <{name}>", "one")

    def _judge_scalar(self, element: Element, known: Scalar, place: str) -> None:
        if element.children:
            self.add(element.line, place, f"element <{element.children[0].tag}> inside", "text")
            return
        text = element.text
        if known.secret:
            return
        for found in _PLACEHOLDER.finditer(text):
            self.add(element.line, place, f"the placeholder {found.group()[:60]!r}", "a value in its place")
        if known.values and text not in known.values and not _PLACEHOLDER.search(text):
            expected = "one of " + ", ".join(v for v in known.values if v not in INTERNAL_TYPES)
            self.add(element.line, place, repr(text[:80]), expected, nearest(text, known.values))
        if known.integer and text and not re.fullmatch(r"[0-9]{1,9}", text):
            self.add(element.line, place, repr(text[:80]), "a whole number")


def nearest(name: str, known: Mapping[str, object] | tuple[str, ...]) -> str | None:
    """Return the known name most like this one, in any case of letters, or None where none is alike."""
    by_small = {k.lower(): k for k in known}
    found = difflib.get_close_matches(name.lower(), by_small, n=1, cutoff=0.6)
    return by_small[found[0]] if found else None


def rows_of(top: Element, *names: str) -> Iterator[Element]:
    """Yield the rows of these names, in order."""
    return (child for child in top.children if child.tag in names)
