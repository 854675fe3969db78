"""The description of the setup API, made from the operations table: as OpenAPI 3.1, and as a reference page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from callout.core.problem import CONTENT_TYPE
from callout.core.reasons import Reason
from callout.engine.operations import OPERATIONS, Operation
from callout.engine.operations.problems import OPERATION_REASONS
from callout.engine.operations.refusals import reasons_of
from callout.entrypoints.setup_api.reference import (
    PREFIX,
    REFERENCES,
    Schema,
    answer_schema,
    example_body,
    fields_of,
    group_of,
    groups,
    schemas,
    who_may,
)

_FAILED = next(reason for reason in OPERATION_REASONS if reason.code == "internal_error")
_ABOUT = (
    "Everything that an admin does, and what callers ask about their own callouts. A caller proves who they are with a "
    "key: `Callout-Key: co_…`, or `Authorization: Bearer co_…`. Cookies are not looked at. A refusal is a problem document "
    "(RFC 9457) with `reason`, `blame` and `remedy`. An answer may get more members; those that there are stay."
)


@cache
def openapi(version: str) -> Mapping[str, Any]:
    """Return the OpenAPI document."""
    paths: dict[str, dict[str, Any]] = {}
    refusals: dict[str, Schema] = {}
    for operation in OPERATIONS:
        paths.setdefault(PREFIX + operation.path, {})[operation.method.lower()] = _described(operation, refusals)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Callout setup API",
            "version": version,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The server that this document is from"}],
        "externalDocs": {"url": "/api/docs", "description": "The same, for people"},
        "security": [{"callout_key": []}, {"bearer": []}, {"basic": []}],
        "tags": [{"name": group} for group in groups()],
        "paths": paths,
        "components": {
            "schemas": {**schemas(), "Problem": _PROBLEM},
            "responses": refusals,
            "headers": {"Callout-Error": {"description": "The reason code", "schema": {"type": "string"}}},
            "securitySchemes": {
                "callout_key": {"type": "apiKey", "in": "header", "name": "Callout-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic", "description": "Any name, with the key as password"},
            },
        },
    }


def _described(operation: Operation, refusals: dict[str, Schema]) -> Schema:
    fields = fields_of(operation)
    described: Schema = {
        "operationId": operation.name,
        "tags": [group_of(operation)],
        "summary": operation.summary,
        "description": f"For {who_may(operation)}.",
        "parameters": [
            {
                "name": field.name,
                "in": field.place,
                "required": field.required,
                "description": field.meaning,
                "schema": field.schema,
                **({"example": field.example} if field.example is not None else {}),
            }
            for field in fields
            if field.place != "body"
        ],
        "responses": {
            "200": {"description": "Done", "content": {"application/json": {"schema": answer_schema(operation)}}},
            **_refusals(operation, refusals),
        },
    }
    body = {f.name: {**f.schema, "description": f.meaning} for f in fields if f.place == "body"}
    if body:
        required = [f.name for f in fields if f.place == "body" and f.required]
        schema = {"type": "object", "properties": body, "required": required, "additionalProperties": False}
        content = {"schema": schema, "example": example_body(operation)}
        described["requestBody"] = {"required": bool(required), "content": {"application/json": content}}
    return described


def _refusals(operation: Operation, refusals: dict[str, Schema]) -> Schema:
    """Return what an operation refuses with, by status; what several have in common stands in `refusals` once."""
    by_status: dict[int, list[Reason]] = {}
    for reason in (*reasons_of(operation), _FAILED):
        by_status.setdefault(reason.status, []).append(reason)
    described = {}
    for status, reasons in sorted(by_status.items()):
        name = ".".join(reason.code for reason in reasons)
        refusals[name] = _refusal(reasons)
        described[str(status)] = {"$ref": f"#/components/responses/{name}"}
    return described


def _refusal(reasons: Iterable[Reason]) -> Schema:
    narrowed = {"properties": {"reason": {"enum": [reason.code for reason in reasons]}}}
    schema = {"allOf": [{"$ref": f"{REFERENCES}Problem"}, narrowed]}
    return {
        "description": "; ".join(f"`{reason.code}`: {reason.title}" for reason in reasons),
        "headers": {"Callout-Error": {"$ref": "#/components/headers/Callout-Error"}},
        "content": {CONTENT_TYPE: {"schema": schema}},
    }


def api_reference() -> str:
    """Return a page with one row for each operation."""
    rows = [f"| `{o.method}` | `{PREFIX}{o.path}` | {_fields(o)} | {o.summary} | {who_may(o)} |\n" for o in OPERATIONS]
    top = (
        "# Setup API\n\n"
        "Callers prove who they are with `Callout-Key: co_…` or `Authorization: Bearer co_…`. `POST`, `PUT` and `PATCH` "
        "take a JSON object (`Content-Type: application/json`), the others a query. A refusal is "
        "`application/problem+json` with `reason`, `blame`, "
        "`remedy` and, for definitions, `problems`. A running server shows the whole of it for people at `/api/docs`, with "
        "what each field means, examples and answers; `/api/v1/openapi.json` is the machine-readable form. `/healthz`, "
        "`/readyz`, `/metrics` and `/.well-known/callout` need no key.\n\n"
    )
    return top + "| method | path | fields | what it does | for |\n| --- | --- | --- | --- | --- |\n" + "".join(rows)


def _fields(operation: Operation) -> str:
    fields = [field for field in fields_of(operation) if field.place != "path"]
    return ", ".join(f"`{field.name}`{'' if field.required else '?'}" for field in fields) or "–"


_TEXT: Schema = {"type": "string"}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_PROBLEM: Schema = {
    "type": "object",
    "title": "Problem",
    "description": "A problem document (RFC 9457).",
    "required": ["type", "title", "status", "detail", "reason", "blame", "remedy", "remedy_commands"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "reason": _TEXT,
        "blame": {"enum": ["caller", "admin", "external", "callout"]},
        "remedy": _TEXTS,
        "remedy_commands": _TEXTS,
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["place", "where", "got", "expected", "nearest", "text"],
                "properties": {
                    **dict.fromkeys(("place", "got", "expected", "text"), _TEXT),
                    **{name: {"type": ["string", "null"]} for name in ("where", "nearest")},
                },
            },
        },
    },
}
