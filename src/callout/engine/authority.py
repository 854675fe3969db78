"""What the one who runs an operation may administer, and the refusal of what they may not.

Nobody gives what they do not have: no edit, and no key, may leave a user with an admin permission that the user did
not have before and that the one who edits does not have either.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from callout.core.access.sources import admin_permissions_of, sources_of
from callout.core.errors import CalloutError
from callout.core.explanation import Remedy
from callout.core.model.org import Org
from callout.core.model.people import EVERY_ADMIN_PERMISSION, GUEST, AdminPermission
from callout.core.reasons import Blame

#: The permission without which nothing in a section of the manifest is changed.
PERMISSION_OF_SECTION = {
    "external_credentials": AdminPermission.MANAGE_NAMED_CREDENTIALS,
    "external_auth_identity_providers": AdminPermission.MANAGE_NAMED_CREDENTIALS,
    "named_credentials": AdminPermission.MANAGE_NAMED_CREDENTIALS,
    "certificates": AdminPermission.MANAGE_NAMED_CREDENTIALS,
    "permission_sets": AdminPermission.MANAGE_USERS,
    "permission_set_groups": AdminPermission.MANAGE_USERS,
    "profiles": AdminPermission.MANAGE_USERS,
    "packages": AdminPermission.CUSTOMIZE_APPLICATION,
    "users": AdminPermission.MANAGE_USERS,
    "trusted_issuers": AdminPermission.MANAGE_USERS,
    "client_certificates": AdminPermission.MANAGE_USERS,
}


class NotPermitted(CalloutError):
    """An admin permission is missing; `detail` says which and what has it, `remedies` how it is given."""

    blame = Blame.CALLER

    def __init__(self, detail: str, *remedies: Remedy) -> None:
        super().__init__(f"administrator_required: {detail}")
        self.detail = detail
        self.remedies = remedies


@dataclass(frozen=True, slots=True)
class Authority:
    """Who runs an operation, and the admin permissions that they have. `user` None: the admin of a home."""

    user: str | None
    permissions: frozenset[AdminPermission]

    def demand_one_of(self, org: Org, wanted: Collection[AdminPermission], now: datetime) -> None:
        """Raise `NotPermitted` unless one of these is there; the remedy proposes the first."""
        if self.user is not None and not self.permissions.intersection(wanted):
            raise refusal(org, self.user, tuple(wanted), now)

    def demand_sections(self, org: Org, sections: Iterable[str], now: datetime) -> None:
        """Raise `NotPermitted` unless everything in these sections may be changed."""
        for section in sorted(set(sections)):
            self.demand_one_of(org, [PERMISSION_OF_SECTION.get(section, AdminPermission.CUSTOMIZE_APPLICATION)], now)

    def demand_no_gain(self, before: Org, after: Org, now: datetime) -> None:
        """Raise `NotPermitted` where a user gains an admin permission that is not there to be given.

        An issuer that is trusted to name a user gives what that user has, and so does a certificate that is mapped to one.
        """
        for user in sorted(after.users):
            gained = admin_permissions_of(after, user, now) - admin_permissions_of(before, user, now)
            self._give(before, user, gained, now)
        for name, issuer in sorted(after.trusted_issuers.items()):
            if before.trusted_issuers.get(name) != issuer:
                for user in sorted(after.users if issuer.users_by_name else set(issuer.users.values())):
                    self._give(before, user, admin_permissions_of(after, user, now), now)
        for name, mapping in sorted(after.client_certificates.items()):
            if before.client_certificates.get(name) != mapping:
                self._give(before, mapping.user, admin_permissions_of(after, mapping.user, now), now)

    def demand_key_of(self, org: Org, user: str, now: datetime) -> None:
        """Raise `NotPermitted` where a key of this user would administer more than its maker does."""
        self._give(org, user, admin_permissions_of(org, user, now), now)

    def _give(self, org: Org, user: str, given: frozenset[AdminPermission], now: datetime) -> None:
        missing = sorted(given - self.permissions)
        if missing and self.user is not None:
            refused = refusal(org, self.user, missing[:1], now)
            detail = f"got {', '.join(missing)} for {user}, which {self.user} does not have to give; {refused.detail}"
            raise NotPermitted(detail, *refused.remedies)


#: The admin of a home: whoever may read its master key.
WHOLE = Authority(None, EVERY_ADMIN_PERMISSION)


def refusal(org: Org, user: str, wanted: Collection[AdminPermission], now: datetime) -> NotPermitted:
    """Word that a user has none of these permissions, which sets have the first, and how it is given."""
    first, *others = wanted
    having = [s for _, s in sorted(org.permission_sets.items()) if first in s.admin_permissions]
    profiles = [p for _, p in sorted(org.profiles.items()) if first in p.admin_permissions]
    known = [*(f"permission set {s.name}" for s in having), *(f"profile {p.name}" for p in profiles)]
    person = org.users.get(user)
    profile = person.profile if person is not None else "none"
    other = f" (or {', '.join(others)})" if others else ""
    ended = [s.worded for s in sources_of(org, user, now) if s.over and first in s.admin_permissions]
    detail = f"got user {user}, profile {profile}, without admin permission {first}{other}; {first} is in: "
    detail += ", ".join(known) + "".join(f"; {each}" for each in ended)
    if user == GUEST:
        return NotPermitted(detail, Remedy("Send the key of a user who has it; the guest never does"))
    name = shlex.quote(user)
    if having:
        best = min(having, key=lambda s: (len(s.admin_permissions), len(s.principals), s.name))
        command = f"callout permission-set assign {shlex.quote(best.name)} {name}"
        return NotPermitted(detail, Remedy(f"Assign permission set {best.name}, which has {first}, to {user}", command))
    new = shlex.quote(f"Admins {first}")
    command = f"callout permission-set create {new} --admin-permission {first} --assign {name}"
    return NotPermitted(detail, Remedy(f"Give {user} {first} in a permission set; none has it yet", command))
