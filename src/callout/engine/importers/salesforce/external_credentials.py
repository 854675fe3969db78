"""ExternalCredential files: protocol and variant, parameters, custom headers, refresh codes, principals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from callout.core.model.credentials import ExternalCredential, Principal, PrincipalType
from callout.core.model.identity_providers import NAMED_BY
from callout.engine.importers.salesforce.asking import with_arns
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
from callout.engine.importers.salesforce.protocols import (
    BROWSER_FLOW,
    ELSEWHERE,
    FLOWS,
    MEANINGS,
    VARIANTS,
    Meaning,
    unavailable,
)
from callout.engine.importers.salesforce.providers import IdentityProvider
from callout.engine.importers.salesforce.report import Draft
from callout.engine.importers.salesforce.rows import DEFAULT_GROUPS, ROW, Rows
from callout.engine.importers.salesforce.schema import EXTERNAL_CREDENTIAL, EXTERNAL_PROTOCOLS, Judgement, nearest

_PRINCIPAL_TYPES = {"NamedPrincipal": PrincipalType.NAMED, "PerUserPrincipal": PrincipalType.PER_USER}
#: By what an external credential names who provides its OAuth client, and what that is called in problems.
_PROVIDED_BY = {
    "ExternalAuthIdentityProvider": ("externalAuthIdentityProvider", "an external auth identity provider"),
    "AuthProvider": ("authProvider", "an auth provider"),
}


@dataclass(slots=True)
class ExternalReading:
    """An external credential as read: its entry, and the definition where one could be made.

    `extra_names` are parameters that a principal had in Salesforce beside those that formulas read; `provider` has its
    OAuth client.
    """

    draft: Draft
    origins: Origins
    definition: ExternalCredential | None = None
    extra_names: dict[str, set[str]] = field(default_factory=dict)
    provider: IdentityProvider | None = None


#: The providers of a project: by the kind of row that names one, and by name.
Providers = Mapping[str, Mapping[str, IdentityProvider]]


def read_external_credential(
    name: str, top: Element, judgement: Judgement, draft: Draft, providers: Providers
) -> ExternalReading:
    """Read one file. What is wrong is noted in its judgement; the rules judge it later, beside its named credentials."""
    judgement.judge(top, EXTERNAL_CREDENTIAL)
    reading = ExternalReading(draft, Origins(judgement, top.line, top.tag))
    variant = _variant(top, judgement)
    protocol = top.value("authenticationProtocol")
    rows = _of(top, *_PROVIDED_BY)
    by = variant or (rows[0].value("parameterType") if rows else "")
    draft.protocol = "/".join(filter(None, (protocol, by)))
    if not protocol:
        judgement.add(top.line_of("authenticationProtocol"), top.tag, "no <authenticationProtocol>", "one")
    elif protocol == "Oauth" and (rows or not variant):
        _read_provided(name, top, reading, rows, variant, providers)
    elif (protocol, variant) in MEANINGS:
        reading.definition = _definition(name, top, reading, MEANINGS[protocol, variant])
    elif protocol in EXTERNAL_PROTOCOLS and variant in ("", *VARIANTS):
        draft.reasons.append(ELSEWHERE.get(protocol) or unavailable(draft.protocol))
    return reading


def _of(top: Element, *types: str) -> list[Element]:
    return [row for row in top.all(ROW) if row.value("parameterType") in types]


def _variant(top: Element, judgement: Judgement) -> str:
    rows = _of(top, "AuthProtocolVariant")
    place = f"{top.tag}.AuthProtocolVariant"
    if len(rows) > 1:
        judgement.add(rows[1].line, place, "a second variant", "one")
    variant = rows[0].value("parameterValue") if rows else ""
    if variant and variant not in VARIANTS and "{{" not in variant:
        expected = "one of " + ", ".join(VARIANTS)
        judgement.add(
            rows[0].line_of("parameterValue"), place, repr(variant[:80]), expected, nearest(variant, VARIANTS)
        )
    return variant


def _read_provided(
    name: str, top: Element, reading: ExternalReading, rows: list[Element], variant: str, providers: Providers
) -> None:
    """Read a credential whose OAuth client is in a provider: by its variant, or by the provider's flow."""
    judgement = reading.draft.judgement
    if len(rows) != 1:
        line, got = (rows[1].line, "a second provider") if rows else (top.line, "neither a variant nor a provider")
        expected = "one: the ExternalAuthIdentityProvider or AuthProvider whose client the browser flow is for"
        judgement.add(line, top.tag, got, expected)
        return
    kind = rows[0].value("parameterType")
    tag, what = _PROVIDED_BY[kind]
    named = rows[0].value(tag)
    provider = providers[kind].get(named)
    if provider is None:
        hint = nearest(named, tuple(providers[kind]))
        judgement.add(rows[0].line, f"{top.tag}.{kind}", repr(named[:80]), f"{what} of this project", hint)
    elif provider.definition is None:
        why = "; ".join(provider.draft.refusals)
        reading.draft.reasons.append(f"its {what.partition(' ')[2]} {named} is refused: {why}")
    else:
        meaning = MEANINGS["Oauth", variant] if variant else FLOWS.get(provider.flow, BROWSER_FLOW)
        settings = {NAMED_BY: provider.definition.name, **(meaning.settings if variant else {})}
        reading.provider = provider
        reading.origins.note(f"parameters.{NAMED_BY}", rows[0], tag)
        reading.definition = _definition(name, top, reading, replace(meaning, settings=settings))


def _definition(name: str, top: Element, reading: ExternalReading, meaning: Meaning) -> ExternalCredential:
    draft, origins = reading.draft, reading.origins
    by_group = _principals(top, reading)
    rows = Rows(top, meaning.protocol, draft, origins, by_group, meaning.settings)
    rows.read()
    reading.extra_names = rows.extra_names
    headers = headers_in(_of(top, "AuthHeader"), origins)
    for row in _of(top, "AuthHeader"):
        if row.value("parameterGroup") not in DEFAULT_GROUPS:
            got = f"header {row.value('parameterName')} in group {row.value('parameterGroup')!r}"
            draft.judgement.add(row.line, f"{top.tag}.AuthHeader", got, "headers of the whole credential")
    judge_token_names(headers, meaning.protocol, origins)
    draft.notes += literal_secrets(headers)
    own = {**meaning.settings, **rows.found.pop("", {})}
    principals = [replace(p, parameters=rows.found.get(p.name, {})) for p, _ in by_group.values()]
    parameters, whole = with_arns(name, meaning.protocol, own, principals, draft)
    return ExternalCredential(
        name,
        meaning.protocol,
        parameters=parameters,
        additional_status_codes=_status_codes(top, origins),
        headers=headers,
        principals=whole,
        label=top.value("label"),
        description=top.value("description"),
        created_by_namespace=created_by(name, top.all(ROW)),
    )


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
