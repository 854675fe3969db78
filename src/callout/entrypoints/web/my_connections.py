"""My Connections: what one has at external systems, as oneself; for everybody who is signed in."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from callout.entrypoints.web.connecting import Connecting, Meant, connected_as, problems_of_values, ways_of
from callout.entrypoints.web.forms import Drawing, draw
from callout.entrypoints.web.secret_fields import secret_groups
from callout.entrypoints.web.sections import Page, Section
from callout.entrypoints.web.visit import Visit, address

TITLE, PATH, GROUP = "My Connections", "/setup/connections", "Mine"


def meant_by(visit: Visit) -> Meant:
    """Say which of one's own principals a button is about."""
    external_credential, principal = visit.named("external_credential"), visit.named("principal")
    return _own(visit, external_credential, principal)


def _own(visit: Visit, external_credential: str, principal: str) -> Meant:
    path = address("connections", external_credential, principal)
    return Meant(external_credential, principal, visit.session.user, path, PATH)


async def show(visit: Visit) -> Response:
    """Show the per-user principals that one was granted."""
    return await _page(visit, None, None)


async def _page(visit: Visit, problem: dict[str, Any] | None, _: dict[str, Any] | None) -> Response:
    shown = await visit.run("connection.list")
    rows = [_drawn(visit, row, problem) for row in shown["connections"]]
    back = next((row for row in rows if row["principal"] == visit.asked("connected")), None)
    if problem is None and back is not None and back["connected"]:
        visit.said = f"{back['label']}: {connected_as(back['account'])}"
    return visit.page(
        "my_connections.html",
        status=int(problem["status"]) if problem is not None else 200,
        title=TITLE,
        connections=rows,
        may=_may(visit, shown["may"]),
        problem=problem,
    )


def _may(visit: Visit, permissions: list[str]) -> set[str]:
    """Return what one may do with one's own values."""
    if visit.may("secret.set") or "modify_all" in permissions:
        return {"create", "edit", "delete"}
    return set(permissions)


def _drawn(visit: Visit, row: dict[str, Any], problem: dict[str, Any] | None) -> dict[str, Any]:
    """Return a connection with how it is made: the way to its authorization server, or the fields of its values."""
    meant = _own(visit, row["external_credential"], row["principal"].partition("/")[2])
    defined, drawing, ways = meant.defined(visit.org), Drawing(), {"browser": False, "device": False}
    if defined is not None:
        ways = ways_of(visit, *defined)
        if not row["interactive"]:
            groups = secret_groups(visit, *defined, row["secrets_set"])
            drawing = draw(groups, {}, problems_of_values(meant, problem))
    return {**row, "meant": meant, "ways": ways, "drawing": drawing}


CONNECTING = Connecting(f"{PATH}/{{external_credential}}/{{principal}}", meant_by, _page)

SECTION = Section(
    TITLE,
    PATH,
    GROUP,
    "connection.list",
    (Page(PATH, get=show), *CONNECTING.pages()),
    words="connect reconnect disconnect account authorize oauth my own api key",
)
