"""Which admin permission each operation demands: by what it is about, and whether it only looks.

An operation about something that is not named here demands `customize_application`, so that nothing is open by
being forgotten. Where several are named, one of them is enough; a refusal proposes the first.
"""

from __future__ import annotations

from callout.core.model.people import AdminPermission
from callout.engine.operations.operation import Access, Operation

_BY_NOUN = {
    "named_credential": AdminPermission.MANAGE_NAMED_CREDENTIALS,
    "external_credential": AdminPermission.MANAGE_NAMED_CREDENTIALS,
    "principal": AdminPermission.MANAGE_NAMED_CREDENTIALS,
    "protocol": AdminPermission.MANAGE_NAMED_CREDENTIALS,
    "certificate": AdminPermission.MANAGE_NAMED_CREDENTIALS,
    "preset": AdminPermission.MANAGE_NAMED_CREDENTIALS,
    "secret": AdminPermission.MANAGE_NAMED_CREDENTIALS,
    "identity_provider": AdminPermission.MANAGE_NAMED_CREDENTIALS,
    "token": AdminPermission.MANAGE_NAMED_CREDENTIALS,
    "user": AdminPermission.MANAGE_USERS,
    "key": AdminPermission.MANAGE_USERS,
    "permission_set": AdminPermission.MANAGE_USERS,
    "permission_set_group": AdminPermission.MANAGE_USERS,
    "profile": AdminPermission.MANAGE_USERS,
    "approvals": AdminPermission.CUSTOMIZE_APPLICATION,
    "trusted_issuer": AdminPermission.MANAGE_USERS,
    "client_certificate": AdminPermission.MANAGE_USERS,
    "package": AdminPermission.CUSTOMIZE_APPLICATION,
}

#: Whoever manages one section may hand in a manifest of it; what it would change is judged section by section.
_MANIFEST = (
    AdminPermission.MANAGE_NAMED_CREDENTIALS,
    AdminPermission.MANAGE_USERS,
    AdminPermission.CUSTOMIZE_APPLICATION,
)


def demanded(operation: Operation) -> tuple[AdminPermission, ...]:
    """Return the admin permissions of which an operation demands one; none where anyone may ask about themselves."""
    if operation.access is Access.KNOWN:
        return ()
    return administering(operation)


def administering(operation: Operation) -> tuple[AdminPermission, ...]:
    """Return the admin permissions that let one run an operation about anyone and anything."""
    if operation.name in ("plan", "apply"):
        return _MANIFEST
    noun, _, _ = operation.name.rpartition(".")
    managing = _BY_NOUN.get(noun)
    if operation.method == "GET" or (operation.access is Access.KNOWN and managing is None):
        return (AdminPermission.VIEW_SETUP,) if managing is None else (AdminPermission.VIEW_SETUP, managing)
    return (managing or AdminPermission.CUSTOMIZE_APPLICATION,)
