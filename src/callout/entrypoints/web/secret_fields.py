"""The fields of secret values: which a principal needs, which are set. They are written, and never shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from callout.core.model.credentials import ExternalCredential, Principal
from callout.core.model.sources import parameters_of
from callout.core.protocol import CONNECTION, AuthenticationProtocol, with_defaults
from callout.engine.secret_values import names_needed
from callout.entrypoints.web.filters import words
from callout.entrypoints.web.forms import Field, Group, Kind, read
from callout.entrypoints.web.visit import Form, Visit

SECRETS = "secrets"
#: Where the form has values of names that nothing declares, before they stand among the secrets.
MORE = "more_secrets"


def secret_groups(
    visit: Visit, external: ExternalCredential, principal: Principal, held: Iterable[str]
) -> tuple[Group, ...]:
    """Return the fields of the values of a principal: what it needs and has, and folded what it may have."""
    protocol = visit.console.setup.catalogue.get(external.protocol)
    if protocol is None:
        return ()
    given = with_defaults(protocol, parameters_of(visit.org, external, principal))
    declared = {p.name: p.help for p in protocol.parameters if p.secret and p.key is None and p.applies(given)}
    needed, there = names_needed(visit.console.setup, visit.org, external, principal), {*held} - {CONNECTION}
    rest = [name for name in declared if name not in needed | there]
    first = [*(n for n in declared if n not in rest), *sorted((needed | there) - declared.keys())]

    def field(name: str) -> Field:
        label = words(name) if name in declared else name
        told = declared.get(name, "Read by a formula.")
        return Field((SECRETS, name), label, Kind.SECRET, told, name in needed - there, held=name in there)

    groups = [Group("Secret values", tuple(map(field, first)), _SEALED)] if first else []
    if rest:
        groups.append(Group("More secret values", tuple(map(field, rest)), folded=True))
    if takes_any_name(protocol):
        groups.append(Group("Secret values by name", (_BY_NAME,), _SEALED if not groups else "", folded=bool(groups)))
    return tuple(groups)


def takes_any_name(protocol: type[AuthenticationProtocol]) -> bool:
    """Say whether values may have names that the protocol does not declare whole."""
    declared = protocol.parameters
    return any(p.key for p in declared) or not any(p.secret for p in declared)


def settled_secrets(definition: dict[str, Any]) -> dict[str, Any]:
    """Put values that were added by name among the others."""
    rows = definition.pop(MORE, None) or ()
    added = {str(row.get("name", "")): row["value"] for row in rows if row.get("value")}
    return {**definition, SECRETS: {**(definition.get(SECRETS) or {}), **added}}


def read_secrets(groups: Iterable[Group], form: Form) -> Mapping[str, str]:
    """Return the values that a form sets, by name; a field that was left empty sets nothing."""
    values: Mapping[str, str] = settled_secrets(read(groups, form, {}))[SECRETS]
    return values


_SEALED = "They are sealed when they are saved, and never shown again."
_BY_NAME = Field(
    (MORE,),
    "Values to add",
    Kind.ROWS,
    "Headers and formulas read them by name, such as {!$Credential.Orders.ApiKey}.",
    fields=(Field(("name",), "Name"), Field(("value",), "Value", Kind.SECRET)),
    row="value",
)
