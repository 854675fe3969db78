"""Try it: make a callout from the page, or only see what would leave; what left and came back; the ladder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from callout.core.access.sources import principals_of
from callout.core.model.credentials import NamedCredential
from callout.entrypoints.web.ladder import ladder
from callout.entrypoints.web.sections import Page, Place, Section
from callout.entrypoints.web.visit import Form, Visit, status_of

TITLE, PATH = "Try it", "/setup/try"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
#: The fields of the form; what is remembered of them when a remedy is applied, in characters.
FIELDS = ("name", "method", "path", "query", "headers", "body", "principal", "user", "namespace")
LONGEST_REMEMBERED = 1_500
#: Suggestions of names and users.
MOST_SUGGESTED = 500


async def ask(visit: Visit) -> Response:
    """Show the form with what the address says, and what would come of it where it asks that or names a user."""
    given = {name: visit.asked(name) for name in FIELDS}
    given["method"] = given["method"] or "GET"
    if given["name"] and (given["user"] or visit.asked("do") == "dry"):
        return await _shown(visit, given, *await _dry(visit, given), dry=True)
    return await _shown(visit, given, None, None)


async def attempt(visit: Visit) -> Response:
    """Send the callout, or only decide about it."""
    given = {name: visit.form.text(name) for name in FIELDS}
    given["body"] = visit.form.raw("body")
    given["method"] = given["method"].upper() or "GET"
    dry = visit.form.text("do") != "send"
    answered = await (_dry(visit, given) if dry else _sent(visit, given, visit.form))
    return await _shown(visit, given, *answered, dry=dry)


Answered = tuple[dict[str, Any] | None, dict[str, Any] | None]


async def _dry(visit: Visit, given: Mapping[str, str]) -> Answered:
    path = given["path"] + (f"?{given['query'].removeprefix('?')}" if given["query"] else "")
    return await visit.attempt(
        "diagnose",
        name=given["name"],
        user=given["user"] or None,
        namespace=given["namespace"] or None,
        method=given["method"],
        path=path if path[:1] in ("", "/", "?") else f"/{path}",
        principal=given["principal"] or None,
    )


async def _sent(visit: Visit, given: Mapping[str, str], form: Form) -> Answered:
    own = given["user"] in ("", visit.session.user)
    headers, wrong = [], ""
    for line in given["headers"].split("\n"):
        name, colon, value = line.partition(":")
        if line.strip() and not (colon and name.strip()):
            wrong = line
        elif line.strip():
            headers.append([name.strip(), value.strip()])
    if wrong:
        detail = f"got header line {wrong[:80]!r}; expected Name: value"
        return None, {
            "title": "A header cannot be read",
            "detail": detail,
            "reason": "malformed_request",
            "status": 400,
            "remedy": [],
        }
    body = form.raw("body")
    return await visit.attempt(
        "callout.send",
        name=given["name"],
        method=given["method"],
        path=given["path"],
        query=given["query"],
        headers=headers,
        body=body or None,
        principal=given["principal"] or None,
        on_behalf_of=None if own else given["user"],
    )


async def _shown(
    visit: Visit,
    given: Mapping[str, str],
    result: dict[str, Any] | None,
    refused: dict[str, Any] | None,
    *,
    dry: bool = False,
) -> Response:
    steps = result["steps"] if result is not None else []
    return visit.page(
        "trying.html",
        title=TITLE,
        given=given,
        methods=METHODS if given["method"] in METHODS else (*METHODS, given["method"]),
        names=sorted(named.name for named in _known(visit))[:MOST_SUGGESTED],
        users=sorted(visit.org.users)[:MOST_SUGGESTED] if visit.may("user.list") else [],
        packages=sorted(visit.org.packages) if visit.may("package.list") else [],
        result=result,
        refused=refused,
        dry=dry,
        rungs=ladder(visit, steps, result or {}),
        next=again(given),
        status=status_of(refused),
    )


def again(given: Mapping[str, str]) -> str:
    """Return the address that shows the form as it stands, decided anew; what is long is left out."""
    kept = {name: text for name, text in given.items() if text and len(text) <= LONGEST_REMEMBERED}
    return f"{PATH}?{urlencode({**kept, 'do': 'dry'})}"


def _known(visit: Visit) -> list[NamedCredential]:
    """Return the named credentials that who asks may know of: every one, or those of which they have a grant."""
    named = visit.org.named_credentials.values()
    if visit.may("named_credential.list"):
        return list(named)
    granted = principals_of(visit.org, visit.session.user, visit.console.setup.now())
    reached = {reference.external_credential for reference in granted}
    return [each for each in named if each.external_credential in reached]


def found(visit: Visit) -> Iterator[Place]:
    """Yield a place for each named credential that who asks may know of: to try it."""
    for each in _known(visit):
        place = f"{PATH}?{urlencode({'name': each.name})}"
        yield Place(f"Try {each.label or each.name}", place, "Do", f"try send {each.name}")


SECTION = Section(
    TITLE,
    PATH,
    "Look and mend",
    "callout.send",
    (Page(PATH, get=ask, post=attempt),),
    words="send callout dry run diagnose test request explain",
    found=found,
)
