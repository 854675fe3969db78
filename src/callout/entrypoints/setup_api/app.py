"""The Starlette app: one route for each row of the operations table, and what operators ask of a process."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match, Route

from callout.core.errors import CalloutError
from callout.core.peer import is_this_machine
from callout.core.problem import CONTENT_TYPE
from callout.engine.operations import OPERATIONS, Operation, OperationRefused, Operations, document_of
from callout.entrypoints.setup_api.docs_page import DocsPages
from callout.entrypoints.setup_api.metrics import CONTENT_TYPE as METRICS_TYPE
from callout.entrypoints.setup_api.metrics import Metric, metrics_text
from callout.entrypoints.setup_api.openapi import openapi
from callout.entrypoints.setup_api.proof import caller_of
from callout.entrypoints.setup_api.reading import arguments_of
from callout.entrypoints.setup_api.reference import PREFIX

#: Nothing that the API answers is a page, or is kept, or tells where it was asked from.
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
#: Those who verify may keep the keys for a minute: one that they do not know they ask for anew.
_JWKS_HEADERS = {**_HEADERS, "Cache-Control": "public, max-age=60"}
#: How much of a path a refusal repeats, in characters.
_SHOWN = 200
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
    commands: Callable[[], Mapping[str, str]] = dict,
) -> Starlette:
    """Build the app. `readiness` gives members of which `ready` is true or false.

    `discovery` gives the public URLs, `jwks` the public keys of Callout's own (a JWK Set, RFC 7517 section 5), `pages`
    are routes of pages that people see, `commands` tells an example of a command by operation. Metrics are shown to this machine, or to all where `metrics_open`: they tell names
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

    docs = DocsPages(lambda: str(discovery().get("setup", "")), commands, version)
    routes = [
        Route("/healthz", health),
        Route("/readyz", ready),
        Route("/metrics", measured),
        Route("/.well-known/callout", discovered),
        Route("/.well-known/jwks.json", published),
        Route(f"{PREFIX}/openapi.json", described),
        *docs.routes(),
        *pages,
        *(Route(PREFIX + o.path, _endpoint(o, operations), methods=[o.method]) for o in OPERATIONS),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _not_routed})
    app.router.redirect_slashes = False  # `/users/` is no path of the API: a redirect would carry the key along
    return app


def _endpoint(operation: Operation, operations: Operations) -> Endpoint:
    async def run(request: Request) -> Response:
        try:
            caller = await caller_of(request, operations.uses.setup)
            arguments = await arguments_of(operation, request)
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
    got = f"got {request.method} {request.url.path[:_SHOWN]}; expected a documented one"
    if error.status_code != 405:
        return _problem(OperationRefused("operation_not_found", got))
    supported = sorted(_methods_at(request))
    refused = OperationRefused("operation_not_supported", f"{got}: {', '.join(supported)}")
    return _answer(document_of(refused), {"Allow": ", ".join(supported)})


def _methods_at(request: Request) -> set[str]:
    """Return the methods that the path of a request has."""
    matching = (r for r in request.app.routes if r.matches(request.scope)[0] is not Match.NONE)
    return {method for route in matching for method in (getattr(route, "methods", None) or ())}
