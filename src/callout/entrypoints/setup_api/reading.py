"""What a request to the setup API gives: the members of its path, and of its query or its JSON body.

Nothing is guessed: bytes that are no text, a body of another kind, a field that is given twice are refused, each as a
problem document. A body has to say that it is JSON: a form of another site could send one that does not.
"""

from __future__ import annotations

import re
from typing import Any, get_args, get_origin
from urllib.parse import unquote_to_bytes

import msgspec
from starlette.requests import Request

from callout.core.errors import Refused
from callout.engine.operations import Operation, OperationRefused

#: Largest request body, in bytes: a manifest of a large org is far smaller.
LARGEST_BODY = 16 * 1024 * 1024
#: Longest path with its query, in bytes.
LONGEST_TARGET = 16 * 1024

_JSON = re.compile(r"application/(?:[a-z0-9.!#$&^_-]+\+)?json\s*(?:;|$)", re.IGNORECASE)


async def arguments_of(operation: Operation, request: Request) -> dict[str, Any]:
    """Return the members that an operation is given: the path's, with the body's or the query's. Raises `CalloutError`."""
    _expect_text(request)
    body = await _body(request)
    if operation.reads_body:
        if request.url.query:
            raise Refused("malformed_request", "got a query; expected the fields in the JSON body")
        arguments = _members(body, request.headers.get("content-type"))
    elif body:
        raise Refused("malformed_request", f"got a body with {operation.method}; expected the fields in the query")
    else:
        arguments = _query(operation, request)
    doubled = arguments.keys() & request.path_params.keys()
    if doubled:
        raise Refused("malformed_request", f"got {', '.join(sorted(doubled))} twice; expected it in the path alone")
    return {**arguments, **request.path_params}


def _expect_text(request: Request) -> None:
    """Refuse a path or query that is too long, or that is no UTF-8 text without NUL when it is decoded."""
    for part, raw in (("path", request.scope.get("raw_path") or b""), ("query", request.scope["query_string"])):
        if len(raw) > LONGEST_TARGET:
            detail = f"got a {part} of {len(raw)} bytes; expected at most {LONGEST_TARGET}"
            raise Refused("request_too_large", detail)
        try:
            decoded = unquote_to_bytes(raw).decode()
        except UnicodeDecodeError:
            raise Refused("malformed_request", f"got a {part} that is not UTF-8; expected UTF-8") from None
        if "\0" in decoded:
            raise Refused("malformed_request", f"got a {part} with the character NUL; expected text")


def _query(operation: Operation, request: Request) -> dict[str, Any]:
    lists = {field.name for field in msgspec.structs.fields(operation.request) if _is_list(field.type)}
    arguments: dict[str, Any] = {}
    for name in request.query_params:
        values = request.query_params.getlist(name)
        if name not in lists and len(values) > 1:
            raise Refused("malformed_request", f"got {name} {len(values)} times; expected it once")
        arguments[name] = values if name in lists else values[0]
    return arguments


def _is_list(kind: Any) -> bool:
    return get_origin(kind) is tuple or any(get_origin(part) is tuple for part in get_args(kind))


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise Refused("request_too_large", f"got more than {LARGEST_BODY} bytes; expected at most that")
    return bytes(body)


def _members(body: bytes, kind: str | None) -> dict[str, Any]:
    if not body:
        return {}
    if kind is None or _JSON.match(kind.strip()) is None:
        detail = f"got a body of {kind or 'no declared type'}; expected Content-Type: application/json"
        raise OperationRefused("media_type_not_supported", detail)
    try:
        members = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refused("malformed_request", "got a body that is not JSON; expected a JSON object") from None
    except RecursionError:
        raise Refused("malformed_request", "got JSON that is nested too deeply; expected a JSON object") from None
    if not isinstance(members, dict):
        raise Refused("malformed_request", f"got a JSON {type(members).__name__}; expected a JSON object")
    return members
