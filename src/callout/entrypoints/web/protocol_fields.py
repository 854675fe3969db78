"""The fields of a protocol: drawn from what it declares, where it applies, with what is needed first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from callout.core.model.identity_providers import NAMED_BY
from callout.core.oauth2.parameters import AUTHORIZATION_ENDPOINT, SCOPE
from callout.core.protocol import AuthenticationProtocol, Parameter, declared_parameter, with_defaults
from callout.entrypoints.web.filters import words
from callout.entrypoints.web.forms import Field, Group, Kind, fields_of_parameters
from callout.entrypoints.web.visit import Visit

#: Shown at once though nothing fails without them.
_FIRST = {NAMED_BY, SCOPE.name, AUTHORIZATION_ENDPOINT.name}
#: With so few parameters none is folded away.
_FEW = 5
#: Where the form has names and values that formulas read, before they stand among the parameters.
MORE = "more_parameters"


def protocol_of(visit: Visit, definition: Mapping[str, Any]) -> type[AuthenticationProtocol] | None:
    """Return the protocol that a definition names; None where there is none of this name."""
    return visit.console.setup.catalogue.get(str(definition.get("protocol") or ""))


def protocol_choices(visit: Visit) -> tuple[tuple[str, str], ...]:
    """Return the protocols by title, to choose one."""
    return (("", "Choose…"), *((each.name, each.title) for each in visit.console.setup.catalogue.values()))


def in_force(visit: Visit, protocol: type[AuthenticationProtocol], definition: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameters that a definition has, those of its identity provider and the defaults."""
    own = {name: str(value) for name, value in (definition.get("parameters") or {}).items() if value}
    provider = visit.org.external_auth_identity_providers.get(own.get(NAMED_BY, ""))
    return with_defaults(protocol, {**(provider.parameters if provider is not None else {}), **own})


def protocol_groups(
    visit: Visit, protocol: type[AuthenticationProtocol], definition: Mapping[str, Any]
) -> tuple[Group, ...]:
    """Return the fields of what an external credential is told: what it needs, and folded what it may be told."""
    given, present = in_force(visit, protocol, definition), definition.get("parameters") or {}
    shown = [p for p in protocol.parameters if not p.secret and (p.applies(given) or _has(present, p))]
    conditions = {name for p in protocol.parameters for name in (*p.when[:1], *p.unless[:1])}
    always = conditions | _FIRST
    first = [p for p in shown if p.is_needed(given) or p.name in always or _has(present, p) or len(shown) <= _FEW]
    rest = [p for p in shown if p not in first]
    groups = [Group(protocol.title, _marked(visit, first, given, present))] if first else []
    if rest:
        groups.append(Group(f"More of {protocol.title}", fields_of(visit, rest, given), folded=True))
    groups.append(Group("Other parameters", _others(protocol, present), _OTHERS_HELP, folded=True))
    return tuple(groups)


def _marked(
    visit: Visit, parameters: Sequence[Parameter], given: Mapping[str, str], present: Mapping[str, str]
) -> tuple[Field, ...]:
    """Return the fields, those of which the identity provider has the value not marked as needed."""
    provided = {name for name, value in given.items() if value and value != present.get(name)}
    fields = fields_of(visit, parameters, given)
    return tuple(replace(each, required=each.required and each.path[-1] not in provided) for each in fields)


def overriding_fields(
    visit: Visit, protocol: type[AuthenticationProtocol], inherited: Mapping[str, str], present: Mapping[str, str]
) -> tuple[Field, ...]:
    """Return the fields of what a principal is told for itself: each says what it has where it is left empty."""
    in_all = {**inherited, **present}
    usable = [p for p in protocol.parameters if not p.secret and (p.applies(in_all) or _has(present, p))]
    fields = fields_of(visit, [p for p in usable if p.name != NAMED_BY])
    fields += tuple(Field(("parameters", n), n) for n in sorted(in_all) if declared_parameter(protocol, n) is None)
    usual = {p.name: p.default or "" for p in usable} | dict(inherited)
    return tuple(
        replace(each, required=False, redraws=False, help=_inheriting(each.help, usual.get(each.path[-1], "")))
        for each in fields
    )


