"""Who may connect which principal: an admin any; everybody else their own per-user ones, as the grants say."""

from __future__ import annotations

import shlex
from datetime import datetime

from callout.core.errors import Refused
from callout.core.explanation import Remedy
from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.model.org import Org
from callout.core.model.people import AdminPermission, Caller, ObjectPermission
from callout.core.protocol import CONNECTION
from callout.core.rules import users_of
from callout.engine.authority import NotPermitted
from callout.engine.operations.callouts import held_by
from callout.engine.operations.operation import LOCAL
from callout.engine.operations.own_secrets import judge_own
from callout.engine.operations.problems import OperationRefused


def caller_of(who: str) -> Caller:
    """Return the caller whose authority an attempt or a link bears; an empty text is the admin of a home."""
    return LOCAL if not who else Caller(who, None, proof="connect")


def whose(caller: Caller) -> str:
    """Return who an attempt or a link is made by: a user; empty for the admin of a home."""
    return "" if caller.proof == LOCAL.proof else caller.user


def judge_again(org: Org, key: UserExternalCredentialKey, who: str, now: datetime) -> None:
    """Raise unless who began an attempt, or made a link, still may."""
    caller = caller_of(who)
    try:
        judge_connecting(org, key, caller, now)
    except NotPermitted as missing:
        raise OperationRefused("administrator_required", missing.detail, *missing.remedies) from None
    if AdminPermission.MANAGE_NAMED_CREDENTIALS not in held_by(org, caller, now):
        _demand_judged(org, key.external_credential)


def _demand_judged(org: Org, external_credential: str) -> None:
    """Raise for what a package says while it waits for an admin: nobody's code is sent where nobody has looked."""
    external = org.external_credentials.get(external_credential)
    using = users_of(org, external_credential)
    if external is None or external.created_by_namespace is None or any(n.enabled_for_callouts for n in using):
        return
    names = ", ".join(sorted(named.name for named in using)) or "none uses it"
    detail = (
        f"got external credential {external_credential} of package {external.created_by_namespace}, which no named"
        f" credential that is enabled for callouts uses ({names}); expected one that an admin has judged and enabled"
    )
    commands = [f"callout named-credential enable {shlex.quote(named.name)}" for named in using]
    raise Refused("callouts_disabled", detail, Remedy("An admin judges and enables it", *commands[:1]))


def demand_own_key(caller: Caller) -> None:
    """Raise for a key that is limited to callouts, and for code of a package: neither gives an authorization."""
    if caller.key is not None:
        detail = f"got {caller.proof}, which is limited to callouts; expected a key without a limit"
        raise OperationRefused("administrator_required", detail)
    if caller.namespace is not None:
        detail = f"got a connection by code of package {caller.namespace}; expected a key of the user's own"
        raise OperationRefused("package_code_refused", detail)


def judge_connecting(
    org: Org,
    key: UserExternalCredentialKey,
    caller: Caller,
    now: datetime,
    wanted: ObjectPermission | None = None,
) -> None:
    """Raise unless the caller may give an authorization for this principal (and user), or take it back.

    A first one takes `create` on User External Credential, another `edit`, unless another is `wanted`; and the principal
    has to be granted.
    """
    user = org.users.get(caller.user)
    if caller.proof != LOCAL.proof and (caller.is_guest or user is None or not user.active):
        remedy = Remedy("Prove who you are: an admin makes a key with", "callout key create USER")
        raise Refused("caller_unknown", "got no proof of an active user; expected one", remedy)
    demand_own_key(caller)
    there = CONNECTION in org.configured.get(key, ())
    judge_own(org, key, caller, now, wanted or (ObjectPermission.EDIT if there else ObjectPermission.CREATE))
