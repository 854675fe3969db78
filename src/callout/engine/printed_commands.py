"""The operation that a printed command runs, so that a remedy can be applied without a command line.

Remedies are printed as commands. Those that give what a callout lacked, and need nothing which only a person has (a
secret, a file, a name to choose), can be applied as they are; this reads them back.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Applicable:
    """A change that can be applied: its command, and the operation of the table that the command runs."""

    command: str
    operation: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the change as JSON has it."""
        return {"command": self.command, "operation": self.operation, "arguments": dict(self.arguments)}


_OPTIONS = frozenset({"--principal", "--user-external-credential", "--assign"})

Options = Mapping[str, list[str]]
Arguments = Mapping[str, Any]


def applicable(command: str) -> Applicable | None:
    """Read a printed command; None for one that needs a person."""
    program, *words = shlex.split(command)
    read = _COMMANDS.get(tuple(words[:2]))
    if program != "callout" or read is None:
        return None
    operation, count, arguments_of = read
    positional, options = _split(words[2:], _PAIRED.get(operation, ()))
    if len(positional) != count or not options.keys() <= _OPTIONS:
        return None  # with an option that is not read here it would be another change
    return Applicable(command, operation, arguments_of(positional, options))


def _split(words: Sequence[str], paired: Sequence[str]) -> tuple[list[str], Options]:
    """Tell options, each with its word (`paired`: with its two), from the other words."""
    positional: list[str] = []
    options: dict[str, list[str]] = {}
    pending = iter(words)
    for word in pending:
        if word.startswith("--"):
            options.setdefault(word, []).extend(next(pending, "") for _ in range(2 if word in paired else 1))
        else:
            positional.append(word)
    return positional, options


def _named(*names: str) -> Callable[[list[str], Options], Arguments]:
    return lambda positional, _: dict(zip(names, positional, strict=True))


def _permission_set(positional: list[str], options: Options) -> Arguments:
    return {
        "name": positional[0],
        "principals": options.get("--principal", []),
        "user_external_credential": options.get("--user-external-credential", []),
        "assign": options.get("--assign", []),
    }


def _status_code(positional: list[str], _: Options) -> Arguments:
    return {"name": positional[0], "status": int(positional[1])}


def _approval(positional: list[str], options: Options) -> Arguments:
    assigned = options.get("--assign", [])
    return {
        "id": positional[0],
        "permission_set": assigned[0] if assigned else None,
        "users": assigned[1::2],
        "principal": next(iter(options.get("--principal", [])), None),
    }


#: Options of an operation's command that take two words.
_PAIRED: Mapping[str, Sequence[str]] = {"approvals.approve": ("--assign",)}

_COMMANDS: Mapping[tuple[str, ...], tuple[str, int, Callable[[list[str], Options], Arguments]]] = {
    ("named-credential", "enable"): ("named_credential.enable", 1, _named("name")),
    ("named-credential", "allow-namespace"): ("named_credential.allow_namespace", 2, _named("name", "namespace")),
    ("external-credential", "add-status-code"): ("external_credential.add_status_code", 2, _status_code),
    ("approvals", "approve"): ("approvals.approve", 1, _approval),
    ("permission-set", "assign"): ("permission_set.assign", 2, _named("name", "user")),
    ("permission-set", "create"): ("permission_set.create", 1, _permission_set),
}