def settled(visit: Visit, definition: dict[str, Any], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Take out the parameters of a protocol that was left, and empty ones; put added ones among them.

    `before` names the protocol that there was; None: nobody knows, and no parameter of any other protocol stays.
    """
    added = {str(row.get("name", "")): row.get("value", "") for row in definition.pop(MORE, None) or ()}
    parameters = {**(definition.get("parameters") or {}), **added}
    protocol = protocol_of(visit, definition)
    others = visit.console.setup.catalogue.values() if before is None else filter(None, (protocol_of(visit, before),))
    left = tuple(others)
    given = in_force(visit, protocol, {"parameters": parameters}) if protocol is not None else {}
    for name, value in list(parameters.items()):
        declared = declared_parameter(protocol, name) if protocol is not None else None
        is_of_left = declared is None and any(declared_parameter(each, name) for each in left)
        if is_of_left or (not value and (declared is None or not declared.is_needed(given))):
            del parameters[name]
    return {**definition, "parameters": parameters}


_OTHERS_HELP = "Names and values that formulas read, such as {!$Credential.Orders.tenant}. They are not secret."


def _others(protocol: type[AuthenticationProtocol], present: Mapping[str, str]) -> tuple[Field, ...]:
    free = [name for name in sorted(present) if declared_parameter(protocol, name) is None]
    added = (Field(("name",), "Name"), Field(("value",), "Value"))
    own = (Field(("parameters", name), name, help="Empty: it goes.") for name in free)
    return (*own, Field((MORE,), "Parameters to add", Kind.ROWS, fields=added, row="parameter"))


def _has(present: Mapping[str, Any], parameter: Parameter) -> bool:
    return any(
        value and (name == parameter.name or name.startswith(f"{parameter.name}.")) for name, value in present.items()
    )


def fields_of(
    visit: Visit, parameters: Sequence[Parameter], given: Mapping[str, str] | None = None
) -> tuple[Field, ...]:
    """Return the fields of parameters; where it is known what is `given`, those are marked that nothing works without."""
    drawn = fields_of_parameters(parameters, certificates=sorted(visit.org.certificates))
    return tuple(_finished(visit, *each, given) for each in zip(parameters, drawn, strict=True))


def _finished(visit: Visit, parameter: Parameter, field: Field, given: Mapping[str, str] | None) -> Field:
    """Say what a field is needed for, and what could be chosen in it."""
    told = " ".join((_sentence(field.help), *_conditions(parameter)))
    field = replace(field, help=told, required=given is not None and parameter.is_needed(given))
    if parameter.name == NAMED_BY:
        providers = visit.org.external_auth_identity_providers
        choices = (("", "None"), *((name, providers[name].label or name) for name in sorted(providers)))
        see = ("External Auth Identity Providers", "/setup/identity-providers")
        return replace(
            field, label="External Auth Identity Provider", kind=Kind.CHOICE, choices=choices, redraws=True, see=see
        )
    if parameter.key_pair:
        return replace(field, see=("Certificates and keys", "/setup/certificates"))
    return field


def _conditions(parameter: Parameter) -> Iterator[str]:
    if parameter.when:
        yield f"Only where {_condition(parameter.when)}."
    if parameter.unless and parameter.required:
        yield f"Not needed where {_condition(parameter.unless)}."


def _condition(condition: tuple[str, ...]) -> str:
    name, *values = condition
    return f"{words(name)} is {' or '.join(values)}" if values else f"{words(name)} is given"


def _inheriting(told: str, value: str) -> str:
    return f"{_sentence(told)} Empty: {value}, as its external credential has it.".strip() if value else told


def _sentence(text: str) -> str:
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."
