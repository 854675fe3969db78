"""The first page of Setup, and the theme."""

from __future__ import annotations

from starlette.responses import Response

from callout.core.explanation import Remedy
from callout.engine.operations import OperationRefused
from callout.entrypoints.web.sections import Page
from callout.entrypoints.web.sign_in import own_path
from callout.entrypoints.web.visit import Visit


async def home(visit: Visit) -> Response:
    """Show the sections, and what may be done first."""
    status, _ = await visit.attempt("status") if visit.may("status") else (None, None)
    return visit.page("home.html", status=200, health=status)


async def choose_theme(visit: Visit) -> Response:
    """Keep the theme that was chosen, and go back."""
    response = visit.go(own_path(visit.form.text("next")))
    visit.remember(response, "callout_theme", visit.form.text("theme"))
    return response


async def unknown(visit: Visit) -> Response:
    """Say that nothing stands at an address."""
    detail = f"got {visit.request.url.path[:200]}; expected the address of a page of Setup"
    raise OperationRefused("operation_not_found", detail, Remedy("Type what you look for in Quick Find"))


#: What any other address is answered with: it stands behind every other page.
UNKNOWN = Page("/setup/{rest:path}", get=unknown)
PAGES = (Page("/setup", get=home), Page("/setup/theme", post=choose_theme, open=True))
