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


#: Characters of a command that are read, more than any remedy has: whoever has a key may ask, and reading takes long.
LONGEST = 10_000
Options = Mapping[str, list[str]]
Arguments = Mapping[str, Any]


def applicable(command: str) -> Applicable | None:
    """Read a printed command; None for one that needs a person."""
    if len(command) > LONGEST:
        return None
    try:
        program, *words = shlex.split(command)
    except ValueError:  # nothing, or a quote that is not closed
        return None
    read = _COMMANDS.get(tuple(words[:2]))
    if program != "callout" or read is None:
        return None
    operation, count, arguments_of, known = read
    positional, options = _split(words[2:], _SEVERAL.get(operation, ()))
    if len(positional) != count or not options.keys() <= set(known):
        return None  # with an option that is not read here it would be another change
    try:
        return Applicable(command, operation, arguments_of(positional, options))
    except ValueError:  # a word that is no number
        return None


def _split(words: Sequence[str], several: Sequence[str]) -> tuple[list[str], Options]:
    """Tell options, each with its word (`several`: with all up to the next option), from the other words."""
    positional: list[str] = []
    options: dict[str, list[str]] = {}
    pending = list(reversed(words))
    while pending:
        word = pending.pop()
        if not word.startswith("--"):
            positional.append(word)
            continue
        given = options.setdefault(word, [])
        for _ in range(len(pending) if word in several else 1):
            if not pending or pending[-1].startswith("--"):
                break
            given.append(pending.pop())
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


def _grants(positional: list[str], options: Options) -> Arguments:
    return {
        "name": positional[0],
        "principals": options.get("--principal", []),
        "methods": options.get("--method", []),
        "paths": options.get("--path", []),
    }


def _key_limit(positional: list[str], options: Options) -> Arguments:
    return {"prefix": positional[0], "named_credentials": options.get("--named-credential", [])}


def _status_code(positional: list[str], _: Options) -> Arguments:
    return {"name": positional[0], "status": int(positional[1])}


def _approval(positional: list[str], options: Options) -> Arguments:
    assigned = options.get("--assign", [])
    return {
        "id": positional[0],
        "permission_set": assigned[0] if assigned else None,
        "users": assigned[1:],
        "principal": next(iter(options.get("--principal", [])), None),
    }


def one_approval_each(findings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give findings that wait on one approval the same command, with the users of all: it can be given once only.

    Users of another permission set or principal than the first are left: once it is approved, theirs is a grant.
    """
    waiting: dict[str, list[Mapping[str, Any]]] = {}
    for finding in findings:
        for change in () if finding["mended"] else finding["changes"]:
            if change["operation"] == "approvals.approve":
                waiting.setdefault(change["arguments"]["id"], []).append(change)
    instead = {change["command"]: _approval_of_all(changes) for changes in waiting.values() for change in changes}
    return [_reworded(finding, instead) for finding in findings]


def _approval_of_all(changes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    granting = [change["arguments"] for change in changes if change["arguments"]["permission_set"]]
    if not granting:
        return dict(changes[0])
    first = granting[0]
    same = [a for a in granting if all(a[part] == first[part] for part in ("permission_set", "principal"))]
    users = list(dict.fromkeys(user for arguments in same for user in arguments["users"]))
    words = ["callout", "approvals", "approve", first["id"], "--assign", first["permission_set"], *users]
    words += ["--principal", first["principal"]] if first["principal"] is not None else []
    return {"command": shlex.join(words), "operation": "approvals.approve", "arguments": {**first, "users": users}}


def _reworded(finding: Mapping[str, Any], instead: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Put other changes in the place of some, in the remedies too."""
    made = dict(finding)
    made["changes"] = [instead.get(change["command"], change) for change in finding["changes"]]
    for change in finding["changes"]:
        old = change["command"]
        new = instead.get(old, change)["command"]
        made["remedy"] = [text.removesuffix(old) + new if text.endswith(old) else text for text in made["remedy"]]
        made["remedy_commands"] = [new if command == old else command for command in made["remedy_commands"]]
    return made


#: Options of an operation's command that take every word up to the next option.
_SEVERAL: Mapping[str, Sequence[str]] = {"approvals.approve": ("--assign",)}

#: What is read of each command: its operation, how many words it has, its arguments, its options. Left to a person is
#: what an admin may have meant (a user made inactive), and what somebody has to know of the external system.
_COMMANDS: Mapping[tuple[str, ...], tuple[str, int, Callable[[list[str], Options], Arguments], tuple[str, ...]]] = {
    ("named-credential", "enable"): ("named_credential.enable", 1, _named("name"), ()),
    ("named-credential", "disable"): ("named_credential.disable", 1, _named("name"), ()),
    ("named-credential", "allow-namespace"): ("named_credential.allow_namespace", 2, _named("name", "namespace"), ()),
    ("named-credential", "allow-method"): ("named_credential.allow_method", 2, _named("name", "method"), ()),
    ("named-credential", "allow-path"): ("named_credential.allow_path", 2, _named("name", "path"), ()),
    ("external-credential", "add-status-code"): ("external_credential.add_status_code", 2, _status_code, ()),
    ("approvals", "approve"): ("approvals.approve", 1, _approval, ("--assign", "--principal")),
    ("package", "install"): ("package.install", 1, _named("namespace"), ()),
    ("permission-set", "assign"): ("permission_set.assign", 2, _named("name", "user"), ()),
    ("permission-set", "create"): (
        "permission_set.create",
        1,
        _permission_set,
        ("--principal", "--user-external-credential", "--assign"),
    ),
    ("permission-set", "grant"): ("permission_set.grant", 1, _grants, ("--principal", "--method", "--path")),
    ("profile", "grant"): ("profile.grant", 1, _grants, ("--principal", "--method", "--path")),
    ("key", "limit"): ("key.limit", 1, _key_limit, ("--named-credential",)),
}
