"""Authentication protocols as data: what each is told, so that a client can draw the form of it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from callout.core.protocol import AuthenticationProtocol, Parameter, with_defaults
from callout.engine.setup import Result, Setup, found


async def list_protocols(setup: Setup) -> Result:
    """List every protocol, with its parameters."""
    return {"protocols": [_shown(protocol) for protocol in setup.catalogue.values()]}


async def show_protocol(setup: Setup, name: str) -> Result:
    """Show one protocol."""
    return _shown(found(setup.catalogue, name, "protocols", "an authentication protocol"))


def _shown(protocol: type[AuthenticationProtocol]) -> Result:
    given = with_defaults(protocol, {})
    return {
        "name": protocol.name,
        "title": protocol.title,
        "help": (sys.modules[protocol.__module__].__doc__ or "").strip(),
        "docs": f"docs/reference/protocols/{protocol.name}.md",
        "principal_types": [each.value for each in protocol.principal_types],
        "warning": protocol.warning,
        "interactive": protocol.interactive,
        "obtains": protocol.obtains,
        "writes": list(protocol.writes),
        "parameters": [parameter_members(parameter, given) for parameter in protocol.parameters],
    }


def parameter_members(parameter: Parameter, given: Mapping[str, str]) -> dict[str, Any]:
    """Return one parameter as JSON members; `given` are the values by which it is judged to be required.

    `when` and `unless` are `{parameter, values}`: it is there where that has one of the values, or any where none follow.
    """
    return {
        "name": parameter.shown_name,
        "help": parameter.help,
        "secret": parameter.secret,
        "required": parameter.is_needed(given),
        "default": parameter.default,
        "choices": list(parameter.choices),
        "url": parameter.url,
        "pointer": parameter.pointer,
        "formula": parameter.formula,
        "key_pair": parameter.key_pair,
        "key": parameter.key,
        "reserved": list(parameter.reserved),
        "between": list(parameter.between) if parameter.between is not None else None,
        "pattern": parameter.pattern,
        "when": _condition(parameter.when),
        "unless": _condition(parameter.unless),
        "always_required": parameter.required
        and parameter.default is None
        and not parameter.unless
        and not parameter.when,
    }


def _condition(condition: tuple[str, ...]) -> dict[str, Any] | None:
    return {"parameter": condition[0], "values": list(condition[1:])} if condition else None
