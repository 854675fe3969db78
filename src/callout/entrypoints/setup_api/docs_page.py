"""The docs page of the setup API, at `/api/docs`: made on the server from the operations table, and needs no script.

What it shows is public, like the OpenAPI document: it names operations, and nothing of what is defined.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from callout.core.reasons import REASONS
from callout.engine.operations import OPERATION_REASONS, OPERATIONS, Operation
from callout.engine.operations.refusals import reasons_of
from callout.entrypoints.rendering import Files, Templates
from callout.entrypoints.setup_api.reference import (
    PREFIX,
    REFERENCES,
    FieldTold,
    Schema,
    answer_schema,
    curl,
    fields_of,
    group_of,
    groups,
    schemas,
    slug_of,
    who_may,
)

PATH = "/api/docs"
#: So many operations a search shows whole; of more it lists them.
MOST_WHOLE = 6
#: Longest text that is searched for, in characters.
LONGEST_SEARCH = 100

_FOLDER = Path(__file__).parent
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_WORDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "null": "null"}
_FORMATS = {"date-time": "time"}


class DocsPages:
    """The pages. `base` tells the server's own address, `commands` an example of a command by operation."""

    def __init__(self, base: Callable[[], str], commands: Callable[[], Mapping[str, str]], version: str) -> None:
        self._base = base
        self._commands = commands
        self._version = version
        self._templates = Templates(_FOLDER / "templates", {"slug": slug_of})
        self._files = Files(_FOLDER / "files")

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route(PATH, self._start),
            Route(f"{PATH}/reasons", self._reasons),
            Route(f"{PATH}/files/{{name}}", self._file),
            Route(f"{PATH}/{{group}}", self._group),
        ]

    async def _start(self, request: Request) -> Response:
        """Every operation, one line each; or those that a search finds."""
        asked = request.query_params.get("q", "")[:LONGEST_SEARCH].strip()
        found = matching(asked)
        whole = [self._told(each) for each in found] if asked and len(found) <= MOST_WHOLE else []
        listed = {} if whole else {g: kept for g, all_ in groups().items() if (kept := [o for o in all_ if o in found])}
        return self._page("index", asked=asked, found=found, whole=whole, listed=listed)

    async def _group(self, request: Request) -> Response:
        """Every operation of one group, whole."""
        for group, operations in groups().items():
            if slug_of(group) == request.path_params["group"]:
                return self._page("group", group=group, whole=[self._told(each) for each in operations])
        return self._page("missing", 404)

    async def _reasons(self, _: Request) -> Response:
        """Every reason."""
        return self._page("reasons", reasons=(*REASONS, *OPERATION_REASONS))

    async def _file(self, request: Request) -> Response:
        return self._files.answer(request.path_params["name"])

    def _page(self, name: str, status: int = 200, **members: Any) -> Response:
        given = {"asked": "", "groups": list(groups()), "version": self._version, "count": len(OPERATIONS), **members}
        return HTMLResponse(self._templates.render(f"{name}.html", given), status, _HEADERS)

    def _told(self, operation: Operation) -> Mapping[str, Any]:
        """Return what the page says of one operation."""
        return {
            "operation": operation,
            "group": group_of(operation),
            "path": PREFIX + operation.path,
            "who": who_may(operation),
            "fields": [_field(each) for each in fields_of(operation)],
            "curl": curl(operation, self._base()),
            "command": self._commands().get(operation.name),
            "answer": answer_of(operation.name),
            "reasons": reasons_of(operation),
        }


def matching(asked: str) -> Sequence[Operation]:
    """Return the operations in which every word that is asked for stands: in the name, path, summary or a field."""
    words = asked.lower().split()
    return [operation for operation in OPERATIONS if all(word in _searched(operation) for word in words)]


@cache
def _searched(operation: Operation) -> str:
    fields = (f"{field.name} {field.meaning}" for field in fields_of(operation))
    texts = (operation.name, operation.method, PREFIX + operation.path, operation.summary, group_of(operation), *fields)
    return " ".join(texts).lower()


def _field(field: FieldTold) -> Mapping[str, Any]:
    default = field.schema.get("default")
    shown = None if field.required or default in (None, "", [], {}, False) else str(default)
    return {
        "name": field.name,
        "place": field.place,
        "required": field.required,
        "kind": worded(field.schema),
        "meaning": field.meaning,
        "default": shown,
    }


def worded(schema: Schema) -> str:
    """Say in words what a value may be."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(worded(each) for each in schema["anyOf"]))
    if "enum" in schema:
        return ", ".join("null" if each is None else str(each) for each in schema["enum"])
    if "$ref" in schema:
        return worded(schemas()[schema["$ref"].removeprefix(REFERENCES)])
    if schema.get("type") == "array":
        return f"list of {worded(schema.get('items') or {})}"
    if schema.get("type") == "object":
        more = schema.get("additionalProperties")
        return f"object of {worded(more)}" if isinstance(more, dict) else "object"
    words = _FORMATS.get(schema.get("format", ""), _WORDS.get(schema.get("type", ""), "any value"))
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f"{words}, {least} to {most}"
    return words if least is None else f"{words}, {least} or more"


@cache
def answer_of(name: str) -> str:
    """Sketch the shape of an operation's answer: its members, each with what it may be."""
    operation = next(operation for operation in OPERATIONS if operation.name == name)
    return _sketched(answer_schema(operation), "")


def _sketched(schema: Schema, indent: str) -> str:
    if "$ref" in schema:
        return _sketched(schemas()[schema["$ref"].removeprefix(REFERENCES)], indent)
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_sketched(each, indent) for each in schema["anyOf"]))
    if "prefixItems" in schema:
        return f"[{', '.join(_sketched(each, indent) for each in schema['prefixItems'])}]"
    if schema.get("type") == "array" and "items" in schema:
        return f"[{_sketched(schema['items'], indent)}, …]"
    if "properties" not in schema:
        return worded(schema)
    inner = indent + "  "
    required = schema.get("required", ())
    members = (
        f"{inner}{name}{'' if name in required else '?'}: {_sketched(member, inner)}\n"
        for name, member in schema["properties"].items()
    )
    return "{\n" + "".join(members) + indent + "}"
