"""Commands on packages, and the inbox of what they ask to reach."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from callout.entrypoints.cli.commands.defining import ManifestFile, read_manifest_file
from callout.entrypoints.cli.errors import UsageError
from callout.entrypoints.cli.output import Lines, Result, command_line, fields, message, table, text
from callout.entrypoints.cli.session import Session
from callout.entrypoints.cli.where import HERE, Given, Repeated, Switch, Where


def register(app: App) -> None:
    """Add these commands."""
    package = App(name="package", help="Packages: code that the admin did not write.")
    package.command(list_packages, name="list")
    package.command(show_package, name="show")
    package.command(install_package, name="install")
    package.command(upgrade_package, name="upgrade")
    package.command(remove_package, name="remove")
    approvals = App(name="approvals", help="Approvals: what packages ask to reach, and wait for.")
    approvals.command(list_requests, name="list")
    approvals.command(show_request, name="show")
    approvals.command(approve, name="approve")
    approvals.command(reject, name="reject")
    for group in (package, approvals):
        app.command(group)


async def list_packages(*, where: Where = HERE, session: Given) -> int:
    """List installed packages, and the named credentials that allow them.

    Example: `callout package list`
    """
    return await session.show(where, "package.list", {}, _packages)


def _packages(result: Result) -> Lines:
    names = ("namespace", "label", "version", "allowed_on", "made", "keys", "overrides", "requests")
    columns = tuple(name.replace("_", " ") for name in names)
    rows = (tuple(p[name] for name in names) for p in result["packages"])
    return table(columns, rows, empty="No package is installed.")


async def show_package(namespace: str, /, *, where: Where = HERE, session: Given) -> int:
    """Show a package: what it made and waits for, and each override beside the package's own default.

    Example: `callout package show acme`
    """
    return await session.show(where, "package.show", {"namespace": namespace}, _package)


def _package(result: Result) -> Lines:
    names = ("namespace", "label", "version", "uses", "named_credentials", "external_credentials", "secrets")
    yield from fields(result, *names)
    yield from _overrides(result)
    for request in result["requests"]:
        yield command_line(
            f"waits for approval: {request['named_credential']}: ", f"callout approvals show {request['id']}"
        )


def _overrides(result: Result) -> Lines:
    if result["overrides"]:
        rows = ((o["place"], o["package"], o["local"]) for o in result["overrides"])
        yield from table(("field", "package default", "local override"), rows, empty="")


async def install_package(
    namespace: str,
    /,
    *,
    file: ManifestFile | None = None,
    label: str | None = None,
    version: str | None = None,
    where: Where = HERE,
    session: Given,
) -> int:
    """Install a package. What its manifest asks for is defined, disabled, and waits for `callout approvals approve`.

    Example: `callout package install acme -f acme.yaml --label "Acme Tools"`

    Parameters
    ----------
    namespace:
        Namespace of the package.
    file:
        The package's own manifest: its named and external credentials. `-` reads standard input.
    label:
        Text for people.
    version:
        Version of the package.
    """
    request: dict[str, Any] = {"namespace": namespace, "label": label, "version": version}
    if file is not None:
        request["manifest"], request["source"] = read_manifest_file(session, file)
    return await session.show(where, "package.install", request, _installed)


async def upgrade_package(
    namespace: str,
    /,
    *,
    file: ManifestFile,
    label: str | None = None,
    version: str | None = None,
    where: Where = HERE,
    session: Given,
) -> int:
    """Upgrade a package. Secrets, overrides, and approvals of what stays the same are kept.

    What would reach another place, or send something else, is disabled and waits for approval again.

    Example: `callout package upgrade acme -f acme-2.yaml --version 2.0`

    Parameters
    ----------
    namespace:
        Namespace of the package.
    file:
        The package's new manifest; `-` reads standard input.
    label:
        Text for people.
    version:
        Version of the package.
    """
    manifest, source = read_manifest_file(session, file)
    request = {"namespace": namespace, "label": label, "version": version, "manifest": manifest, "source": source}
    return await session.show(where, "package.upgrade", request, _installed)


def _installed(result: Result) -> Lines:
    yield text(str(result["message"]))
    yield from _overrides(result)


async def remove_package(
    namespace: str,
    /,
    *,
    credentials: Literal["keep", "disable", "delete"] | None = None,
    secrets: Literal["keep", "delete"] | None = None,
    where: Where = HERE,
    session: Given,
) -> int:
    """Remove a package, with its keys and from every named credential.

    On a terminal what is not said is asked; elsewhere the command is refused until it is said.

    Example: `callout package remove acme --credentials disable --secrets keep`

    Parameters
    ----------
    namespace:
        Namespace of the package.
    credentials:
        What becomes of the credentials that it made: keep leaves them as they are, disable leaves them disabled for
        callouts, delete removes them with the grants of their principals.
    secrets:
        What becomes of their sealed values and tokens: keep leaves them for a later credential of the same name
        that an admin makes, delete removes them for good.
    """
    request: dict[str, Any] = {"namespace": namespace, "credentials": credentials, "secrets": secrets}
    async with session.operations(where) as run:
        if session.stdin.isatty():
            shown = await run("package.show", {"namespace": namespace})
            made = [*shown["named_credentials"], *shown["external_credentials"]]
            for question, concerned in (("credentials", made), ("secrets", shown["secrets"])):
                if concerned and request[question] is None:
                    request[question] = _asked(session, question, concerned, shown["what_becomes"][question])
        result = await run("package.remove", {k: v for k, v in request.items() if v is not None})
    session.output.result(result, message)
    return 0


def _asked(session: Session, question: str, concerned: list[str], answers: dict[str, str]) -> str:
    """Ask on the terminal what becomes of the credentials or secrets. Raises `UsageError` for another answer."""
    session.output.note(f"What becomes of the {question} ({', '.join(concerned)})?")
    for answer, does in answers.items():
        session.output.note(f"  {answer}: {does}")
    session.output.note(f"Answer {', '.join(answers)}:")
    given = session.stdin.readline().strip()
    if given not in answers:
        raise UsageError(f"got answer {given!r}; expected one of {', '.join(answers)}; nothing was removed")
    return given


async def list_requests(*, where: Where = HERE, session: Given) -> int:
    """List what packages ask to reach, and wait for.

    Example: `callout approvals list`
    """
    return await session.show(where, "approvals.list", {}, _requests)


def _requests(result: Result) -> Lines:
    columns = ("id", "package", "named credential", "url", "would spend", "could call")
    rows = (
        (r["id"], r["namespace"], r["named_credential"], r["url"], r["principals"], r["could_call"])
        for r in result["requests"]
    )
    return table(columns, rows, empty="No package waits for an approval.")


async def show_request(id: str, /, *, where: Where = HERE, session: Given) -> int:  # noqa: A002 - its name for users
    """Show what a package asks, and what approving it would change.

    Example: `callout approvals show 0123456789abcdef0123456789abcdef`

    Parameters
    ----------
    id:
        The id of the request: the digest of what is asked.
    """
    return await session.show(where, "approvals.show", {"id": id}, _request)


def _request(result: Result) -> Lines:
    names = ("namespace", "named_credential", "url", "host", "path", "external_credential", "protocol", "principals")
    yield from fields(result, *names, "could_call")
    for kind, asked in sorted(result.get("asks", {}).items()):
        yield text(f"{kind.replace('_', ' ')}:")
        yield from (text(f"    {name}: {value}") for name, value in asked.items() if value not in (None, "", [], {}))
    yield text("Approving changes:")
    yield text(str(result["text"]))
    yield command_line("", result["approve"])


async def approve(
    id: str,  # noqa: A002 - its name for users
    /,
    *,
    namespace: Repeated = None,
    assign: Annotated[list[str] | None, Parameter(negative=(), consume_multiple=True, metavar="SET USER…")] = None,
    principal: str | None = None,
    yes: Switch = False,
    where: Where = HERE,
    session: Given,
) -> int:
    """Approve what a package asks: enables the endpoint, allows the package and makes the grant, together.

    What changes is shown first, and on a terminal asked for. Refused where what is asked has changed since.

    Example: `callout approvals approve 0123456789abcdef0123456789abcdef --assign "Partner Callers" alice`

    Parameters
    ----------
    id:
        The id of the request, from `callout approvals list`.
    namespace:
        Another package whose code may call too; may be given several times.
    assign:
        A permission set that gets the principal (it is made where it is new), and the users who get the set.
    principal:
        The principal that is granted; default the one with the lowest sequence number.
    yes:
        Do not ask on a terminal.
    """
    request: dict[str, Any] = {"id": id, "namespaces": namespace or [], "users": (assign or [])[1:]}
    if assign:
        request["permission_set"] = assign[0]
    if principal is not None:
        request["principal"] = principal
    async with session.operations(where) as run:
        shown = await run("approvals.approve", {**request, "dry_run": True})
        if not session.output.machine:
            session.output.result(shown, _request)
        if session.stdin.isatty() and not yes:
            session.output.note("Approve? Answer yes or no:")
            if session.stdin.readline().strip().lower() not in ("y", "yes"):
                raise UsageError("got no yes; nothing was changed")
        result = await run("approvals.approve", request)
    session.output.result(result, message)
    return 0


async def reject(id: str, /, *, where: Where = HERE, session: Given) -> int:  # noqa: A002 - its name for users
    """Reject what a package asks: it leaves the inbox, until the package asks something else.

    Example: `callout approvals reject 0123456789abcdef0123456789abcdef`

    Parameters
    ----------
    id:
        The id of the request.
    """
    return await session.show(where, "approvals.reject", {"id": id}, message)
