"""ExternalAuthIdentityProvider and AuthProvider files: where an external credential has its OAuth client from.

Both become external auth identity providers. Client ids and secrets are never in metadata, or are not read from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from callout.core.model.identity_providers import ExternalAuthIdentityProvider
from callout.core.oauth2.parameters import CLIENT_SECRET_BASIC, CLIENT_SECRET_POST, NO_PKCE
from callout.core.protocols.oauth2_authorization_code import OAuth2AuthorizationCode
from callout.core.protocols.oauth2_client_credentials import OAuth2ClientCredentials
from callout.core.rules.urls import refusal_of_url
from callout.engine.importers.salesforce.commands import client_command, provider_command
from callout.engine.importers.salesforce.definitions import Origins, created_by
from callout.engine.importers.salesforce.markup import Element
from callout.engine.importers.salesforce.report import Draft
from callout.engine.importers.salesforce.schema import (
    EXTERNAL_AUTH_IDENTITY_PROVIDER,
    INTERNAL_TYPES,
    PROVIDER_ROW_NAMES,
    Judgement,
    nearest,
    rows_of,
)

_CLIENT_AUTHENTICATIONS = {"ClientSecretBasic": CLIENT_SECRET_BASIC, "ClientSecretPost": CLIENT_SECRET_POST}

#: The flows of a provider, and the protocol of the external credentials that name it.
_FLOWS = {"AuthorizationCode": OAuth2AuthorizationCode.name, "ClientCredentials": OAuth2ClientCredentials.name}

#: Rows that are one parameter, and those that are one of several with a name of their own.
_SINGLE = {"AuthorizeUrl": "authorization_endpoint", "TokenUrl": "token_endpoint", "UserInfoUrl": "userinfo_endpoint"}
_KEYED = {
    "AuthorizeRequestQueryParameter": "authorization_request_parameters",
    "TokenRequestBodyParameter": "token_request_parameters",
    "TokenRequestHttpHeader": "token_request_headers",
    "RefreshRequestBodyParameter": "refresh_request_parameters",
    "RefreshRequestHttpHeader": "refresh_request_headers",
}

#: Rows of the browser flow alone; client credentials do without.
_BROWSER_ROWS = frozenset({"AuthorizeUrl", "UserInfoUrl", "IdentityProviderOptions", "AuthorizeRequestQueryParameter"})

#: Endpoints of the types of auth provider that do not state them.
_KNOWN: Mapping[str, tuple[str, str, str]] = {
    "GitHub": (
        "https://github.com/login/oauth/authorize",
        "https://github.com/login/oauth/access_token",
        "https://api.github.com/user",
    ),
    "Google": (
        "https://accounts.google.com/o/oauth2/v2/auth",
        "https://oauth2.googleapis.com/token",
        "https://openidconnect.googleapis.com/v1/userinfo",
    ),
    "Salesforce": (
        "https://login.salesforce.com/services/oauth2/authorize",
        "https://login.salesforce.com/services/oauth2/token",
        "https://login.salesforce.com/services/oauth2/userinfo",
    ),
}


@dataclass(slots=True)
class IdentityProvider:
    """A provider as read. `protocol` is that of the external credentials that name it.

    `definition` is None where it cannot be used. `users` are the external credentials that do.
    """

    draft: Draft
    protocol: str = ""
    definition: ExternalAuthIdentityProvider | None = None
    users: list[str] = field(default_factory=list)


def read_identity_provider(name: str, top: Element, judgement: Judgement, draft: Draft) -> IdentityProvider:
    """Read one ExternalAuthIdentityProvider file."""
    judgement.judge(top, EXTERNAL_AUTH_IDENTITY_PROVIDER)
    flow = top.value("authenticationFlow")
    draft.protocol = "/".join(filter(None, (top.value("authenticationProtocol"), flow)))
    if flow not in _FLOWS:
        if not flow:
            judgement.add(top.line, top.tag, "no <authenticationFlow>", " or ".join(_FLOWS))
        elif not judgement.problems:
            draft.reasons.append(f"flow {flow} is not available in this version; available: {', '.join(_FLOWS)}")
        return IdentityProvider(draft)
    origins = Origins(judgement, top.line, top.tag)
    parameters = {"client_authentication": CLIENT_SECRET_BASIC}
    rows = list(rows_of(top, *PROVIDER_ROW_NAMES))
    for row in rows:
        _read_row(row, parameters, origins, draft, browser=flow == "AuthorizationCode")
    for kind, name_of_it in _SINGLE.items():
        needed = kind == "TokenUrl" or (kind == "AuthorizeUrl" and flow == "AuthorizationCode")
        if needed and name_of_it not in parameters:
            judgement.add(top.line, top.tag, f"no {kind}", "one")
    made = ExternalAuthIdentityProvider(
        name, parameters, top.value("label"), top.value("description"), created_by(name, rows)
    )
    return _judged(IdentityProvider(draft, _FLOWS[flow], made), origins)


def _judged(provider: IdentityProvider, origins: Origins) -> IdentityProvider:
    if provider.definition is not None:
        origins.judge(provider.definition)
    if origins.judgement.problems:
        provider.definition = None
    return provider


def _read_row(row: Element, parameters: dict[str, str], origins: Origins, draft: Draft, *, browser: bool) -> None:
    kind, name, value = (row.value(f"parameter{part}") for part in ("Type", "Name", "Value"))
    place = f"ExternalAuthIdentityProvider.{kind}"
    if kind in INTERNAL_TYPES or (kind in _BROWSER_ROWS and not browser):
        draft.ignored += 1
    elif kind in _SINGLE:
        parameters[_SINGLE[kind]] = value
        origins.note(f"parameters.{_SINGLE[kind]}", row, "parameterValue")
        refusal = refusal_of_url(value, allow_private_network=False, query_allowed=True)
        if refusal is not None and "{{" not in value:
            origins.judgement.add(row.line_of("parameterValue"), place, refusal.got, refusal.expected)
    elif kind in _KEYED:
        parameters[f"{_KEYED[kind]}.{name}"] = value
        origins.note(f"parameters.{_KEYED[kind]}.{name}", row, "parameterValue", named=name)
    elif kind == "ClientAuthentication":
        if value in _CLIENT_AUTHENTICATIONS:
            parameters["client_authentication"] = _CLIENT_AUTHENTICATIONS[value]
        elif "{{" not in value:
            expected = " or ".join(_CLIENT_AUTHENTICATIONS)
            hint = nearest(value, tuple(_CLIENT_AUTHENTICATIONS))
            origins.judgement.add(row.line_of("parameterValue"), place, repr(value[:80]), expected, hint)
    elif kind == "IdentityProviderOptions":
        if name == "PkceEnabled" and value == "false":
            parameters["pkce"] = NO_PKCE
        elif name != "PkceEnabled":
            draft.ignored += 1
    elif kind.startswith(("TokenRequest", "RefreshRequest")):
        got = f"{kind} {name!r}"
        origins.judgement.add(row.line, place, got, "none: put it into the query of TokenUrl")


def read_auth_provider(name: str, top: Element, judgement: Judgement, draft: Draft) -> IdentityProvider:
    """Read one AuthProvider file, as far as it can serve the browser flow of a credential."""
    kind = draft.protocol = top.value("providerType")
    known = _KNOWN.get(kind, ("", "", ""))
    tags = ("authorizeUrl", "tokenUrl", "userInfoUrl")
    endpoints = [top.value(tag) or default for tag, default in zip(tags, known, strict=True)]
    if not endpoints[0] or not endpoints[1]:
        draft.reasons.append(
            f"an auth provider of type {kind or 'none'} without authorizeUrl and tokenUrl has no flow here"
        )
        return IdentityProvider(draft)
    parameters = {n: value for n, value in zip(_SINGLE.values(), endpoints, strict=True) if value}
    in_header = top.value("sendClientCredentialsInHeader") == "true"
    parameters["client_authentication"] = CLIENT_SECRET_BASIC if in_header else CLIENT_SECRET_POST
    if top.value("defaultScopes"):
        parameters["scope"] = top.value("defaultScopes")
    origins = Origins(judgement, top.line, top.tag)
    for tag, parameter in zip(tags, _SINGLE.values(), strict=True):
        if top.value(tag):
            origins.note(f"parameters.{parameter}", top, tag)
    made = ExternalAuthIdentityProvider(name, parameters, top.value("friendlyName"), "", created_by(name, []))
    return _judged(IdentityProvider(draft, OAuth2AuthorizationCode.name, made), origins)


def close_identity_provider(provider: IdentityProvider, named_by: list[str]) -> None:
    """Say what came of a provider once every external credential was read; `named_by` are those that name it."""
    draft = provider.draft
    if not named_by and not draft.refused:
        draft.needed = False
        draft.reasons.append("no external credential of the project names it")
    elif provider.users and provider.definition is not None:
        name = provider.definition.name
        draft.by_hand_too("set its client id and client secret", client_command(name))
        if provider.protocol == OAuth2AuthorizationCode.name:
            what = "register the callback URL that this shows at its authorization server"
            draft.by_hand_too(what, provider_command(name))
    elif not draft.refused:
        draft.reasons.append(f"the external credentials that name it are refused: {', '.join(sorted(named_by))}")


def close_auth_provider(top: Element, provider: IdentityProvider, named_by: list[str]) -> None:
    """Say what came of an AuthProvider file; what it has for signing in to Salesforce means nothing here."""
    draft = provider.draft
    draft.ignored = len(top.children)
    if top.value("consumerSecret"):
        draft.warnings.append(
            f"the file holds a value in <consumerSecret>, line {top.line_of('consumerSecret')}: not imported"
        )
    if not named_by:
        draft.needed = False
        draft.reasons.append("no credential of the project names it")
    else:
        close_identity_provider(provider, named_by)
