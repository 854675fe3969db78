"""The console: its routes, and what every request to it passes before a page is made."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urlsplit

from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from callout.core.errors import CalloutError, Refused
from callout.core.explanation import Remedy
from callout.engine.operations import Operations, document_of
from callout.engine.sign_in import SingleSignOn
from callout.entrypoints.rendering import Files, Templates
from callout.entrypoints.web import filters, find, home, remedies, sign_in
from callout.entrypoints.web.contents import SECTIONS
from callout.entrypoints.web.sections import Handler, Page, Section
from callout.entrypoints.web.session import Session, Sessions
from callout.entrypoints.web.visit import SAID_COOKIE, Form, Visit, read_form

FOLDER = Path(__file__).parent
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
_logger = logging.getLogger("callout.web")


class Console:
    """The pages of one process."""

    def __init__(self, operations: Operations, version: str) -> None:
        self.operations = operations
        self.setup = operations.uses.setup
        self.links = operations.uses.connecting.links
        self.signing_in = operations.uses.signing_in
        self.single_sign_on = SingleSignOn(self.signing_in)
        self.sessions = Sessions(self.signing_in)
        self.templates = Templates(FOLDER / "templates", filters.FILTERS)
        self.sections = SECTIONS
        self.version = version
        self._files = Files(FOLDER / "files")

    def routes(self) -> list[Route]:
        """Return the routes, for the app of setup."""
        pages = [*home.PAGES, *sign_in.PAGES, *remedies.PAGES, *find.pages_of(self.sections)]
        pages += [self._within(section, page) for section in self.sections for page in section.pages]
        pages.append(home.UNKNOWN)
        return [
            Route("/", self._to_setup, methods=["GET"]),
            Route("/setup/files/{name}", self._file, methods=["GET"]),
            *(route for page in pages for route in self._routed(page)),
        ]

    def seen(self, visit: Visit) -> dict[str, list[Section]]:
        """Return the sections that who asks sees, by the heading that they stand under."""
        grouped: dict[str, list[Section]] = {}
        for section in self.sections:
            if section.seen_by(visit):
                grouped.setdefault(section.group, []).append(section)
        return grouped

    def _within(self, section: Section, page: Page) -> Page:
        """Return a page of a section that is refused to who may not see the section: most show names of its own."""

        def demanding(handler: Handler | None) -> Handler | None:
            async def run(visit: Visit) -> Response:
                await visit.demand(section.operation)
                assert handler is not None
                return await handler(visit)

            return run if handler is not None else None

        return replace(page, get=demanding(page.get), post=demanding(page.post))

    def _routed(self, page: Page) -> list[Route]:
        routes = []
        for method, handler in (("GET", page.get), ("POST", page.post)):
            if handler is not None:
                routes.append(Route(page.path, self._guarded(handler, page), methods=[method]))
        return routes

    async def _to_setup(self, _: Request) -> Response:
        return RedirectResponse("/setup", 303, _HEADERS)

    async def _file(self, request: Request) -> Response:
        return self._files.answer(request.path_params["name"])

    def _guarded(self, handler: Handler, page: Page) -> Callable[[Request], Awaitable[Response]]:
        """Return an endpoint that knows who asks, takes only forms of its own, and shows every error as a page."""

        async def run(request: Request) -> Response:
            session = await self.sessions.of(request)
            visit = Visit(self, request, session, await self.setup.org(), said=self._said(request))
            response = await self._answered(handler, page, visit)
            if visit.said and response.status_code == 200:
                response.delete_cookie(SAID_COOKIE, path="/setup")
            response.headers.update(_HEADERS)
            return response

        return run

    async def _answered(self, handler: Handler, page: Page, visit: Visit) -> Response:
        try:
            if not visit.session.user and not page.open:
                return self._to_sign_in(visit)
            if visit.request.method == "POST":
                demand_own_page(visit.request)
                visit.form = await read_form(visit.request)
                demand_own_form(visit.session, visit.form)
            return await handler(visit)
        except (CalloutError, ClientDisconnect) as error:
            return visit.refused(document_of(error))
        except Exception as error:  # noqa: BLE001 - the last resort: the browser gets a page, the log the place
            place = "".join(traceback.format_tb(error.__traceback__))  # not its text, which could hold a secret
            _logger.error("%s failed with %s at\n%s", page.path, type(error).__name__, place)  # noqa: TRY400
            return visit.refused(document_of(error))

    def _to_sign_in(self, visit: Visit) -> Response:
        request = visit.request
        if request.method != "GET":
            detail = "got a form of a browser in which nobody is signed in any more; expected a session"
            raise Refused("caller_unknown", detail, Remedy("Sign in again, and repeat what you did"))
        wanted = visit.here + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/setup/sign-in?next={quote(wanted, safe='')}", 303)

    def _said(self, request: Request) -> str:
        members = self.links.open("said", request.cookies.get(SAID_COOKIE, ""))
        return str(members["said"]) if members is not None else ""


def demand_own_page(request: Request) -> None:
    """Raise `Refused(malformed_request)` for a form that a page of another site sent."""
    fetched = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    if foreign or fetched not in (None, "same-origin", "none"):
        detail = f"got a form from {origin or 'another site'}; expected one of a page of Setup"
        raise Refused("malformed_request", detail, Remedy("Open Setup at the address that it is served at"))


def demand_own_form(session: Session, form: Form) -> None:
    """Raise `Refused(malformed_request)` for a form that this session was not given."""
    if not session.sent(form.raw("form_text")):
        detail = "got a form that this browser was not given, or before it signed in; expected one of this session"
        raise Refused("malformed_request", detail, Remedy("Load the page again, with cookies, and repeat what you did"))
