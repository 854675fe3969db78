"""Signing in and out."""

from __future__ import annotations

import re

from starlette.responses import RedirectResponse, Response

from callout.core.model.people import GUEST
from callout.engine.callers import identify
from callout.entrypoints.web.sections import Page
from callout.entrypoints.web.visit import Visit

#: A path of the console, with its query: nothing that a browser could take for another site.
_OWN_PATH = re.compile(r"/(setup|connect)(/[!-.0-\[\]-~/]*|\?[!-\[\]-~]*)?")


def own_path(text: str) -> str:
    """Return a path that one may be sent to: one of ours, or the first page."""
    return text if _OWN_PATH.fullmatch(text) and "//" not in text.partition("?")[0] else "/setup"


async def ask(visit: Visit) -> Response:
    """Ask who it is."""
    response = visit.page("sign_in.html", next=own_path(visit.asked("next")), problem="")
    visit.console.sessions.keep(response, visit.session)
    return response


async def sign_in(visit: Visit) -> Response:
    """Know the browser as the user of a key from now on."""
    key = visit.form.text("key").encode("latin-1", "replace")
    caller = identify(visit.org, visit.console.setup.now(), key=key, local_keys={}).caller
    wanted = own_path(visit.form.text("next"))
    if caller is None or caller.user == GUEST or caller.namespace is not None or caller.key is not None:
        problem = "This key was not accepted. It has to be a valid key of your own, without a package and limit."
        return visit.page("sign_in.html", status=403, next=wanted, problem=problem)
    response = RedirectResponse(wanted, 303)
    visit.console.sessions.keep(response, visit.console.sessions.new(caller.user, "key"))
    return response


async def sign_out(visit: Visit) -> Response:
    """Forget the browser."""
    response = RedirectResponse("/setup/sign-in", 303)
    visit.console.sessions.end(response)
    return response


PAGES = (
    Page("/setup/sign-in", get=ask, post=sign_in, open=True),
    Page("/setup/sign-out", post=sign_out),
)
