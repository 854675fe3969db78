"""The first page of Setup, and the theme."""

from __future__ import annotations

from starlette.responses import Response

from callout.core.explanation import Remedy
from callout.engine.operations import OperationRefused, document_of
from callout.entrypoints.web.attention import counts, first_steps, needs_attention
from callout.entrypoints.web.sections import Page
from callout.entrypoints.web.sign_in import own_path
from callout.entrypoints.web.visit import THEME_COOKIE, THEMES, Visit

#: The newest callouts that are looked at for those that failed, and how many of them are shown.
LOOKED_AT, MOST_FAILING = 100, 5
#: How much of what needs attention is shown.
MOST_SHOWN = 8


async def home(visit: Visit) -> Response:
    """Show what is to be done first, what needs attention, and what failed lately; to others what is theirs."""
    attention = await needs_attention(visit)
    log, _ = await visit.attempt("callout.log", limit=LOOKED_AT)
    failing = [each for each in (log or {"callouts": []})["callouts"] if each["reason"] or not 0 < each["status"] < 400]
    return visit.page(
        "home.html",
        steps=first_steps(visit),
        counts=counts(visit),
        attention=attention[:MOST_SHOWN],
        more=max(0, len(attention) - MOST_SHOWN),
        watched=visit.may("status"),
        failing=failing[:MOST_FAILING],
        everyone=visit.may("callout.log"),
    )


async def choose_theme(visit: Visit) -> Response:
    """Keep the theme that was chosen, and go back."""
    response, wanted = visit.go(own_path(visit.form.text("next"))), visit.form.text("theme")
    if wanted in THEMES:
        visit.remember(response, THEME_COOKIE, wanted)
    return response


async def unknown(visit: Visit) -> Response:
    """Say that nothing stands at an address."""
    detail = f"got {visit.here[:200]}; expected the address of a page of Setup"
    refused = OperationRefused("operation_not_found", detail, Remedy("Type what you look for in Quick Find"))
    return visit.refused({**document_of(refused), "title": "No page stands at this address"})


#: What any other address is answered with: it stands behind every other page.
UNKNOWN = Page("/setup/{rest:path}", get=unknown)
PAGES = (Page("/setup", get=home), Page("/setup/theme", post=choose_theme, open=True))
