"""Which permission set a remedy proposes: the one that gives what is lacking and the least else.

A set that lets one administer or act for others is never proposed to somebody who lacks something smaller: a new set
is, under a name that nobody has, so that nobody else gains by it.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from callout.core.model.org import Org
from callout.core.model.people import PermissionSet

#: Longest name of a permission set, in characters.
_LONGEST = 80


def least(org: Org, gives: Callable[[PermissionSet], bool]) -> PermissionSet | None:
    """Return the permission set that gives this and the least else; None where none is to be proposed."""
    having = (s for s in org.permission_sets.values() if gives(s) and not s.admin_permissions and not s.may_act_for)
    return min(having, key=_weight, default=None)


def _weight(source: PermissionSet) -> tuple[int, int, str]:
    return len(source.principals), len(source.user_external_credential), source.name


def new_name(org: Org, wanted: str) -> str:
    """Return this name for a new permission set, or one like it where it is taken: letter case tells none apart."""
    taken = {name.lower() for name in org.permission_sets}
    numbered = (f" {number}" if number > 1 else "" for number in count(1))
    names = (wanted[: _LONGEST - len(end)].strip() + end for end in numbered)
    return next(name for name in names if name.lower() not in taken)
