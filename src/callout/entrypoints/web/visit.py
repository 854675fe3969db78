"""One request to a page of Setup: who asks, the operations in their name, and the answer as a page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from callout.core.errors import CalloutError, Refused
from callout.core.model.org import Org
from callout.core.model.people import AdminPermission
from callout.engine.connect_links import Links
from callout.engine.operations import Operations, document_of
from callout.engine.operations.callouts import held_by
from callout.engine.operations.demands import administering
from callout.engine.operations.operation import Access
from callout.engine.operations.table import BY_NAME
from callout.engine.setup import Setup
from callout.engine.sign_in import SigningIn, SingleSignOn
from callout.entrypoints.rendering import Templates
from callout.entrypoints.web.session import Session, Sessions

#: Largest form, in bytes: a manifest or a chain of certificates fits.
LARGEST_FORM = 1024 * 1024
#: Most fields of a form.
MOST_FIELDS = 5_000
#: Most digits of a number that a browser sends: those of a version fit.
MOST_DIGITS = 18
#: How long what is said after a redirect waits to be shown, in seconds.
SAID_LIFE = 60.0
SAID_COOKIE, THEME_COOKIE = "callout_said", "callout_theme"
THEMES = ("auto", "light", "dark")


class Part(Protocol):
    """A part of the console, as far as a visit asks about it: where it stands, and what who sees it may run."""

    @property
    def path(self) -> str:
        """Where it stands."""

    @property
    def operation(self) -> str:
        """The operation that who sees it may run."""

    @property
    def openings(self) -> Sequence[str]:
        """The addresses of its pages that can be opened, with their parameters in braces."""


class Serving(Protocol):
    """What serves a visit: the console, as far as pages need it."""

    operations: Operations
    setup: Setup
    links: Links
    signing_in: SigningIn
    single_sign_on: SingleSignOn
    sessions: Sessions
    templates: Templates

    @property
    def sections(self) -> Sequence[Part]:
        """Its parts."""


class Form:
    """What a form sent: texts by name, several where a name stands several times."""

    def __init__(self, pairs: Sequence[tuple[str, str]] = ()) -> None:
        self.values: dict[str, list[str]] = {}
        for name, value in pairs:
            self.values.setdefault(name, []).append(value.replace("\r\n", "\n"))

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def text(self, name: str, default: str = "") -> str:
        """Return the first text of this name, without space around it."""
        return self.values.get(name, [default])[0].strip()

    def raw(self, name: str) -> str:
        """Return the first text of this name as it was sent: a password may begin with a space."""
        return self.values.get(name, [""])[0]

    def texts(self, name: str) -> list[str]:
        """Return every text of this name that is not empty."""
        return [each.strip() for each in self.values.get(name, []) if each.strip()]


@dataclass
class Visit:
    """One request. `said` is what the page before wants shown; `form` is empty but in a POST."""

    console: Serving
    request: Request
    session: Session
    org: Org
    form: Form = field(default_factory=Form)
    said: str = ""

    # --- who asks -----------------------------------------------------------------------------------------------

    @cached_property
    def held(self) -> frozenset[AdminPermission]:
        """The admin permissions of who asks."""
        return held_by(self.org, self.session.caller, self.console.setup.now())

    def may(self, operation: str) -> bool:
        """Say whether who asks may run an operation about everyone and everything: pages offer only what one may."""
        return not self.held.isdisjoint(administering(BY_NAME[operation]))

    def opens(self, path: str) -> bool:
        """Say whether who asks may open a page, as far as the section says that it belongs to: pages link to no other."""
        sections = [each for each in self.console.sections if f"{path}/".startswith(f"{each.path}/")]
        return all(self.may_ask(each.operation) for each in sections)

    def may_ask(self, operation: str) -> bool:
        """Say whether who asks may run an operation at all, if only about themselves."""
        return BY_NAME[operation].access is Access.KNOWN or self.may(operation)

    # --- the operations -----------------------------------------------------------------------------------------

    async def demand(self, operation: str) -> None:
        """Raise `CalloutError` for who may not run an operation: a form of it would show names that are not theirs."""
        await self.console.operations.demand(operation, self.session.caller)

    async def run(self, operation: str, /, **arguments: Any) -> Any:
        """Run an operation of the setup API as who is signed in. Raises `CalloutError`."""
        return await self.console.operations.run(operation, arguments, self.session.caller)

    async def attempt(self, operation: str, /, **arguments: Any) -> tuple[Any, dict[str, Any] | None]:
        """Run an operation; returns its answer and None, or None and the problem document of its refusal."""
        try:
            return await self.run(operation, **arguments), None
        except CalloutError as error:
            return None, document_of(error)

    # --- the request --------------------------------------------------------------------------------------------

    @property
    def here(self) -> str:
        """The path that was asked for, as the browser wrote it: what stands for `%41` in a name must not become `A`."""
        return str(self.request.scope["raw_path"], "latin-1")

    @property
    def above(self) -> str:
        """The page from which one comes to this address: the nearest above it that can be opened."""
        pages = [each for section in self.console.sections for each in section.openings]
        path = self.here.rpartition("/")[0]
        while path and not any(re.fullmatch(re.sub(r"{\w+}", "[^/]+", each), path) for each in pages):
            path = path.rpartition("/")[0]
        return path if path and self.opens(path) else "/setup"

    def named(self, name: str) -> str:
        """Return a part of the path."""
        return str(self.request.path_params[name])

    def asked(self, name: str, default: str = "") -> str:
        """Return a text of the query."""
        return str(self.request.query_params.get(name, default)).strip()

    # --- the answer ---------------------------------------------------------------------------------------------

    def page(self, template: str, /, *, status: int = 200, **members: Any) -> Response:
        """Return a page of the console; the template gets `visit` beside its members."""
        text = self.console.templates.render(template, {"visit": self, **members})
        return HTMLResponse(text, status)

    def refused(self, document: Mapping[str, Any]) -> Response:
        """Return a page that says what was refused, why, and what mends it."""
        return self.page("refused.html", status=int(document["status"]), document=document)

    def go(self, path: str, said: str = "") -> Response:
        """Send the browser to another page of ours, which shows what is said."""
        response = RedirectResponse(path, 303)
        if said:
            text = self.console.links.seal("said", {"said": said[:1000]}, SAID_LIFE)
            self._cookie(response, SAID_COOKIE, text)
        return response

    def remember(self, response: Response, name: str, value: str) -> None:
        """Keep a choice in the browser, such as the theme."""
        self._cookie(response, name, value, age=365 * 86400)

    def _cookie(self, response: Response, name: str, value: str, age: int = int(SAID_LIFE)) -> None:
        secure = self.console.links.public_url.startswith("https://")
        response.set_cookie(name, value, max_age=age, path="/setup", secure=secure, httponly=True, samesite="lax")

    @property
    def theme(self) -> str:
        """The theme that was chosen: light, dark, or as the system is."""
        chosen = self.request.cookies.get(THEME_COOKIE, "")
        return chosen if chosen in THEMES else "auto"


def status_of(refused: Mapping[str, Any] | None) -> int:
    """Return the status of a page that may have a refusal to show beside the rest."""
    return 200 if refused is None else int(refused["status"])


def number_in(text: str) -> int | None:
    """Return the number that a text of few digits says; None for any other text, also of digits of other scripts."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None


def address(*parts: str) -> str:
    """Return the path of a page of the console from its parts, each escaped."""
    return "/setup" + "".join(f"/{quote(part, safe='')}" for part in parts)


async def read_form(request: Request) -> Form:
    """Read a form; raises `Refused` for one that is too large or cannot be read."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            raise Refused("request_too_large", f"got a form of more than {LARGEST_FORM} bytes; expected less")
    try:
        text = body.decode("ascii")
        return Form(parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=MOST_FIELDS))
    except ValueError:
        raise Refused("malformed_request", "got a form that cannot be read; expected one of a page of Setup") from None
