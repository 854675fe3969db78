"""Secret values, as the object permissions on User External Credential say.

Whoever manages named credentials sets the values of every principal. Everyone else has to do with per-user principals
alone: `read`, `create`, `edit` and `delete` are for one's own values, of principals that one was granted; `view_all`
and `modify_all` for everyone's. What one may not see is answered as what is not there.
"""

from __future__ import annotations

import shlex
from datetime import datetime

from callout.core.access.proposing import least, new_name
from callout.core.access.sources import object_permissions_of, principals_of
from callout.core.errors import Refused
from callout.core.explanation import Remedy
from callout.core.model.credentials import PrincipalReference, PrincipalType, UserExternalCredentialKey
from callout.core.model.org import Org
from callout.core.model.people import INCLUDES_READ, AdminPermission, Caller, ObjectPermission
from callout.engine import introspection, revocation, secret_values
from callout.engine.authority import NotPermitted, refusal
from callout.engine.operations import requests as r
from callout.engine.operations.callouts import held_by
from callout.engine.operations.operation import Uses
from callout.engine.operations.problems import OperationRefused
from callout.engine.setup import Result

_MANAGING = frozenset({AdminPermission.MANAGE_NAMED_CREDENTIALS})
_LOOKING = frozenset({AdminPermission.MANAGE_NAMED_CREDENTIALS, AdminPermission.VIEW_SETUP})
_EVERYTHING = frozenset({ObjectPermission.MODIFY_ALL})


async def set_values(uses: Uses, q: r.Values, caller: Caller) -> Result:
    """Set values: a new set of them with create, one that is there with edit."""
    org = await uses.setup.org()
    there = org.configured.get(UserExternalCredentialKey(q.external_credential, q.principal, q.user or ""))
    own = ObjectPermission.EDIT if there else ObjectPermission.CREATE
    _judge(uses.setup.now(), org, q, caller, _MANAGING, _EVERYTHING, frozenset({own}))
    return await secret_values.set_secrets(
        uses.setup, str(caller), q.external_credential, q.principal, q.values, user=q.user
    )


async def list_values(uses: Uses, q: r.Held, caller: Caller) -> Result:
    """List names of values: with read."""
    org = await uses.setup.org()
    everyones = _EVERYTHING | {ObjectPermission.VIEW_ALL}
    _judge(uses.setup.now(), org, q, caller, _LOOKING, everyones, INCLUDES_READ)
    return await secret_values.list_secrets(uses.setup, q.external_credential, q.principal, user=q.user)


async def remove_values(uses: Uses, q: r.HeldNames, caller: Caller) -> Result:
    """Remove values: with delete."""
    org = await uses.setup.org()
    _judge(uses.setup.now(), org, q, caller, _MANAGING, _EVERYTHING, frozenset({ObjectPermission.DELETE}))
    return await secret_values.remove_secrets(
        uses.setup, str(caller), q.external_credential, q.principal, q.names, user=q.user
    )


async def revoke_tokens(uses: Uses, q: r.Held, caller: Caller) -> Result:
    """Revoke the tokens of a principal and leave its values: with delete."""
    org = await uses.setup.org()
    _judge(uses.setup.now(), org, q, caller, _MANAGING, _EVERYTHING, frozenset({ObjectPermission.DELETE}))
    one = secret_values.holder(org, q.external_credential, q.principal, q.user)
    return await revocation.revoke_tokens(uses.setup, str(caller), one.external, one.principal, one.key)


async def introspect(uses: Uses, q: r.Held, caller: Caller) -> Result:
    """Ask whether the token of a principal is active: with read."""
    org = await uses.setup.org()
    everyones = _EVERYTHING | {ObjectPermission.VIEW_ALL}
    _judge(uses.setup.now(), org, q, caller, _LOOKING, everyones, INCLUDES_READ)
    return await introspection.introspect(uses.setup, q.external_credential, q.principal, user=q.user)


def judge_own(org: Org, key: UserExternalCredentialKey, caller: Caller, now: datetime, own: ObjectPermission) -> None:
    """Raise unless the caller may do this with the values of a key: as an admin, or with their own ones."""
    held = r.Held(external_credential=key.external_credential, principal=key.principal, user=key.user or None)
    _judge(now, org, held, caller, _MANAGING, _EVERYTHING, frozenset({own}))


def _judge(
    now: datetime,
    org: Org,
    q: r.Values | r.Held,
    caller: Caller,
    managing: frozenset[AdminPermission],
    everyones: frozenset[ObjectPermission],
    own: frozenset[ObjectPermission],
) -> None:
    """Raise `OperationRefused`, `NotPermitted` or `Refused` unless one of the sets of permissions is enough."""
    if caller.key is not None:
        detail = f"got {caller.proof}, which is limited to callouts; expected a key without a limit"
        raise OperationRefused("administrator_required", detail)
    if caller.namespace is not None:
        detail = f"got secret values from code of package {caller.namespace}; expected plan or apply"
        raise OperationRefused("package_code_refused", detail)
    if managing & held_by(org, caller, now):
        return
    having = object_permissions_of(org, caller.user, now)
    if not _is_seen(org, q, caller, principals_of(org, caller.user, now), everyones=bool(having & everyones)):
        whose = f" of {q.user}" if q.user else ""
        detail = (
            f"got {q.external_credential}/{q.principal}{whose}; expected a per-user principal that {caller.user}"
            f" was granted, with --user {shlex.quote(caller.user)}"
        )
        missing = refusal(org, caller.user, sorted(managing), now)
        raise NotPermitted(f"{detail}; or an admin: {missing.detail}", *missing.remedies)
    if not having & (own | everyones):
        raise _denied(org, caller, min(own, key=lambda p: (p is not ObjectPermission.READ, p)))


def _is_seen(
    org: Org, q: r.Values | r.Held, caller: Caller, granted: frozenset[PrincipalReference], *, everyones: bool
) -> bool:
    """Say whether a caller may know of these values: their own, of a principal that was granted; or everyone's."""
    external = org.external_credentials.get(q.external_credential)
    principal = external.principal(q.principal) if external is not None else None
    if principal is None or principal.type is not PrincipalType.PER_USER or q.user not in org.users:
        return False
    wanted = PrincipalReference(q.external_credential, q.principal)
    own = q.user == caller.user and any(map(wanted.names_same, granted))
    return own or everyones


def _denied(org: Org, caller: Caller, wanted: ObjectPermission) -> Refused:
    user = shlex.quote(caller.user)
    having = [s for s in org.permission_sets.values() if wanted in s.user_external_credential]
    known = ", ".join(sorted(f"permission set {s.name}" for s in having)) or "no permission set yet"
    detail = f"got {caller.user} without {wanted} on User External Credential; {wanted} is in: {known}"
    best = least(org, lambda s: wanted in s.user_external_credential)
    if best is not None:
        command = f"callout permission-set assign {shlex.quote(best.name)} {user}"
        remedy = Remedy(f"Assign permission set {best.name}, which has it, to {caller.user}", command)
    else:
        new = shlex.quote(new_name(org, "Own Secrets"))
        command = f"callout permission-set create {new} --user-external-credential {wanted} --assign {user}"
        remedy = Remedy(f"Give {wanted} on User External Credential in a permission set of {caller.user}", command)
    return Refused("user_external_credential_denied", detail, remedy, who=caller.user)
