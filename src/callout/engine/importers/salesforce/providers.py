"""ExternalAuthIdentityProvider files: an authorization server and a client there, kept once for several credentials."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from callout.core.model.identity_providers import ExternalAuthIdentityProvider
from callout.core.oauth2.parameters import CLIENT_SECRET_BASIC, CLIENT_SECRET_POST, NO_PKCE, S256
from callout.core.rules.urls import refusal_of_url
from callout.engine.importers.salesforce.commands import callback_command, client_command
from callout.engine.importers.salesforce.definitions import Origins, created_by
from callout.engine.importers.salesforce.markup import Element
from callout.engine.importers.salesforce.protocols import FLOWS
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
_URLS = {"AuthorizeUrl": "authorization_endpoint", "TokenUrl": "token_endpoint", "UserInfoUrl": "userinfo_endpoint"}
_REQUESTS = {
    "AuthorizeRequestQueryParameter": "authorization_request_parameters",
    "TokenRequestBodyParameter": "token_request_parameters",
    "TokenRequestHttpHeader": "token_request_headers",
    "RefreshRequestBodyParameter": "refresh_request_parameters",
    "RefreshRequestHttpHeader": "refresh_request_headers",
}
#: Parts of requests that have a parameter of their own here.
_OWN = frozenset({"audience", "resource", "scope"})


@dataclass(slots=True)
class IdentityProvider:
    """A provider as read: its entry, the definition where one could be made, and the flow that Salesforce states."""

    draft: Draft
    origins: Origins
    flow: str = ""
    definition: ExternalAuthIdentityProvider | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    queries: dict[str, tuple[str, Element]] = field(default_factory=dict)


def read_identity_provider(name: str, top: Element, judgement: Judgement, draft: Draft) -> IdentityProvider:
    """Read one ExternalAuthIdentityProvider file. Its client id and secret are never in metadata."""
    judgement.judge(top, EXTERNAL_AUTH_IDENTITY_PROVIDER)
    provider = IdentityProvider(draft, Origins(judgement, top.line, top.tag), top.value("authenticationFlow"))
    flow = provider.flow
    draft.protocol = "/".join(filter(None, (top.value("authenticationProtocol"), flow)))
    if flow not in FLOWS:
        if not flow:
            judgement.add(top.line, top.tag, "no <authenticationFlow>", " or ".join(FLOWS))
        elif not judgement.problems:
            draft.reasons.append(f"flow {flow} is Salesforce's own and has no endpoints; available: {', '.join(FLOWS)}")
        return provider
    for row in rows_of(top, *PROVIDER_ROW_NAMES):
        _read_row(row, provider)
    _read_queries(provider)
    if flow != "JwtBearer":
        provider.parameters.setdefault("client_authentication", CLIENT_SECRET_BASIC)
    for kind in ("TokenUrl", *(["AuthorizeUrl"] if flow == "AuthorizationCode" else [])):
        if _URLS[kind] not in provider.parameters:
            judgement.add(top.line, top.tag, f"no {kind}", "one")
    rows = [row for row in top.children if row.tag in PROVIDER_ROW_NAMES]
    define_provider(provider, name, top, created_by(name, rows))
    return provider


def define_provider(provider: IdentityProvider, name: str, top: Element, namespace: str | None) -> None:
    """Make the definition of what was read, judge it by the rules, and ask for what the file does not hold."""
    made = ExternalAuthIdentityProvider(
        name,
        provider.parameters,
        label=top.value("label") or top.value("friendlyName"),
        description=top.value("description"),
        created_by_namespace=namespace,
    )
    provider.origins.judge(made)
    draft = provider.draft
    if draft.refused:
        return
    provider.definition = made
    if provider.flow != "JwtBearer":
        draft.by_hand_too("set its client id and client secret", client_command(name))
    if provider.flow == "AuthorizationCode":
        what = "register Callout's callback URL at the authorization server, beside or instead of Salesforce's"
        draft.by_hand_too(what, callback_command(name))


def put(provider: IdentityProvider, row: Element, parameter: str, value: str, tag: str = "parameterValue") -> None:
    """Take a parameter over, once; URLs are judged as those of a public host."""
    place = f"{provider.origins.element}.{row.value('parameterType') or row.tag}"
    if provider.parameters.get(parameter, value) != value:
        provider.origins.judgement.add(row.line, place, f"a second {parameter}", "one")
    provider.parameters[parameter] = value
    provider.origins.note(f"parameters.{parameter}", row, tag)
    if parameter.endswith("_endpoint") and "{{" not in value:
        refusal = refusal_of_url(value, allow_private_network=False, query_allowed=True)
        if refusal is not None:
            provider.origins.judgement.add(row.line_of(tag), place, refusal.got, refusal.expected)


def _read_row(row: Element, provider: IdentityProvider) -> None:
    kind, name, value = (row.value(tag) for tag in ("parameterType", "parameterName", "parameterValue"))
    if kind in INTERNAL_TYPES:
        provider.draft.ignored += 1
    elif kind in _URLS:
        put(provider, row, _URLS[kind], value)
    elif kind in _OTHERS:
        _OTHERS[kind](row, provider)
    elif kind in _REQUESTS and "{!" in value:
        _refuse(provider, row, f"a formula in {name!r}", "the value itself: a formula in it is not available")
    elif kind in _REQUESTS:
        put(provider, row, name if name in _OWN else f"{_REQUESTS[kind]}.{name}", value)
        if kind.startswith("Token") and provider.flow == "AuthorizationCode":
            provider.draft.notes.append(f"{kind} {name}, line {row.line}, is sent with refresh requests too")


def _client_authentication(row: Element, provider: IdentityProvider) -> None:
    value = row.value("parameterValue")
    if value in _CLIENT_AUTHENTICATIONS:
        put(provider, row, "client_authentication", _CLIENT_AUTHENTICATIONS[value])
    elif "{{" not in value:
        expected = " or ".join(_CLIENT_AUTHENTICATIONS)
        hint = nearest(value, tuple(_CLIENT_AUTHENTICATIONS))
        place = f"{provider.origins.element}.ClientAuthentication"
        provider.draft.judgement.add(row.line_of("parameterValue"), place, repr(value[:80]), expected, hint)


def _option(row: Element, provider: IdentityProvider) -> None:
    name, value = row.value("parameterName"), row.value("parameterValue").lower()
    if name == "PkceEnabled" and value in ("true", "false"):
        put(provider, row, "pkce", S256 if value == "true" else NO_PKCE)
        return
    why = "it is no option that Callout knows"
    if name == "UserinfoEnabled":
        why = "the UserInfo endpoint is asked whose account was connected wherever there is one"
    provider.draft.notes.append(f"IdentityProviderOptions {name}, line {row.line}, was left out: {why}")


def _query(row: Element, provider: IdentityProvider) -> None:
    """Keep a query parameter of token requests: it becomes part of the token endpoint's URL (RFC 6749 section 3.2)."""
    name, value = row.value("parameterName"), row.value("parameterValue")
    provider.queries[f"{row.value('parameterType')} {name}"] = value, row


