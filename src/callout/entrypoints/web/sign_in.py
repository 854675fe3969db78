"""Signing in and out: with a password, a key, at a trusted issuer, and by the link of an invitation."""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import RedirectResponse, Response

from callout.core.errors import DefinitionError
from callout.core.oauth2.authorization import AuthorizationResponse
from callout.core.secret import Secret
from callout.engine.operations import document_of
from callout.engine.sign_in import SignedIn, SignInRefused
from callout.engine.sign_in.choosing import choose, invited
from callout.engine.sign_in.password_rules import LONGEST, SHORTEST
from callout.engine.sign_in.single_sign_on import PATIENCE
from callout.entrypoints.web.sections import Page
from callout.entrypoints.web.session import AWAY
from callout.entrypoints.web.visit import Visit

#: A path of the console, with its query: nothing that a browser could take for another site.
_OWN_PATH = re.compile(r"/(setup|connect)(/[!-.0-\[\]-~/]*|\?[!-\[\]-~]*)?")
#: Where nobody is sent to who has just signed in.
_SIGNING = re.compile(r"/setup/(sign-|welcome)")


def own_path(text: str) -> str:
    """Return a path that one may be sent to: one of ours, or the first page."""
    return text if _OWN_PATH.fullmatch(text) and "//" not in text.partition("?")[0] else "/setup"


def path_after(text: str) -> str:
    """Return where somebody goes on who has signed in."""
    path = own_path(text)
    return "/setup" if _SIGNING.match(path) else path


async def ask(visit: Visit) -> Response:
    """Ask who it is; whoever is signed in already goes on."""
    wanted = path_after(visit.asked("next"))
    return visit.go(wanted) if visit.session.user else await _asking(visit, wanted)


async def _asking(visit: Visit, wanted: str, document: dict[str, Any] | None = None, *, typed: str = "") -> Response:
    """Return the page that asks, with what was refused before."""
    console = visit.console
    issuers = await console.single_sign_on.offered()
    first = not issuers and not await console.signing_in.sign_ins.has_password()
    members = {"next": wanted, "document": document, "typed": typed, "first_run": first, "issuers": issuers}
    response = visit.page("sign_in.html", status=document["status"] if document is not None else 200, **members)
    if not visit.session.user:
        console.sessions.keep(response, visit.session)
    return response


async def sign_in(visit: Visit) -> Response:
    """Sign in with the key or with the name and password of the form."""
    wanted, browser = path_after(visit.form.text("next")), visit.console.sessions.browser(visit.request)
    signing_in = visit.console.signing_in
    try:
        if "key" in visit.form:
            signed_in = await signing_in.with_key(Secret(visit.form.text("key")), browser)
        else:
            password = Secret(visit.form.raw("password"))
            signed_in = await signing_in.with_password(visit.form.text("user"), password, browser)
    except SignInRefused as refused:
        typed = visit.form.text("user")
        return await _refused(visit, wanted, refused, typed=typed)
    return _signed_in(visit, signed_in, wanted)


async def _refused(visit: Visit, wanted: str, refused: SignInRefused, *, typed: str = "") -> Response:
    response = await _asking(visit, wanted, document_of(refused), typed=typed)
    if refused.next_at is not None:
        seconds = (refused.next_at - visit.console.setup.now()).total_seconds()
        response.headers["Retry-After"] = str(max(1, round(seconds)))
    return response


def _signed_in(visit: Visit, signed_in: SignedIn, wanted: str) -> Response:
    response = RedirectResponse(wanted, 303)
    visit.console.sessions.begin(response, signed_in)
    return response


async def sign_out(visit: Visit) -> Response:
    """End the session."""
    await visit.console.signing_in.sign_out(visit.session.id)
    response = RedirectResponse("/setup/sign-in", 303)
    visit.console.sessions.end(response)
    return response


# --- single sign-on ---------------------------------------------------------------------------------------------


async def go_to_issuer(visit: Visit) -> Response:
    """Send the browser to sign in at an issuer. A GET: the policy of our pages lets no form end up elsewhere."""
    wanted = path_after(visit.asked("next"))
    try:
        begun = await visit.console.single_sign_on.begin(visit.named("issuer"), wanted)
    except SignInRefused as refused:
        return await _refused(visit, wanted, refused)
    response = RedirectResponse(begun.url, 303)
    visit.console.sessions.set(response, AWAY, begun.text, age=int(PATIENCE))
    return response


async def come_back(visit: Visit) -> Response:
    """Take the answer of an issuer."""
    sessions, given = visit.console.sessions, visit.request.query_params
    code = given.get("code")
    answer = AuthorizationResponse(
        Secret(code) if code else None, given.get("error"), given.get("error_description"), given.get("iss")
    )
    away, browser = sessions.cookie(visit.request, AWAY), sessions.browser(visit.request)
    try:
        signed_in, wanted = await visit.console.single_sign_on.complete(away, given.get("state", ""), answer, browser)
    except SignInRefused as refused:
        response = await _refused(visit, "/setup", refused)
    else:
        response = _signed_in(visit, signed_in, path_after(wanted))
    sessions.drop(response, AWAY)
    return response


# --- the link of an invitation ----------------------------------------------------------------------------------


async def welcome(visit: Visit) -> Response:
    """Ask whoever has a link for the password that they want."""
    return await _welcoming(visit, visit.asked("link"))


async def _welcoming(visit: Visit, link: str, problems: tuple[str, ...] = ()) -> Response:
    invitation = await invited(visit.console.signing_in, link)
    members = {"invitation": invitation, "link": link, "shortest": SHORTEST, "longest": LONGEST}
    response = visit.page("welcome.html", status=422 if problems else 200, problems=problems, **members)
    if not visit.session.user:
        visit.console.sessions.keep(response, visit.session)
    return response


async def take_up(visit: Visit) -> Response:
    """Set the password that was chosen, and sign in."""
    link, password = visit.form.text("link"), visit.form.raw("password")
    if password != visit.form.raw("again"):
        return await _welcoming(visit, link, ("The two passwords differ.",))
    browser = visit.console.sessions.browser(visit.request)
    try:
        signed_in = await choose(visit.console.signing_in, link, Secret(password), browser)
    except DefinitionError as error:
        return await _welcoming(visit, link, worded(error))
    return _signed_in(visit, signed_in, "/setup")


def worded(error: DefinitionError) -> tuple[str, ...]:
    """Word what is wrong with a password for the page that it was typed in."""
    return tuple(f"Got {problem.got}; expected {problem.expected}." for problem in error.problems)


PAGES = (
    Page("/setup/sign-in", get=ask, post=sign_in, open=True),
    Page("/setup/sign-in/with/{issuer}", get=go_to_issuer, open=True),
    Page("/setup/sign-in/callback", get=come_back, open=True),
    Page("/setup/welcome", get=welcome, post=take_up, open=True),
    Page("/setup/sign-out", post=sign_out),
)
