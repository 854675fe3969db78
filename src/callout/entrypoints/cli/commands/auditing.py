"""Commands that look back: the callout log, and the audit trail of admins and callouts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from callout.entrypoints.cli.errors import UsageError
from callout.entrypoints.cli.output import Lines, Result, fields, message, table, text
from callout.entrypoints.cli.session import Run
from callout.entrypoints.cli.where import HERE, Given, Switch, Where

#: How often `log --follow` asks again, in seconds.
PACE = 0.5


def register(app: App) -> None:
    """Add these commands."""
    audit = App(name="audit", help="The audit trail: every act of an admin and every callout, in a hash chain.")
    audit.command(list_acts, name="list")
    for command in (export, head, verify, prune):
        audit.command(command)
    app.command(log)
    app.command(audit)


async def log(
    *,
    limit: int = 50,
    name: str | None = None,
    user: str | None = None,
    reason: str | None = None,
    since: str | None = None,
    before: str | None = None,
    follow: Annotated[Switch, Parameter(alias="-f")] = False,
    where: Where = HERE,
    session: Given,
) -> int:
    """List recent callouts, newest first. An admin sees everyone's, others their own.

    Example: `callout log --name Orders --reason principal_not_granted --since 1h`

    Parameters
    ----------
    limit:
        How many at most, up to 1000.
    name:
        Callouts by this named credential alone.
    user:
        Callouts of this user alone.
    reason:
        Callouts that were refused for this reason alone.
    since:
        How long ago (30m, 12h, 7d), or a time such as 2030-01-31T12:00:00Z.
    before:
        A callout id: older ones alone.
    follow:
        Go on with new callouts as they are recorded, each as one line, until stopped.
    """
    wanted = {"limit": limit, "name": name, "user": user, "reason": reason, "since": since, "before": before}
    given = {option: value for option, value in wanted.items() if value is not None}
    async with session.operations(where) as run:
        found = await run("callout.log", given)
        if not follow:
            session.output.result(found, _logged)
            return 0
        await _follow(session, run, given, found)
    return 0


async def _follow(session: Given, run: Run, given: dict[str, Any], found: Result) -> None:
    while True:
        for record in reversed(found["callouts"]):
            session.output.result(record, lambda r: [text(_line(r), "" if r["allowed"] else "red")])
        cursor = found["cursor"]
        found = await run("callout.log", {**given, "cursor": cursor})
        if found["cursor"] == cursor:
            await asyncio.sleep(PACE)


def _line(record: Result) -> str:
    return "  ".join(str(cell) for cell in _cells(record) if cell)


def _cells(record: Result) -> tuple[object, ...]:
    caller = record["caller"]
    who = caller["user"] or "unknown"
    outcome = record["reason"] or ("replayed" if record["replay"] == "done" else None)
    return (
        record["at"],
        record["callout_id"],
        f"{who} ({caller['namespace']})" if caller["namespace"] else who,
        record["named_credential"],
        record["method"],
        record["path"],
        record["status"] or "left",
        outcome,
        f"{record['duration_ms']:.0f} ms",
    )


def _logged(result: Result) -> Lines:
    columns = ("at", "callout id", "caller", "named credential", "method", "path", "status", "outcome", "took")
    yield from table(columns, map(_cells, result["callouts"]), empty="No callout is recorded that fits.")
    if not result["complete"]:
        yield text("Only the newest callouts were looked through; --since and --limit narrow the search.", "dim")


async def list_acts(
    *, limit: int = 50, who: str | None = None, since: str | None = None, where: Where = HERE, session: Given
) -> int:
    """List what admins did, newest first.

    Example: `callout audit list --since 7d`

    Parameters
    ----------
    limit:
        How many at most, up to 1000.
    who:
        Acts of this admin alone.
    since:
        How long ago (12h, 7d), or a time.
    """
    return await session.show(where, "audit.list", {"limit": limit, "who": who, "since": since}, _acts)


def _acts(result: Result) -> Lines:
    rows = ((a["seq"], a["at"], a["who"], a["act"], a["what"]) for a in result["acts"])
    return table(("row", "at", "who", "act", "what"), rows, empty="No act is recorded that fits.")


async def export(
    *,
    form: Annotated[Literal["jsonl", "cef", "ocsf"], Parameter(name="--format")] = "jsonl",
    since: str | None = None,
    until: str | None = None,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    where: Where = HERE,
    session: Given,
) -> int:
    """Write every act of an admin and every callout: JSON Lines (which `audit verify FILE` verifies), CEF, or OCSF 1.2.0.

    Example: `callout audit export --format jsonl --since 30d --output trail.jsonl`

    Parameters
    ----------
    form:
        jsonl, cef or ocsf.
    since:
        What was written since: how long ago, or a time.
    until:
        What was written before: how long ago, or a time.
    output:
        File to write, readable by its owner alone; default standard output.
    """
    written = 0
    page: dict[str, Any] = {"format": form, "since": since, "until": until}
    lines: list[str] = []
    async with session.operations(where) as run:
        target = None if output is None else _created(output)
        try:
            while True:
                found = await run("audit.export", {k: v for k, v in page.items() if v is not None})
                lines = found["lines"]
                written += len(lines)
                for line in lines:
                    (session.output.stdout if target is None else target).write(line + "\n")
                if found["done"]:
                    break
                page |= {"after": found["after"], "through": found["through"]}
        finally:
            if target is not None:
                target.close()
    if output is not None:
        session.output.result({"file": str(output), "lines": written, "format": form}, _written)
    return 0


def _created(file: Path) -> Any:
    import os

    try:
        return os.fdopen(
            os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline="\n"
        )
    except OSError as error:
        raise UsageError(
            f"got --output {file}: {error.strerror}; expected a new file in a folder to write in"
        ) from None


def _written(result: Result) -> Lines:
    yield text(f"Wrote {result['lines']} lines to {result['file']}")


async def head(*, where: Where = HERE, session: Given) -> int:
    """Tell the head of the hash chain. Keep it elsewhere: `audit verify --against` later proves that nothing before it changed.

    Example: `callout audit head`
    """
    return await session.show(where, "audit.head", {}, lambda result: [text(result["head"])])


async def verify(
    file: Path | None = None, /, *, against: str | None = None, where: Where = HERE, session: Given
) -> int:
    """Verify the hash chain of the audit trail, or of a file that `audit export --format jsonl` wrote.

    The exit code is 5 where a row was edited, dropped, reordered, truncated, added or rewritten; the first is named.

    Example: `callout audit verify --against "$(cat head.txt)"`

    Example: `callout audit verify trail.jsonl`

    Parameters
    ----------
    file:
        An exported file; default the trail itself.
    against:
        A head that `audit head` printed earlier: SEQ:HASH.
    """
    with session.output.working("Verifying the audit trail …"):
        if file is None:
            result = await session.run(where, "audit.verify", {"against": against})
        else:
            result = _verified_file(file, against)
    session.output.result(result, _verified)
    return 0 if result.get("ok") else 5


def _verified_file(file: Path, against: str | None) -> Result:
    from callout.engine.audit import kept_head, verify_exported

    kept = None if against is None else kept_head(against)
    try:
        with file.open(encoding="utf-8", errors="surrogateescape", newline="\n") as lines:
            return verify_exported(lines, kept)
    except OSError as error:
        raise UsageError(f"got {file}: {error.strerror}; expected a file that audit export wrote") from None


def _verified(result: Result) -> Lines:
    yield text("The chain is whole." if result.get("ok") else "The chain is broken.", "" if result.get("ok") else "red")
    yield from fields(result, *(name for name in result if name != "ok"))


async def prune(*, before: str, dry_run: Switch = False, where: Where = HERE, session: Given) -> int:
    """Remove what was written before a time, and leave a checkpoint in the chain that says so. Export it first.

    Example: `callout audit prune --before 400d`

    Parameters
    ----------
    before:
        How long ago (400d), or a time such as 2030-01-31T12:00:00Z.
    dry_run:
        Tell what would be removed, and remove nothing.
    """
    with session.output.working("Verifying the audit trail …"):
        result = await session.run(where, "audit.prune", {"before": before, "dry_run": dry_run})
    session.output.result(result, message)
    return 0