def _read_queries(provider: IdentityProvider) -> None:
    sent = {name.partition(" ")[2]: value for name, (value, _) in provider.queries.items() if name.startswith("Token")}
    for name, (value, row) in provider.queries.items():
        plain = name.partition(" ")[2]
        if name.startswith("Refresh") and sent.get(plain) != value:
            expected = "the same query parameter for token requests: both go to one URL, the token endpoint's"
            _refuse(provider, row, f"query parameter {plain!r} for refresh requests alone", expected)
        elif name.startswith("Token"):
            provider.draft.notes.append(f"{name}, line {row.line}, is part of token_endpoint, for refresh requests too")
    endpoint = provider.parameters.get("token_endpoint")
    if sent and endpoint:
        provider.parameters["token_endpoint"] = f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(sent)}"


def _refuse(provider: IdentityProvider, row: Element, got: str, expected: str) -> None:
    place = f"{provider.origins.element}.{row.value('parameterType')}"
    provider.draft.judgement.add(row.line, place, got, expected)


_OTHERS: Mapping[str, Callable[[Element, IdentityProvider], None]] = {
    "ClientAuthentication": _client_authentication,
    "IdentityProviderOptions": _option,
    "TokenRequestQueryParameter": _query,
    "RefreshRequestQueryParameter": _query,
}
