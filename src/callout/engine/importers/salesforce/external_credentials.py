"""ExternalCredential files: protocol and variant, parameters, custom headers, refresh codes, principals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from callout.core.model.credentials import ExternalCredential, Principal, PrincipalType
from callout.core.oauth2.parameters import CLIENT_SECRET_BASIC, CLIENT_SECRET_POST
from callout.core.protocols import CATALOGUE
from callout.core.protocols.basic import Basic
from callout.core.protocols.custom import Custom
from callout.core.protocols.none import NoAuthentication
from callout.core.protocols.oauth2_client_credentials import OAuth2ClientCredentials
from callout.engine.importers.salesforce.commands import grant_command
from callout.engine.importers.salesforce.definitions import (
    Origins,
    created_by,
    headers_in,
    in_sequence,
    judge_token_names,
    listed,
    literal_secrets,
    sequence_of,
)
from callout.engine.importers.salesforce.markup import Element
from callout.engine.importers.salesforce.providers import IdentityProvider
from callout.engine.importers.salesforce.report import Draft
from callout.engine.importers.salesforce.schema import (
    EXTERNAL_CREDENTIAL,
    EXTERNAL_PROTOCOLS,
    INTERNAL_TYPES,
    Judgement,
    nearest,
)

_ROW = "externalCredentialParameters"

#: The groups of parameters that belong to the whole credential; any other is a principal's.
_DEFAULT_GROUPS = frozenset({"", "DefaultGroup", "DEFAULT_GROUP"})

_VARIANTS = (
    "AwsSv4_STS",
    "RolesAnywhere",
    "ClientCredentialsClientSecret",
    "ClientCredentialsClientSecretBasic",
    "ClientCredentialsJwtAssertion",
    "JwtBearer",
    "NoAuthentication",
)

_PRINCIPAL_TYPES = {"NamedPrincipal": PrincipalType.NAMED, "PerUserPrincipal": PrincipalType.PER_USER}

#: Row types that every protocol here may have; the rest is the protocol's own, or is told of and left out.
_SHARED = frozenset(
    {"AuthProtocolVariant", "AuthHeader", "AuthParameter", "AdditionalRefreshStatusCode", *_PRINCIPAL_TYPES}
)

#: Salesforce's protocol and variant, and what they are here: the protocol and its settings.
_PROTOCOLS: Mapping[tuple[str, str], tuple[str, Mapping[str, str]]] = {
    ("Basic", ""): (Basic.name, {}),
    ("Custom", ""): (Custom.name, {}),
    ("Custom", "NoAuthentication"): (NoAuthentication.name, {}),
    ("NoAuthentication", ""): (NoAuthentication.name, {}),
    ("NoAuthentication", "NoAuthentication"): (NoAuthentication.name, {}),
    ("Oauth", "ClientCredentialsClientSecret"): (
        OAuth2ClientCredentials.name,
        {"client_authentication": CLIENT_SECRET_POST},
    ),
    ("Oauth", "ClientCredentialsClientSecretBasic"): (
        OAuth2ClientCredentials.name,
        {"client_authentication": CLIENT_SECRET_BASIC},
    ),
}


@dataclass(slots=True)
class ExternalReading:
    """An external credential as read: its entry, and the definition where one could be made.

    `extra_names` are parameters that a principal had in Salesforce beside those that formulas read.
    """

    draft: Draft
    origins: Origins
    definition: ExternalCredential | None = None
    extra_names: dict[str, set[str]] = field(default_factory=dict)
    provider: str = ""


def read_external_credential(
    name: str, top: Element, judgement: Judgement, draft: Draft, providers: Mapping[str, IdentityProvider]
) -> ExternalReading:
    """Read one file. What is wrong is noted in its judgement; the rules judge it later, beside its named credentials."""
    judgement.judge(top, EXTERNAL_CREDENTIAL)
    reading = ExternalReading(draft, Origins(judgement, top.line, top.tag))
    variant = _variant(top, judgement)
    protocol = top.value("authenticationProtocol")
    provider_row = _of(top, "ExternalAuthIdentityProvider")[:1]
    reading.provider = provider_row[0].value("externalAuthIdentityProvider") if provider_row else ""
    by = variant or ("AuthProvider" if _of(top, "AuthProvider") else "")
    draft.protocol = "/".join(filter(None, (protocol, "ExternalAuthIdentityProvider" if reading.provider else by)))
    if not protocol:
        judgement.add(top.line_of("authenticationProtocol"), top.tag, "no <authenticationProtocol>", "one")
    elif reading.provider and protocol == "Oauth":
        _read_provided(name, top, reading, providers)
    elif (protocol, variant) in _PROTOCOLS:
        known, settings = _PROTOCOLS[protocol, variant]
        reading.definition = _definition(name, top, reading, known, settings)
    elif protocol in EXTERNAL_PROTOCOLS:
        flow = " (browser flow)" if protocol == "Oauth" and not variant else ""
        draft.reasons.append(unavailable(draft.protocol + flow))
    return reading


def unavailable(protocol: str) -> str:
    """Say that a protocol of Salesforce is not here."""
    return f"protocol {protocol} is not available in this version; available: {', '.join(CATALOGUE)}"


def _of(top: Element, *types: str) -> list[Element]:
    return [row for row in top.all(_ROW) if row.value("parameterType") in types]


def _variant(top: Element, judgement: Judgement) -> str:
    rows = _of(top, "AuthProtocolVariant")
    place = f"{top.tag}.AuthProtocolVariant"
    if len(rows) > 1:
        judgement.add(rows[1].line, place, "a second variant", "one")
    variant = rows[0].value("parameterValue") if rows else ""
    if variant and variant not in _VARIANTS and "{{" not in variant:
        expected = "one of " + ", ".join(_VARIANTS)
        judgement.add(
            rows[0].line_of("parameterValue"), place, repr(variant[:80]), expected, nearest(variant, _VARIANTS)
        )
    return variant


def _read_provided(
    name: str, top: Element, reading: ExternalReading, providers: Mapping[str, IdentityProvider]
) -> None:
    """Read client credentials whose token endpoint an external auth identity provider states."""
    provider = providers.get(reading.provider)
    row = _of(top, "ExternalAuthIdentityProvider")[0]
    if provider is None:
        expected = "an external auth identity provider of this project"
        hint = nearest(reading.provider, tuple(providers))
        place = f"{top.tag}.ExternalAuthIdentityProvider"
        reading.draft.judgement.add(row.line, place, repr(reading.provider[:80]), expected, hint)
    elif provider.parameters is None:
        why = "; ".join(provider.draft.refusals)
        reading.draft.reasons.append(f"its external auth identity provider {reading.provider} is refused: {why}")
    else:
        settings = provider.parameters
        reading.definition = _definition(name, top, reading, OAuth2ClientCredentials.name, settings)
        provider.users.append(name)


def _definition(
    name: str, top: Element, reading: ExternalReading, protocol: str, settings: Mapping[str, str]
) -> ExternalCredential:
    draft, origins = reading.draft, reading.origins
    parameters = dict(settings)
    if protocol == OAuth2ClientCredentials.name:
        _read_token_endpoint(top, parameters, origins)
    principals = _principals(top, reading)
    grouped = _grouped(top, reading, protocol, principals)
    scope = grouped.pop("", {})
    headers = headers_in(_of(top, "AuthHeader"), origins)
    for row in _of(top, "AuthHeader"):
        if row.value("parameterGroup") not in _DEFAULT_GROUPS:
            got = f"header {row.value('parameterName')} in group {row.value('parameterGroup')!r}"
            draft.judgement.add(row.line, f"{top.tag}.AuthHeader", got, "headers of the whole credential")
    judge_token_names(headers, protocol, origins)
    draft.notes += literal_secrets(headers)
    _note_the_rest(top, draft, protocol)
    return ExternalCredential(
        name,
        protocol,
        parameters={**parameters, **scope},
        additional_status_codes=_status_codes(top, origins),
        headers=headers,
        principals=tuple(
            Principal(p.name, p.type, p.sequence, grouped.get(p.name, {})) for p, _ in principals.values()
        ),
        label=top.value("label"),
        description=top.value("description"),
        created_by_namespace=created_by(name, top.all(_ROW)),
    )


def _read_token_endpoint(top: Element, parameters: dict[str, str], origins: Origins) -> None:
    rows = _of(top, "AuthProviderUrl")
    place = f"{top.tag}.AuthProviderUrl"
    if len(rows) > 1:
        origins.judgement.add(rows[1].line, place, "a second token endpoint", "one")
    if rows:
        parameters["token_endpoint"] = rows[0].value("parameterValue")
        origins.note("parameters.token_endpoint", rows[0], "parameterValue")
    for row in _of(top, "AuthProviderUrlQueryParameter"):
        got = f"query parameter {row.value('parameterName')!r} for the token endpoint"
        origins.judgement.add(row.line, f"{top.tag}.AuthProviderUrlQueryParameter", got, "none: it is for AWS STS only")


def _principals(top: Element, reading: ExternalReading) -> dict[str, tuple[Principal, Element]]:
    """Read the principals by the group of parameters that is theirs."""
    found: dict[str, tuple[Principal, Element]] = {}
    rows = in_sequence(_of(top, *_PRINCIPAL_TYPES))
    last = 0
    for row in rows:
        name = row.value("parameterName")
        last = sequence = sequence_of(row) or last + 1
        kind = _PRINCIPAL_TYPES[row.value("parameterType")]
        group = row.value("parameterGroup") or name
        if group in found:
            place = f"{top.tag}.{row.value('parameterType')}"
            got = f"group {group!r} a second time"
            reading.draft.judgement.add(row.line, place, got, "a group of its own for each principal")
        found[group] = Principal(name, kind, sequence), row
        reading.origins.note(f"principals.{name}", row, "parameterName")
        if row.value("principal"):
            what = f"grant {name}: permission set {row.value('principal')!r} had it by an element of versions 56 and 57"
            reading.draft.by_hand_too(what, grant_command(reading.draft.name, name))
    return found


def _grouped(
    top: Element, reading: ExternalReading, protocol: str, principals: Mapping[str, tuple[Principal, Element]]
) -> dict[str, dict[str, str]]:
    """Read authentication parameters: of the credential under "", of a principal under its name."""
    found: dict[str, dict[str, str]] = {}
    draft = reading.draft
    for row in _of(top, "AuthParameter"):
        group, name, value = row.value("parameterGroup"), row.value("parameterName"), row.value("parameterValue")
        place = f"{top.tag}.AuthParameter.{name}"
        if group not in _DEFAULT_GROUPS and group not in principals:
            expected = "DefaultGroup or the group of a principal: " + (", ".join(principals) or "there is none")
            got = f"group {group!r}"
            draft.judgement.add(row.line_of("parameterGroup"), place, got, expected, nearest(group, tuple(principals)))
            continue
        owner = principals[group][0].name if group in principals else ""
        if protocol == Custom.name:
            reading.extra_names.setdefault(owner, set()).add(name)
            if value:
                draft.warnings.append(f"parameter {name} has its value in clear in the file; it was not imported")
        elif protocol != OAuth2ClientCredentials.name:
            draft.notes.append(f"parameter {name} is not used by protocol {draft.protocol} and was left out")
        elif name != "Scope":
            draft.judgement.add(row.line, place, f"parameter {name!r}", "Scope", nearest(name, ("Scope",)))
        elif "{!" in value:
            draft.judgement.add(row.line, place, "a formula", "the scope itself: a formula in it is not available")
        elif value:
            if "scope" in found.setdefault(owner, {}):
                draft.judgement.add(row.line, place, "a second scope", "one for the credential, one for each principal")
            found[owner]["scope"] = value
            part = f"principals.{owner}.parameters.scope" if owner else "parameters.scope"
            reading.origins.note(part, row, "parameterValue", named=name)
    return found


def _status_codes(top: Element, origins: Origins) -> tuple[int, ...]:
    """Read refresh codes: one in a row, or a list with commas, or both. 401 always refreshes, so it is left out."""
    codes: list[int] = []
    for value, row in listed(_of(top, "AdditionalRefreshStatusCode")):
        if value.isascii() and value.isdigit() and len(value) <= 9:
            code = int(value)
            if code != 401 and code not in codes:
                codes.append(code)
                origins.note(f"additional_status_codes[{code}]", row, "parameterValue")
        else:
            place = f"{top.tag}.AdditionalRefreshStatusCode"
            origins.judgement.add(row.line_of("parameterValue"), place, repr(value[:80]), "HTTP status codes")
    return tuple(codes)


def _note_the_rest(top: Element, draft: Draft, protocol: str) -> None:
    own = {"AuthProviderUrl", "AuthProviderUrlQueryParameter", "ExternalAuthIdentityProvider"}
    used = _SHARED | (own if protocol == OAuth2ClientCredentials.name else set())
    for row in top.all(_ROW):
        kind = row.value("parameterType")
        if kind in INTERNAL_TYPES:
            draft.ignored += 1
        elif kind not in used:
            draft.notes.append(
                f"{kind} {row.value('parameterName')} is not used by protocol {draft.protocol}: left out"
            )
