"""Remedies as buttons: what a printed command would change is shown first, then applied, then one is back where one was."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from starlette.responses import Response

from callout.core.errors import Refused
from callout.engine.operations.preview import PREVIEWED
from callout.engine.printed_commands import applicable
from callout.entrypoints.web.sections import Page
from callout.entrypoints.web.sign_in import own_path
from callout.entrypoints.web.visit import Visit, address

#: Verbs of commands that make what has no page yet.
_MAKING = frozenset({"create", "install"})
#: Where what a command does by hand is done in the console: by its first two words.
_PLACES = {
    "secret set": ("principal", "Set its values"),
    "connect": ("principal", "Connect"),
    "named-credential": ("named-credentials", "Open the named credential"),
    "external-credential": ("external-credentials", "Open the external credential"),
    "permission-set": ("permission-sets", "Open the permission set"),
    "permission-set-group": ("permission-set-groups", "Open the group"),
    "profile": ("profiles", "Open the profile"),
    "user": ("users", "Open the user"),
    "identity-provider": ("identity-providers", "Open the identity provider"),
    "certificate": ("certificates", "Open the certificate"),
    "approvals": ("approvals", "Open the request"),
    "package": ("packages", "Open the package"),
}


@dataclass(frozen=True, slots=True)
class Mending:
    """One remedy. With an `operation` it is a button, with a `path` a page to go to; `command` does it by hand."""

    text: str
    command: str = ""
    operation: str = ""
    arguments: str = "{}"
    path: str = ""
    label: str = ""


def mendings(
    visit: Visit,
    remedies: Iterable[str],
    commands: Sequence[str],
    external: str | None = None,
    principal: str | None = "",
) -> list[Mending]:
    """Return remedies as they are offered to who asks: only what they may do is a button, what they may open a link.

    Where no remedy leads anywhere, the last one leads to the `principal` of the `external` credential that it is about.
    """
    found = [_mending(visit, text, commands) for text in remedies]
    parts = ("external-credentials", external or "", *(("principals", principal) if principal else ()))
    if not found or not external or any(each.operation or each.path for each in found):
        return found
    label = "Open the principal" if principal else "Open the external credential"
    path = address(*parts)
    return [*found[:-1], replace(found[-1], path=path, label=label)] if visit.opens(path) else found


def _mending(visit: Visit, text: str, commands: Sequence[str]) -> Mending:
    command = next((each for each in commands if text.endswith(each)), "")
    words = text.removesuffix(command).rstrip(": ") if command else text
    change = applicable(command) if command else None
    if change is not None and change.operation in PREVIEWED and visit.may(change.operation):
        return Mending(words, command, change.operation, json.dumps(dict(change.arguments)))
    path, label = _place(command)
    if not visit.opens(path):
        path = label = ""
    return Mending(words, command, path=path, label=label)


def _place(command: str) -> tuple[str, str]:
    try:
        program, *words = shlex.split(command)
    except ValueError:  # no command, or a text in angle brackets
        return "", ""
    for known in (" ".join(words[:2]), " ".join(words[:1])):
        if program == "callout" and known in _PLACES:
            kind, label = _PLACES[known]
            rest = [word for word in words[len(known.split()) :] if not word.startswith("-")]
            if not rest or rest[0] in _MAKING:
                return "", ""
            name = rest[0] if kind == "principal" else rest[1] if len(rest) > 1 else ""
            if kind == "principal":
                external, slash, principal = name.partition("/")
                path = address("external-credentials", external, "principals", principal)
                return (path + ("#values" if known == "secret set" else ""), label) if slash else ("", "")
            return (address(kind, name), label) if name else ("", "")
    return "", ""


async def mend(visit: Visit) -> Response:
    """Show what an operation would change; with `do=apply`, apply it and go back."""
    operation, back = visit.form.text("operation"), own_path(visit.form.text("next"))
    arguments = read_arguments(visit.form.text("arguments", "{}"))
    if operation not in PREVIEWED:
        raise Refused("malformed_request", f"got operation {operation[:80]!r}; expected one that can be shown first")
    if visit.form.text("do") == "apply":
        done = await visit.run(operation, **arguments)
        return visit.go(back, str(done.get("message") or "Applied."))
    plan = await visit.run("preview", operation=operation, arguments=arguments)
    return visit.page(
        "remedy.html",
        plan=plan,
        operation=operation,
        arguments=json.dumps(arguments),
        command=visit.form.text("command"),
        back=back,
    )


def read_arguments(text: str) -> dict[str, Any]:
    """Read what an operation is given. Raises `Refused(malformed_request)`."""
    try:
        members = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        members = None
    if not isinstance(members, Mapping):
        raise Refused("malformed_request", "got arguments that are no JSON object; expected those of the operation")
    return dict(members)


PAGES = (Page("/setup/remedy", post=mend),)
