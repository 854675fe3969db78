"""Operations on permission set groups."""
# ruff: noqa: ARG005 - every row takes the same three

from __future__ import annotations

from callout.engine import groups
from callout.engine.operations import requests as r
from callout.engine.operations.operation import Operation

_GROUPS_PATH = "/permission-set-groups"

GROUPS: tuple[Operation, ...] = (
    Operation(
        "permission_set_group.list",
        "GET",
        _GROUPS_PATH,
        r.Nothing,
        "List permission set groups",
        lambda u, q, c: groups.list_groups(u.setup),
    ),
    Operation(
        "permission_set_group.create",
        "POST",
        _GROUPS_PATH,
        r.GroupDefinition,
        "Make a permission set group and assign it",
        lambda u, q, c: groups.create_group(
            u.setup, str(c), q.name, permission_sets=q.permission_sets, label=q.label, assign=q.assign
        ),
    ),
    Operation(
        "permission_set_group.remove",
        "DELETE",
        _GROUPS_PATH + "/{name}",
        r.Name,
        "Remove a permission set group that nobody has",
        lambda u, q, c: groups.remove_group(u.setup, str(c), q.name),
    ),
    Operation(
        "permission_set_group.include",
        "PUT",
        _GROUPS_PATH + "/{name}/permission-sets/{permission_set}",
        r.GroupMember,
        "Put a permission set into a group",
        lambda u, q, c: groups.include(u.setup, str(c), q.name, q.permission_set),
    ),
    Operation(
        "permission_set_group.exclude",
        "DELETE",
        _GROUPS_PATH + "/{name}/permission-sets/{permission_set}",
        r.GroupMember,
        "Take a permission set out of a group",
        lambda u, q, c: groups.exclude(u.setup, str(c), q.name, q.permission_set),
    ),
    Operation(
        "permission_set_group.assign",
        "PUT",
        _GROUPS_PATH + "/{name}/users/{user}",
        r.NewAssignment,
        "Give a permission set group to a user",
        lambda u, q, c: groups.assign_group(u.setup, str(c), q.name, q.user, until=q.until, purpose=q.purpose),
    ),
    Operation(
        "permission_set_group.unassign",
        "DELETE",
        _GROUPS_PATH + "/{name}/users/{user}",
        r.Assignment,
        "Take a permission set group from a user",
        lambda u, q, c: groups.unassign_group(u.setup, str(c), q.name, q.user),
    ),
)
