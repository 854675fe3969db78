"""Templates and files of the pages: the one owner of Jinja2. Everything that a template is given is escaped by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response

TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_FILE_HEADERS = {"Cache-Control": "max-age=3600", "X-Content-Type-Options": "nosniff"}


class Templates:
    """The templates of one folder. A name that a template misspells is an error, never an empty text."""

    def __init__(self, folder: Path, filters: Mapping[str, Callable[..., Any]] | None = None) -> None:
        self._environment = _environment(folder, tuple((filters or {}).items()))

    def render(self, name: str, members: Mapping[str, Any]) -> str:
        """Return the text of a template."""
        return self._environment.get_template(name).render(**members)


class Files:
    """The style sheets, scripts and pictures of one folder; they are what stands there when they are first asked for."""

    def __init__(self, folder: Path) -> None:
        self._known = {each.name: each for each in folder.iterdir() if each.suffix in TYPES}

    def answer(self, name: str) -> Response:
        """Return a file, or 404 for a name that is not there."""
        if name not in self._known:
            return Response(status_code=404)
        path = self._known[name]
        return Response(_content(path), media_type=TYPES[path.suffix], headers=_FILE_HEADERS)


@cache
def _environment(folder: Path, filters: tuple[tuple[str, Callable[..., Any]], ...]) -> Environment:
    """Return what compiles the templates of a folder, each once in a process."""
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters)
    return environment


@cache
def _content(path: Path) -> bytes:
    return path.read_bytes()
