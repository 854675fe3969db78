"""Which changes of a definition let more be done than before: a plan marks them, so that no reader misses one."""

from __future__ import annotations

from collections.abc import Collection

from callout.core.model.credentials import NamedCredential, PrincipalReference
from callout.core.model.issuers import TrustedIssuer
from callout.core.model.org import Definition
from callout.core.model.people import (
    Assignment,
    PermissionSet,
    PermissionSetGroup,
    Profile,
    User,
    assigned_name,
)

#: Fields of which every new entry lets more be done, by what has them.
_ADDING: tuple[tuple[tuple[type, ...], frozenset[str]], ...] = (
    ((NamedCredential,), frozenset({"allowed_namespaces"})),
    ((PermissionSet, Profile), frozenset({"user_external_credential", "admin_permissions"})),
    ((PermissionSet,), frozenset({"may_act_for"})),
    ((PermissionSetGroup,), frozenset({"permission_sets"})),
)
_SWITCHES = frozenset(
    {
        "enabled_for_callouts",
        "allow_private_network",
        "allow_merge_fields_in_header",
        "allow_merge_fields_in_body",
        "active",
        "users_by_name",
    }
)
_MUTED = ("principals", "user_external_credential", "admin_permissions")
_ASSIGNED = frozenset({"permission_sets", "permission_set_groups"})


def widened_fields(old: Definition | None, new: Definition | None) -> frozenset[str]:
    """Return the fields of a definition that is changed by which more may be done. What is new is seen to be new."""
    if old is None or new is None or type(old) is not type(new):
        return frozenset()
    return frozenset(field for field in type(new).__dataclass_fields__ if _widens(field, old, new))


def _widens(field: str, old: Definition, new: Definition) -> bool:
    before, after = getattr(old, field), getattr(new, field)
    if field in _SWITCHES:
        return after is True and before is not True
    if field in ("allowed_methods", "allowed_paths"):
        return _restricts_less(before, after)
    if isinstance(old, NamedCredential) and isinstance(new, NamedCredential) and field == "rate_limits":
        return _limits_less(old, new)
    if isinstance(new, PermissionSet | Profile) and field == "principals":
        return any(not _covered(grant, before) for grant in after)
    if isinstance(old, User) and field in _ASSIGNED:
        return any(not _lasts(entry, before) for entry in after)
    if field == "muted":
        return any(not set(getattr(before, kind)) <= set(getattr(after, kind)) for kind in _MUTED)
    if isinstance(new, TrustedIssuer) and field in ("users", "namespaces"):
        return not set(after.items()) <= set(before.items())
    adding = any(isinstance(new, kinds) and field in names for kinds, names in _ADDING)
    return adding and not set(after) <= set(before)


def _lasts(entry: str | Assignment, before: Collection[str | Assignment]) -> bool:
    """True where this was assigned before, for as long at least."""
    had = next((each for each in before if assigned_name(each) == assigned_name(entry)), None)
    if isinstance(entry, Assignment) and isinstance(had, Assignment):
        return entry.until <= had.until
    return isinstance(had, str)


def _restricts_less(before: Collection[str], after: Collection[str]) -> bool:
    """An empty list restricts nothing."""
    return bool(before) and (not after or not set(after) <= set(before))


def _limits_less(old: NamedCredential, new: NamedCredential) -> bool:
    """True where a limit that refuses is no longer kept by one as strict."""
    return not all(
        any(
            kept.per is limit.per
            and not kept.observe
            and kept.calls <= limit.calls
            and kept.calls * limit.seconds <= limit.calls * kept.seconds
            for kept in new.rate_limits
        )
        for limit in old.rate_limits
        if not limit.observe
    )


def _covered(grant: PrincipalReference, before: Collection[PrincipalReference]) -> bool:
    """True where one grant from before allowed whatever this one does."""
    return any(
        had.names_same(grant)
        and (not had.methods or (bool(grant.methods) and set(grant.methods) <= set(had.methods)))
        and (not had.paths or (bool(grant.paths) and set(grant.paths) <= set(had.paths)))
        for had in before
    )
