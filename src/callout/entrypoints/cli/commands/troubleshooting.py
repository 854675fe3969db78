"""Commands that say why callouts fail, before and after they did, and apply what mends them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cyclopts import App

from callout.entrypoints.cli.commands.calling import ladder
from callout.entrypoints.cli.errors import UsageError
from callout.entrypoints.cli.output import Lines, Result, command_line, exit_code, remedy_line, text
from callout.entrypoints.cli.session import Session
from callout.entrypoints.cli.where import HERE, Given, Switch, Where

Change = Mapping[str, Any]


def register(app: App) -> None:
    """Add these commands."""
    app.command(can)
    app.command(troubleshoot)


async def can(user: str, name: str, /, *, namespace: str | None = None, where: Where = HERE, session: Given) -> int:
    """Say whether a user may make callouts by a name, rung by rung. Nothing is sent.

    The exit code is 0 for yes, else that of the reason which a callout would end with.

    Example: `callout can alice Orders --namespace acme`

    Parameters
    ----------
    user:
        Who would call.
    name:
        Name of the named credential.
    namespace:
        Package whose code would call.
    """
    result = await session.run(where, "can", {"user": user, "name": name, "namespace": namespace})
    session.output.result(result, _answered)
    return 0 if result["allowed"] else exit_code(result["blame"])


def _answered(result: Result) -> Lines:
    who = f"{result['user']} (package {result['namespace']})" if result["namespace"] else result["user"]
    if result["allowed"]:
        principal = f" as {result['principal']}" if result["principal"] else ""
        yield text(f"yes: {who} may make callouts by {result['named_credential']}{principal}", "green")
    else:
        yield text(f"no: {who} may not make callouts by {result['named_credential']}", "red")
    yield from ladder(result)


async def troubleshoot(
    name: str | None = None,
    /,
    *,
    user: str | None = None,
    apply: Switch = False,
    yes: Switch = False,
    where: Where = HERE,
    session: Given,
) -> int:
    """Find out why recent callouts failed: what happened, the one cause, and the exact change that mends it.

    The exit code is 0 where nothing is left to mend, else that of the first finding that is left.

    Example: `callout troubleshoot`

    Example: `callout troubleshoot Orders --user alice --apply`

    Parameters
    ----------
    name:
        Name of the named credential; default all.
    user:
        Whose callouts are looked at; default everyone's.
    apply:
        Apply the changes, after asking once.
    yes:
        Do not ask.
    """
    request = {"name": name, "user": user}
    with session.output.working("Reading recent callouts …"):
        result = dict(await session.run(where, "troubleshoot", request))
    changes = _changes(result)
    left = result["findings"]
    if apply:
        result |= {"applied": [], "left": left}
    if apply and changes:
        _confirm(session, result, changes, asking=not yes)
        result["applied"] = await _apply(session, where, changes)
        left = (await session.run(where, "troubleshoot", request))["findings"]
        result["left"] = left
    if not apply or session.output.machine or yes or not changes:
        session.output.result(result, _found)
    else:
        session.output.result(result, _done)
    return exit_code(left[0]["blame"]) if left else 0


def _changes(result: Result) -> list[Change]:
    found = {change["command"]: change for finding in result["findings"] for change in finding["changes"]}
    return list(found.values())


def _confirm(session: Session, result: Result, changes: Sequence[Change], *, asking: bool) -> None:
    if not asking:
        return
    if session.output.machine or not session.stdin.isatty():
        raise UsageError("got --apply where nobody can be asked; expected --yes with it")
    session.output.result(result, _found)
    session.output.note("")
    for change in changes:
        session.output.note(f"  {change['command']}")
    session.output.note(f"Apply {_counted(len(changes), 'change')}? [y/N]")
    if session.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError("got no yes; nothing was changed")


async def _apply(session: Session, where: Where, changes: Sequence[Change]) -> list[dict[str, Any]]:
    """Run the operation of each change, as its command would. Where one is refused, those before it stay applied."""
    applied: list[dict[str, Any]] = []
    for change in changes:
        try:
            told = await session.run(where, change["operation"], change["arguments"])
        except Exception:
            for done in applied:
                session.output.note(f"applied: {done['command']}")
            session.output.note(f"refused: {change['command']}")
            raise
        applied.append({"command": change["command"], "message": told.get("message", "done")})
    return applied


def _found(result: Result) -> Lines:
    since = f" since {result['since']}" if result["since"] else ""
    looked = f"{_counted(result['looked_at'], 'callout')}{since} looked at"
    if not result["findings"]:
        yield text(f"Nothing to mend: {looked}.", "green")
    for finding in result["findings"]:
        yield from _finding(finding)
        yield text("")
    if result["findings"]:
        yield text(f"{_counted(len(result['findings']), 'cause')} to mend; {looked}.")
    if result["mended"]:
        yield text(f"{_counted(len(result['mended']), 'earlier cause')} mended, or without object, since.")
    yield from _done(result)


def _finding(finding: Result) -> Lines:
    row = f"{finding['row']}  " if finding["row"] else ""
    yield text(f"{row}{finding['what']}", "bold")
    package = f" (package {finding['namespace']})" if finding["namespace"] else ""
    who = ", ".join(finding["users"]) or "an unknown caller"
    if finding.get("on_behalf_of"):
        who = f"{finding['user']} on behalf of {finding['on_behalf_of']}"
    names = ", ".join(finding["named_credentials"])
    often = f"{_counted(finding['count'], 'callout')} of {who}{package} by {names}"
    yield text(f"  {often}, last {finding['last_at']} ({finding['callout_id']})")
    yield text(f"  cause: {finding['cause']}")
    yield from (text(f"  also missing: {missing}") for missing in finding["also_missing"])
    if finding["evidence"]:
        yield text(f"  evidence: {finding['evidence']}")
    if finding["about"]:
        yield from (text(f"  {line}") for line in _about(finding["about"]))
    yield from (remedy_line(remedy) for remedy in finding["remedy"])
    yield command_line("  to see that it works: ", finding["see"])


def _about(about: Result) -> list[str]:
    maker = f"code of package {about['created_by_namespace']}" if about["created_by_namespace"] else "an admin"
    users = ", ".join(about["could_call"]) or "nobody yet"
    more = about["could_call_count"] - len(about["could_call"])
    beyond = f" and {more} more" if more else ""
    atleast = "" if about["could_call_complete"] else ", at least"
    return [
        f"made by: {maker}",
        f"points to: {about['url']}",
        f"would spend: {', '.join(about['principals']) or 'no principal'}",
        f"could be called by: {users}{beyond}{atleast}; packages: {', '.join(about['allowed_namespaces']) or 'none'}",
    ]


def _done(result: Result) -> Lines:
    for applied in result.get("applied", ()):
        yield text(f"applied: {applied['command']}", "green")
        yield text(f"  {applied['message']}")
    for finding in result.get("left", ()):
        yield text(f"left to mend by hand: {finding['cause']}")
        yield from (remedy_line(remedy) for remedy in finding["remedy"])
    if result.get("applied"):
        seeing = dict.fromkeys(finding["see"] for finding in result["findings"])
        yield from (command_line("to see that it works: ", command) for command in seeing)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
