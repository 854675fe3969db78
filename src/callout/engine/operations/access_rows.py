"""Rows of the table about what a user has: one user whole, and what a group mutes."""
# ruff: noqa: ARG005 - every row takes the same three

from __future__ import annotations

from callout.engine import groups, people
from callout.engine.operations import requests as r
from callout.engine.operations.operation import Operation
from callout.engine.showing import with_definition

ROWS: tuple[Operation, ...] = (
    Operation(
        "user.show",
        "GET",
        "/users/{name}",
        r.Name,
        "Show a user, every way in which grants come to them, and what is muted or has ended",
        lambda u, q, c: with_definition(u.setup, "users", q.name, lambda s: people.show_user(s, q.name)),
    ),
    Operation(
        "permission_set_group.mute",
        "POST",
        "/permission-set-groups/{name}/mute",
        r.Grants,
        "Keep grants from coming through a group",
        lambda u, q, c: groups.mute(u.setup, str(c), q.name, r.given(q)),
    ),
    Operation(
        "permission_set_group.unmute",
        "POST",
        "/permission-set-groups/{name}/unmute",
        r.Grants,
        "Let grants come through a group again",
        lambda u, q, c: groups.unmute(u.setup, str(c), q.name, r.given(q)),
    ),
)
