"""The description of the setup API, made from the operations table: as OpenAPI 3.1 and as a page."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from callout.core.secret import Secret
from callout.engine.operations import OPERATIONS, Access, Operation
from callout.engine.operations.demands import administering

_WHO = {
    Access.KNOWN: "any caller with a key, about themselves; with {} about everyone",
    Access.ADMINISTRATOR: "{}",
    Access.ADMINISTRATOR_OR_PACKAGE: "{}, and package code with the key of a user who has it",
}


def _who(operation: Operation) -> str:
    """Say who may run an operation, by admin permission."""
    return _WHO[operation.access].format(" or ".join(f"`{p}`" for p in administering(operation)))


def openapi(version: str) -> dict[str, Any]:
    """Return the OpenAPI document."""
    requests = sorted({o.request for o in OPERATIONS}, key=lambda request: request.__name__)
    _, components = msgspec.json.schema_components(
        requests, schema_hook=_schema, ref_template="#/components/schemas/{name}"
    )
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(f"/api/v1{operation.path}", {})[operation.method.lower()] = _described(operation, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Callout setup API", "version": version},
        "security": [{"callout_key": []}, {"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": {**components, "Problem": _PROBLEM},
            "securitySchemes": {
                "callout_key": {"type": "apiKey", "in": "header", "name": "Callout-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def api_reference() -> str:
    """Return a page with one row for each operation."""
    rows = [f"| `{o.method}` | `/api/v1{o.path}` | {_fields(o)} | {o.summary} | {_who(o)} |\n" for o in OPERATIONS]
    top = (
        "# Setup API\n\n"
        "Callers prove who they are with `Callout-Key: co_…` or `Authorization: Bearer co_…`. `POST`, `PUT` and `PATCH` "
        "take a JSON object, the others a query. A refusal is `application/problem+json` with `reason`, `blame`, "
        "`remedy` and, for definitions, `problems`. `/api/v1/openapi.json` is the machine-readable form; `/healthz`, "
        "`/readyz`, `/metrics` and `/.well-known/callout` need no key.\n\n"
    )
    return top + "| method | path | fields | what it does | for |\n| --- | --- | --- | --- | --- |\n" + "".join(rows)


def _fields(operation: Operation) -> str:
    in_path = _in_path(operation)
    fields = [field for field in msgspec.structs.fields(operation.request) if field.name not in in_path]
    return ", ".join(f"`{field.name}`{'' if field.required else '?'}" for field in fields) or "–"


def _in_path(operation: Operation) -> list[str]:
    return re.findall(r"{(\w+)}", operation.path)


def _described(operation: Operation, components: dict[str, Any]) -> dict[str, Any]:
    schema = components[operation.request.__name__]
    in_path = _in_path(operation)
    parameters = [
        {
            "name": name,
            "in": "path" if name in in_path else "query",
            "required": name in schema.get("required", ()),
            "schema": member,
        }
        for name, member in schema["properties"].items()
        if name in in_path or not operation.reads_body
    ]
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": f"For {_who(operation)}.",
        "parameters": parameters,
        "responses": {
            "200": {"description": "Done", "content": {"application/json": {"schema": {"type": "object"}}}},
            "default": {
                "description": "Refused",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    }
    body = {name: member for name, member in schema["properties"].items() if name not in in_path}
    if operation.reads_body and body:
        required = [name for name in schema.get("required", ()) if name in body]
        content = {"type": "object", "properties": body, "required": required, "additionalProperties": False}
        described["requestBody"] = {"required": bool(required), "content": {"application/json": {"schema": content}}}
    return described


def _schema(kind: type) -> dict[str, Any]:
    if kind is Secret:
        return {"type": "string", "writeOnly": True}
    raise NotImplementedError(kind.__name__)


_TEXT: dict[str, Any] = {"type": "string"}
_PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "reason", "blame", "remedy"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "reason": _TEXT,
        "blame": {"enum": ["caller", "admin", "external", "callout"]},
        "remedy": {"type": "array", "items": _TEXT},
        "remedy_commands": {"type": "array", "items": _TEXT},
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    name: {"type": ["string", "null"]}
                    for name in ("place", "where", "got", "expected", "nearest", "text")
                },
            },
        },
    },
}
