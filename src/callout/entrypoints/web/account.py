"""My account: who one is, one's password, the browsers in which one is signed in, one's keys."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from callout.core.errors import DefinitionError
from callout.engine.sign_in import SignInRefused
from callout.engine.sign_in.password_rules import LONGEST, SHORTEST
from callout.entrypoints.web.granting import WORDS
from callout.entrypoints.web.sections import Page, Place, Section
from callout.entrypoints.web.sign_in import worded
from callout.entrypoints.web.visit import Visit

_PATH = "/setup/me"


async def show(visit: Visit) -> Response:
    """Show the account."""
    return await _shown(visit)


async def _shown(visit: Visit, problems: tuple[str, ...] = (), *, refused: str = "", status: int = 200) -> Response:
    user = visit.session.user
    told = await visit.run("user.sessions", name=user)
    members: dict[str, Any] = {"me": await visit.run("whoami"), "sessions": told["sessions"]}
    lengths = {"shortest": SHORTEST, "longest": LONGEST}
    members |= {"problems": problems, "refused": refused}
    shown = {"user": visit.org.users[user], "words": WORDS}
    return visit.page("account.html", status=status, **shown, **members, **lengths)


async def change_password(visit: Visit) -> Response:
    """Change one's password; the other sessions end."""
    password, current = visit.form.raw("password"), visit.form.raw("current")
    if password != visit.form.raw("again"):
        return await _shown(visit, ("The two new passwords differ.",), status=422)
    given = {"current": current} if current else {}
    try:
        done = await visit.run("user.set_password", name=visit.session.user, password=password, **given)
    except DefinitionError as error:
        return await _shown(visit, worded(error), status=422)
    except SignInRefused as refused:
        wait = refused.detail[:1].upper() + refused.detail[1:] + "."
        text = wait if refused.next_at is not None else "This is not your current password."
        return await _shown(visit, refused=text, status=refused.reason.status)
    return visit.go(_PATH, done["message"])


async def end_sessions(visit: Visit) -> Response:
    """End one session of one's own, or all the others."""
    user, wanted = visit.session.user, visit.form.text("session")
    ending = (
        [wanted]
        if wanted
        else [each["id"] for each in (await visit.run("user.sessions", name=user))["sessions"] if not each["own"]]
    )
    done = [await visit.run("user.sign_out", name=user, session=each) for each in ending]
    count = sum(each["ended"] for each in done)
    return visit.go(_PATH, f"{count} session{'' if count == 1 else 's'} ended")


SECTION = Section(
    "My Account",
    _PATH,
    "Mine",
    "whoami",
    (
        Page(_PATH, get=show),
        Page(f"{_PATH}/password", post=change_password),
        Page(f"{_PATH}/sessions/end", post=end_sessions),
    ),
    words="me profile password sessions keys",
    places=(
        Place("Change my password", f"{_PATH}#password", "My Account", "new password"),
        Place("My sessions", f"{_PATH}#sessions", "My Account", "browsers sign out everywhere"),
    ),
)
