"""ExternalAuthIdentityProvider and AuthProvider files: where an external credential has its OAuth client from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from callout.core.oauth2.parameters import CLIENT_SECRET_BASIC, CLIENT_SECRET_POST
from callout.core.rules.urls import refusal_of_url
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

#: Rows of the browser flow alone; client credentials do without.
_BROWSER_ROWS = frozenset({"AuthorizeUrl", "UserInfoUrl", "IdentityProviderOptions", "AuthorizeRequestQueryParameter"})


@dataclass(slots=True)
class IdentityProvider:
    """An external auth identity provider as read.

    `parameters` are those that it gives to an external credential, None where it cannot be used. `users` are the
    external credentials that took them.
    """

    draft: Draft
    parameters: Mapping[str, str] | None = None
    users: list[str] = field(default_factory=list)


def read_identity_provider(top: Element, judgement: Judgement, draft: Draft) -> IdentityProvider:
    """Read one ExternalAuthIdentityProvider file. Its client id and secret are never in metadata."""
    judgement.judge(top, EXTERNAL_AUTH_IDENTITY_PROVIDER)
    flow = top.value("authenticationFlow")
    draft.protocol = "/".join(filter(None, (top.value("authenticationProtocol"), flow)))
    if flow != "ClientCredentials":
        if not flow:
            judgement.add(top.line, top.tag, "no <authenticationFlow>", "ClientCredentials")
        elif not judgement.problems:
            draft.reasons.append(f"flow {flow} is not available in this version; available: ClientCredentials")
        return IdentityProvider(draft)
    parameters = {"client_authentication": CLIENT_SECRET_BASIC}
    for row in rows_of(top, *PROVIDER_ROW_NAMES):
        _read_row(row, parameters, judgement, draft)
    if "token_endpoint" not in parameters:
        judgement.add(top.line, top.tag, "no TokenUrl", "one")
    return IdentityProvider(draft, None if judgement.problems else parameters)


def _read_row(row: Element, parameters: dict[str, str], judgement: Judgement, draft: Draft) -> None:
    kind, value = row.value("parameterType"), row.value("parameterValue")
    place = f"ExternalAuthIdentityProvider.{kind}"
    if kind == "TokenUrl":
        parameters["token_endpoint"] = value
        refusal = refusal_of_url(value, allow_private_network=False, query_allowed=True)
        if refusal is not None and "{{" not in value:
            judgement.add(row.line_of("parameterValue"), place, refusal.got, refusal.expected)
    elif kind == "ClientAuthentication":
        if value in _CLIENT_AUTHENTICATIONS:
            parameters["client_authentication"] = _CLIENT_AUTHENTICATIONS[value]
        elif "{{" not in value:
            expected = " or ".join(_CLIENT_AUTHENTICATIONS)
            hint = nearest(value, tuple(_CLIENT_AUTHENTICATIONS))
            judgement.add(row.line_of("parameterValue"), place, repr(value[:80]), expected, hint)
    elif kind in INTERNAL_TYPES or kind in _BROWSER_ROWS:
        draft.ignored += 1
    elif kind.startswith(("TokenRequest", "RefreshRequest")):
        got = f"{kind} {row.value('parameterName')!r}"
        judgement.add(row.line, place, got, "none: own parts of the token request are not available in this version")


def close_identity_provider(provider: IdentityProvider, named_by: list[str]) -> None:
    """Say what came of a provider once every external credential was read; `named_by` are those that name it."""
    draft = provider.draft
    if not named_by and not draft.refused:
        draft.needed = False
        draft.reasons.append("no external credential of the project names it")
    elif provider.users:
        listed = ", ".join(sorted(provider.users))
        draft.notes.append(f"its token endpoint and client authentication are now parameters of {listed}")
        draft.by_hand_too(f"set its client id and client secret on the principals of {listed}, as said there")
    elif not draft.refused:
        draft.reasons.append(f"the external credentials that name it are refused: {', '.join(sorted(named_by))}")


def close_auth_provider(top: Element, draft: Draft, named_by: list[str]) -> None:
    """Say what came of an AuthProvider file: the browser flow that it serves is not here."""
    draft.protocol = top.value("providerType")
    draft.ignored = len(top.children)
    if top.value("consumerSecret"):
        draft.warnings.append(
            f"the file holds a value in <consumerSecret>, line {top.line_of('consumerSecret')}: not imported"
        )
    if named_by:
        why = f"the browser flow is not available in this version; named by {', '.join(sorted(named_by))}"
        draft.reasons.append(why)
    else:
        draft.needed = False
        draft.reasons.append("no credential of the project names it")
