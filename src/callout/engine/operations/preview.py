"""Preview: what an operation would change, without storing, sending or spending anything.

The operation itself is run, on a setup that keeps what it would write (`engine.recording`). Only those that write by the
setup alone can be run so: they are named here, and every other is refused, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from callout.core.errors import Refused
from callout.core.model.people import Caller
from callout.core.rules import nearest
from callout.engine.operations import requests as r
from callout.engine.operations.authorizing import authorize
from callout.engine.operations.decoding import decode
from callout.engine.operations.operation import Access, Operation, Uses
from callout.engine.operations.problems import OperationRefused
from callout.engine.printed_commands import applicable
from callout.engine.recording import recording, shown
from callout.engine.setup import Result


class Preview(r.Request):
    """An operation of the table, and what it would be given; or the `command` of a remedy, as it is printed."""

    operation: str = ""
    arguments: dict[str, Any] = msgspec.field(default_factory=dict)
    command: str = ""


#: The operations that are previewed, by what they are about.
_PREVIEWED: Mapping[str, tuple[str, ...]] = {
    "": ("apply",),
    "named_credential": (
        *("create", "set", "remove", "enable", "disable", "allow_namespace", "disallow_namespace", "present"),
        *("allow_method", "disallow_method", "allow_path", "disallow_path", "allow_replay"),
    ),
    "external_credential": (
        *("set", "remove", "add_status_code", "remove_status_code"),
        *("add_refresh_rule", "remove_refresh_rule", "set_refresh_debounce"),
    ),
    "principal": ("set", "remove"),
    "secret": ("set", "remove"),
    "token": ("revoke",),
    "identity_provider": ("set", "set_secret", "remove"),
    "user": ("set", "define", "remove"),
    "key": ("create", "rotate", "limit", "expire", "revoke"),
    "permission_set": (
        "create",
        "set",
        "remove",
        "assign",
        "unassign",
        "grant",
        "revoke",
        "let_act_for",
        "stop_acting_for",
    ),
    "permission_set_group": (
        *("create", "set", "remove", "include", "exclude", "assign", "unassign", "mute", "unmute"),
    ),
    "profile": ("create", "set", "remove", "grant", "revoke"),
    "package": ("install", "upgrade", "remove"),
    "approvals": ("approve", "reject"),
    "trusted_issuer": ("set", "set_secret", "remove"),
    "client_certificate": ("trust", "define", "forget"),
    "certificate": ("create", "import", "rotate", "remove"),
}
PREVIEWED = frozenset(f"{noun}.{verb}".lstrip(".") for noun, verbs in _PREVIEWED.items() for verb in verbs)


def preview_of(rows: Iterable[Operation]) -> Operation:
    """Return the row that previews these."""
    by_name = {operation.name: operation for operation in rows}

    async def run(uses: Uses, q: Preview, caller: Caller) -> Result:
        name, arguments = _asked(q)
        operation = by_name.get(name)
        if operation is None:
            near = nearest(name, by_name)
            hint = f" (nearest: {near})" if near else ""
            raise Refused("malformed_request", f"got operation {name!r}; expected one of the table{hint}")
        await authorize(uses, operation, caller)
        if operation.name not in PREVIEWED:
            raise OperationRefused("no_preview", f"got {operation.name}, {_because(operation)}")
        request = decode(operation, arguments)
        setup, recorded = await recording(uses.setup)
        await operation.run(replace(uses, setup=setup), request, caller)
        return {"operation": operation.name, "arguments": _shown(q, arguments), **await shown(setup, recorded)}

    return Operation(
        "preview",
        "POST",
        "/preview",
        Preview,
        "Show what an operation would change, and change, send and spend nothing",
        run,
        Access.KNOWN,
    )


def _asked(q: Preview) -> tuple[str, Mapping[str, Any]]:
    """Return the operation and its arguments. A command is read before it is known who asks: it tells nothing."""
    if bool(q.operation) == bool(q.command):
        raise Refused("malformed_request", "got operation and command, or neither; expected one of them")
    if q.operation:
        return q.operation, q.arguments
    change = applicable(q.command)
    if change is None:
        detail = "got a command that needs a person; expected a remedy that can be applied as it is printed"
        raise OperationRefused("no_preview", detail)
    return change.operation, change.arguments


def _shown(q: Preview, arguments: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return what a command was read as, so that it can be run; what was given may hold secrets, and is not repeated."""
    return arguments if q.command else None


def _because(operation: Operation) -> str:
    if operation.method == "GET":
        return "which changes nothing; expected one that does"
    return "which does what cannot be shown without doing it; expected one that changes definitions, values or keys"
