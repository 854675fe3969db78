"""What is told of an operation, made from its row: fields, who may, refusals, and an example of a request.

The OpenAPI document and the docs page both say what stands here.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from callout.core.secret import Secret
from callout.engine.operations import OPERATIONS, Access, Operation
from callout.engine.operations.answers import ANSWERS
from callout.engine.operations.demands import administering
from callout.engine.operations.fields import told_of

PREFIX = "/api/v1"
REFERENCES = "#/components/schemas/"
Schema = dict[str, Any]

_WHO = {
    Access.KNOWN: "any caller with a key, about themselves; with {} about everyone",
    Access.ADMINISTRATOR: "{}",
    Access.ADMINISTRATOR_OR_PACKAGE: "{}, and package code with the key of a user who has it",
}
#: The groups that are not called as what their operations are about; an operation that stands alone is under `MORE`.
_GROUPS = {
    "plan": "Definitions",
    "apply": "Definitions",
    "export": "Definitions",
    "preview": "Definitions",
    "status": "Health",
    "health": "Health",
    "diagnose": "Callouts",
    "explain": "Callouts",
    "callout": "Callouts",
    "troubleshoot": "Callouts",
    "can": "Callouts",
    "who_can": "Callouts",
    "approvals": "Packages",
    "audit": "Audit trail",
    "connection": "Connections",
    "identity_provider": "External auth identity providers",
    "secret": "Secret values",
}
MORE = "More"
_SAMPLES: Mapping[str, Any] = {"integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}


@dataclass(frozen=True, slots=True)
class FieldTold:
    """A field of a request: where it stands (`path`, `query` or `body`), what it may be, and what it means."""

    name: str
    place: str
    required: bool
    schema: Schema
    meaning: str
    example: Any


def who_may(operation: Operation) -> str:
    """Say who may run an operation, by admin permission."""
    return _WHO[operation.access].format(" or ".join(f"`{p}`" for p in administering(operation)))


def group_of(operation: Operation) -> str:
    """Return the group of an operation: what it is about, in the plural."""
    noun, mark, _ = operation.name.partition(".")
    if noun in _GROUPS:
        return _GROUPS[noun]
    words = noun.replace("_", " ")
    return f"{words[:1].upper()}{words[1:]}s" if mark else MORE


def slug_of(group: str) -> str:
    """Return the name of a group as it stands in an address."""
    return group.lower().replace(" ", "-")


@cache
def groups() -> Mapping[str, tuple[Operation, ...]]:
    """Return the operations by group, in the order of the table."""
    found: dict[str, list[Operation]] = {}
    for operation in OPERATIONS:
        found.setdefault(group_of(operation), []).append(operation)
    return {group: tuple(members) for group, members in found.items()}


def in_path(operation: Operation) -> list[str]:
    """Return the fields that stand in the path."""
    return re.findall(r"{(\w+)}", operation.path)


@cache
def schemas() -> Mapping[str, Schema]:
    """Return the schemas of all requests and answers by name. An answer may get more members: none is ruled out."""
    requests = {o.request for o in OPERATIONS}
    answers = {ANSWERS[o.name] for o in OPERATIONS if o.name in ANSWERS}
    kinds = sorted(requests | answers, key=lambda kind: kind.__name__)
    _, components = msgspec.json.schema_components(kinds, schema_hook=_schema, ref_template=REFERENCES + "{name}")
    asked = {kind.__name__ for kind in requests}
    return {name: schema if name in asked else _open(schema) for name, schema in components.items()}


def _open(schema: Schema) -> Schema:
    return {name: member for name, member in schema.items() if name != "additionalProperties" or member is not False}


def _schema(kind: type) -> Schema:
    if kind is Secret:
        return {"type": "string", "writeOnly": True}
    raise NotImplementedError(kind.__name__)


def answer_schema(operation: Operation) -> Schema:
    """Return the schema of the answer."""
    shape = ANSWERS.get(operation.name)
    return {"$ref": REFERENCES + shape.__name__} if shape is not None else {"type": "object"}


def fields_of(operation: Operation) -> Sequence[FieldTold]:
    """Return the fields of the request, those of the path first."""
    schema = schemas()[operation.request.__name__]
    placed = in_path(operation)
    rest = "body" if operation.reads_body else "query"
    fields = [
        FieldTold(
            name,
            "path" if name in placed else rest,
            name in schema.get("required", ()),
            _in_path(member) if name in placed else member,
            told_of(operation, name).meaning,
            _example(told_of(operation, name).example, member, required=name in schema.get("required", ())),
        )
        for name, member in schema["properties"].items()
    ]
    return sorted(fields, key=lambda field: field.place != "path")


def _example(told: Any, schema: Schema, *, required: bool) -> Any:
    """Return the example of a field; one that is required and has none gets a value of its type."""
    if told is not None or not required:
        return told
    return _SAMPLES.get(schema.get("type", ""), "…")


def _in_path(schema: Schema) -> Schema:
    """A segment of a path is never empty, and has no `/`: that is how paths are told apart."""
    return {**schema, "minLength": 1, "pattern": r"^[^/]+$"} if schema.get("type") == "string" else schema


def example_body(operation: Operation) -> Mapping[str, Any]:
    """Return an example of a JSON body: what is required, and what the operation is about."""
    return {f.name: f.example for f in fields_of(operation) if f.place == "body" and f.example is not None}


def curl(operation: Operation, base: str) -> str:
    """Return an example of a request as a command line of curl; the key is in the variable CALLOUT_KEY."""
    fields = fields_of(operation)
    path = operation.path.format(**{f.name: quote(str(f.example), safe="") for f in fields if f.place == "path"})
    asked = {f.name: f.example for f in fields if f.place == "query" and f.required}
    url = f"{base.rstrip('/')}{PREFIX}{path}" + (f"?{urlencode(asked, doseq=True)}" if asked else "")
    method = "" if operation.method == "GET" else f" -X {operation.method}"
    lines = [f'curl{method} -H "Callout-Key: $CALLOUT_KEY" {shlex.quote(url)}']
    body = example_body(operation)
    if body:
        lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(json.dumps(body, ensure_ascii=False))}"]
    return " \\\n  ".join(lines)
