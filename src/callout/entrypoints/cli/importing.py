"""Reads a Salesforce project from a folder and hands it to the importer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from callout.core.model.org import Org
from callout.engine.importers.salesforce import LARGEST_FILE, lines, read_project, wanted
from callout.engine.manifest import write_manifest
from callout.entrypoints.cli.errors import UsageError


@dataclass(frozen=True, slots=True)
class ImportedProject:
    """What a project came to: the report as JSON members and as lines, and its definitions as a manifest."""

    report: dict[str, Any]
    lines: list[str]
    manifest: str


def read_directory(folder: Path) -> ImportedProject:
    """Read every file of a project that matters. Raises `UsageError` where there is no such folder."""
    if not folder.is_dir():
        raise UsageError(f"got {str(folder)!r}; expected the folder of a Salesforce project")
    files = list(_files(folder))
    if not files:
        raise UsageError(
            f"got {str(folder)!r}, which has no file that is imported; expected the folder of a Salesforce project, "
            "such as force-app, with *.namedCredential-meta.xml or *.namedCredential files in it"
        )
    imported = read_project(files)
    return ImportedProject(imported.to_dict(), list(lines(imported)), write_manifest(Org.of(*imported.definitions)))


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if wanted(name) and path.is_file():
            with path.open("rb") as file:
                yield name, file.read(LARGEST_FILE + 1)
