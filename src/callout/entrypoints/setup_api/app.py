"""The Starlette app: one route for each row of the operations table, and what operators ask of a process."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, get_origin

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from callout.core.errors import CalloutError, Refused
from callout.core.peer import is_this_machine
from callout.core.problem import CONTENT_TYPE
from callout.engine.operations import OPERATIONS, Operation, OperationRefused, Operations, document_of
from callout.entrypoints.setup_api.metrics import CONTENT_TYPE as METRICS_TYPE
from callout.entrypoints.setup_api.metrics import Metric, metrics_text
from callout.entrypoints.setup_api.openapi import openapi
from callout.entrypoints.setup_api.proof import caller_of

PREFIX = "/api/v1"
#: Largest request body, in bytes: a manifest of a large org is far smaller.
LARGEST_BODY = 16 * 1024 * 1024

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
#: Those who verify may keep the keys for a minute: one that they do not know they ask for anew.
_JWKS_HEADERS = {**_HEADERS, "Cache-Control": "public, max-age=60"}
_logger = logging.getLogger("callout.setup")

Endpoint = Callable[[Request], Awaitable[Response]]


def setup_app(
    operations: Operations,
    *,
    metrics: Callable[[], Iterable[Metric]],
    readiness: Callable[[], Mapping[str, Any]],
    discovery: Callable[[], Mapping[str, Any]],
    jwks: Callable[[], Mapping[str, Any]],
    version: str,
    metrics_open: bool = False,
    pages: Sequence[BaseRoute] = (),
) -> Starlette:
    """Build the app. `readiness` gives members of which `ready` is true or false.

    `discovery` gives the public URLs, `jwks` the public keys of Callout's own (a JWK Set, RFC 7517 section 5), `pages`
    are routes of pages that people see. Metrics are shown to this machine, or to all where `metrics_open`: they tell names
    and numbers of users.
    """

    async def health(_: Request) -> Response:
        return JSONResponse({"ok": True, "version": version}, headers=_HEADERS)

    async def ready(_: Request) -> Response:
        members = dict(readiness())
        return JSONResponse(members, 200 if members.get("ready") else 503, headers=_HEADERS)

    async def measured(request: Request) -> Response:
        if not metrics_open and not is_this_machine(request.client.host if request.client is not None else ""):
            detail = "got /metrics from another machine; expected this one, or CALLOUT_METRICS_OPEN=true"
            return _problem(OperationRefused("administrator_required", detail))
        return Response(metrics_text(metrics()), media_type=METRICS_TYPE, headers=_HEADERS)

    async def discovered(_: Request) -> Response:
        return JSONResponse(dict(discovery()), headers=_HEADERS)

    async def published(_: Request) -> Response:
        return JSONResponse(dict(jwks()), headers=_JWKS_HEADERS, media_type="application/jwk-set+json")

    async def described(_: Request) -> Response:
        return JSONResponse(openapi(version), headers=_HEADERS)

    routes = [
        Route("/healthz", health),
        Route("/readyz", ready),
        Route("/metrics", measured),
        Route("/.well-known/callout", discovered),
        Route("/.well-known/jwks.json", published),
        Route(f"{PREFIX}/openapi.json", described),
        *pages,
        *(Route(PREFIX + o.path, _endpoint(o, operations), methods=[o.method]) for o in OPERATIONS),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _not_routed})


def _endpoint(operation: Operation, operations: Operations) -> Endpoint:
    async def run(request: Request) -> Response:
        try:
            caller = await caller_of(request, operations.uses.setup)
            arguments = await _arguments(operation, request)
            result = await operations.run(operation.name, arguments, caller)
        except (CalloutError, ClientDisconnect) as error:
            return _problem(error)
        except Exception as error:  # noqa: BLE001 - the last resort: the caller gets a problem document, the log the place
            place = "".join(traceback.format_tb(error.__traceback__))  # not its text, which could hold a secret
            _logger.error("%s failed with %s at\n%s", operation.name, type(error).__name__, place)  # noqa: TRY400
            return _problem(error)
        return JSONResponse(result, headers=_HEADERS)

    return run


def _problem(error: BaseException) -> Response:
    return _answer(document_of(error))


def _answer(document: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    status = int(document["status"])
    extra = {"WWW-Authenticate": 'Bearer realm="callout"'} if status == 401 else {}
    reason = {"Callout-Error": str(document["reason"])}
    body = json.dumps(document).encode()
    return Response(body, status, {**_HEADERS, **reason, **extra, **(headers or {})}, media_type=CONTENT_TYPE)


async def _not_routed(request: Request, error: Exception) -> Response:
    """Answer for what no route takes: an unknown path, or a method that the path does not have."""
    assert isinstance(error, HTTPException)
    refused = OperationRefused(
        "operation_not_found", f"got {request.method} {request.url.path}; expected a documented one"
    )
    return _answer({**document_of(refused), "status": error.status_code}, error.headers)


async def _arguments(operation: Operation, request: Request) -> dict[str, Any]:
    """Collect the members of a request: the path's win over the body's or the query's."""
    arguments = _members(await _body(request)) if operation.reads_body else _query(operation, request)
    doubled = arguments.keys() & request.path_params.keys()
    if doubled:
        raise Refused("malformed_request", f"got {', '.join(sorted(doubled))} twice; expected it in the path alone")
    return {**arguments, **request.path_params}


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
    return get_origin(kind) is tuple or any(get_origin(part) is tuple for part in getattr(kind, "__args__", ()))


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_BODY:
            raise Refused("request_too_large", f"got more than {LARGEST_BODY} bytes; expected at most that")
    return bytes(body)


def _members(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        members = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refused("malformed_request", "got a body that is not JSON; expected a JSON object") from None
    if not isinstance(members, dict):
        raise Refused("malformed_request", f"got a JSON {type(members).__name__}; expected a JSON object")
    return members
