"""Commands on all definitions at once: plan, apply, export, import."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from callout.entrypoints.cli.errors import UsageError
from callout.entrypoints.cli.output import Lines, Result, text
from callout.entrypoints.cli.session import Session
from callout.entrypoints.cli.where import HERE, Given, Switch, Where

#: A manifest on standard input is called this in errors.
STANDARD_INPUT = "standard input"

ManifestFile = Annotated[Path, Parameter(alias="-f", allow_leading_hyphen=True)]


def register(app: App) -> None:
    """Add these commands."""
    app.command(plan)
    app.command(apply)
    app.command(export)
    importing = App(name="import", help="Bring definitions from elsewhere.")
    importing.command(salesforce)
    app.command(importing)


async def plan(
    *,
    file: ManifestFile,
    prune: Switch = False,
    namespace: str | None = None,
    where: Where = HERE,
    session: Given,
) -> int:
    """Show what applying a manifest would change. Nothing is changed.

    Example: `callout plan -f callout.yaml`

    Parameters
    ----------
    file:
        The manifest, YAML or JSON; `-` reads standard input.
    prune:
        Also remove definitions that a section of the manifest does not list.
    namespace:
        Plan as the code of this package: what it makes starts disabled for callouts.
    """
    with session.output.working("Planning …"):
        result = await session.run(where, "plan", _request(session, file, prune=prune, namespace=namespace))
    session.output.result(result, _planned)
    return 0


async def apply(
    *,
    file: ManifestFile,
    prune: Switch = False,
    namespace: str | None = None,
    where: Where = HERE,
    session: Given,
) -> int:
    """Make the definitions as a manifest says. Applying it again changes nothing; secrets are never deleted.

    Values under `{env: …}` and `{file: …}` are read here, where the command runs.

    Example: `callout apply -f callout.yaml`

    Parameters
    ----------
    file:
        The manifest, YAML or JSON; `-` reads standard input.
    prune:
        Also remove definitions that a section of the manifest does not list.
    namespace:
        Apply as the code of this package: what it makes starts disabled for callouts.
    """
    with session.output.working("Applying …"):
        result = await session.run(where, "apply", _request(session, file, prune=prune, namespace=namespace))
    session.output.result(result, _planned)
    return 0


def _planned(result: Result) -> Lines:
    if result["text"]:
        yield text(str(result["text"]).rstrip("\n"))
    if "message" in result:
        yield text(str(result["message"]))


async def export(
    *, output: Annotated[Path | None, Parameter(alias="-o")] = None, where: Where = HERE, session: Given
) -> int:
    """Write all definitions as a manifest; of secrets, nothing.

    Example: `callout export -o callout.yaml`

    Parameters
    ----------
    output:
        File to write; default standard output.
    """
    result = await session.run(where, "export")
    if output is not None:
        _write(output, result["manifest"])
        session.output.result({"written": str(output)}, lambda _: [text(f"Written: {output}")])
    elif session.output.machine:
        session.output.result(result, lambda _: [])
    else:
        session.output.stdout.write(result["manifest"])
    return 0


def _request(session: Session, file: Path, *, prune: bool, namespace: str | None) -> dict[str, Any]:
    manifest, source = read_manifest_file(session, file)
    folder = Path() if str(file) == "-" else file.parent
    return request_of(session, manifest, source, folder, prune=prune, namespace=namespace)


def read_manifest_file(session: Session, file: Path) -> tuple[str, str]:
    """Return the text of a manifest and what errors call it; `-` is standard input. Raises `UsageError`."""
    if str(file) == "-":
        return session.stdin.read(), STANDARD_INPUT
    try:
        manifest = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        because = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"got file {str(file)!r}, which cannot be read: {because}; expected a manifest") from None
    return manifest, str(file)


def request_of(
    session: Session, manifest: str, source: str, folder: Path, *, prune: bool = False, namespace: str | None = None
) -> dict[str, Any]:
    """Return the arguments of `plan` and `apply`. Values that the manifest refers to are read here."""
    references = references_of(manifest, source, folder, session.wiring.environment)
    return {
        "manifest": manifest,
        "source": source,
        "references": references,
        "prune": prune,
        "namespace": namespace,
    }


def references_of(manifest: str, source: str, folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Read what `{env: …}` and `{file: …}` name. What cannot be read is left out: the operation names its place."""
    from callout.core.errors import DefinitionError
    from callout.engine.manifest import SecretOrigin, SecretSource, read_manifest

    found: dict[str, str] = {}

    def resolve(wanted: SecretSource) -> str:
        if wanted.origin is SecretOrigin.ENV:
            value = environment[wanted.name]
        else:
            value = (folder / Path(wanted.name).expanduser()).read_text(encoding="utf-8")
        found[f"{wanted.origin.value}:{wanted.name}"] = value
        return value

    try:
        read_manifest(manifest, source, resolve)
    except DefinitionError:
        return found  # the operation reads it again, and says what is wrong with it
    return found


def _write(file: Path, content: str) -> None:
    try:
        file.write_text(content, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"got file {str(file)!r}, which cannot be written: {error.strerror}") from None


async def salesforce(
    directory: Path,
    /,
    *,
    apply_now: Annotated[bool, Parameter(name="--apply", negative=(), show_default=False)] = False,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    where: Where = HERE,
    session: Given,
) -> int:
    """Read a Salesforce project: report what is imported, what must be supplied by hand, what is refused; then plan.

    Example: `callout import salesforce ./force-app --apply`

    Parameters
    ----------
    directory:
        Folder of the project, in source or metadata format.
    apply_now:
        Apply what was read.
    output:
        Write what was read as a manifest to this file, instead of planning.
    """
    from callout.entrypoints.cli.importing import read_directory

    with session.output.working("Reading the project …"):
        imported = read_directory(directory)
    result: dict[str, Any] = {"report": imported.report, "manifest": imported.manifest}
    if output is not None:
        _write(output, imported.manifest)
        result["written"] = str(output)
    if apply_now or output is None:
        name = "apply" if apply_now else "plan"
        with session.output.working("Applying …" if apply_now else "Planning …"):
            result[name] = await session.run(where, name, request_of(session, imported.manifest, "import", directory))
    session.output.result(result, lambda _: _imported(imported.lines, result))
    return 0


def _imported(report: list[str], result: Mapping[str, Any]) -> Lines:
    yield from (text(line) for line in report)
    for name in ("plan", "apply"):
        if name in result:
            yield text("")
            yield from _planned(result[name])
    if "written" in result:
        yield text(f"Written: {result['written']}")
