"""Operations about callouts: who one is, what a callout would do, what one did. Everyone may ask about themselves."""

from __future__ import annotations

from datetime import datetime

from callout.core.access.sources import admin_permissions_of
from callout.core.model.org import Org
from callout.core.model.people import EVERY_ADMIN_PERMISSION, AdminPermission, Caller
from callout.core.reasons import Telling, reason
from callout.engine import keys
from callout.engine.audit.search import Wanted
from callout.engine.operations.operation import LOCAL, Uses
from callout.engine.operations.problems import OperationRefused
from callout.engine.operations.requests import Access, CalloutId, CalloutsWanted, Nothing, Question
from callout.engine.setup import Result, administrators
from callout.engine.who_can import may_call


def held_by(org: Org, caller: Caller, now: datetime) -> frozenset[AdminPermission]:
    """Return the admin permissions of a caller; the admin of a home has every one, who has a limited key has none."""
    if caller.key is not None:
        return frozenset()
    return EVERY_ADMIN_PERMISSION if caller.proof == LOCAL.proof else admin_permissions_of(org, caller.user, now)


def views_setup(uses: Uses, org: Org, caller: Caller) -> bool:
    """True for one who may look at everyone's callouts. The code of a package may not, whoever's key it has."""
    return caller.namespace is None and AdminPermission.VIEW_SETUP in held_by(org, caller, uses.setup.now())


async def whoami(uses: Uses, _: Nothing, caller: Caller) -> Result:
    """Say who is asking, and as which user their callouts are made where they name none."""
    org = await uses.setup.org()
    held = held_by(org, caller, uses.setup.now())
    user = org.users.get(caller.user)
    return {
        "caller": caller.user,
        "kind": user.kind.value if user is not None else None,
        "namespace": caller.namespace,
        "proof": caller.proof,
        "administrator": held >= EVERY_ADMIN_PERMISSION,
        "admin_permissions": sorted(held),
        "user": own_user(org, caller),
        **await _signed_in(uses, caller),
    }


async def _signed_in(uses: Uses, caller: Caller) -> Result:
    """Say whether a user has a password, since when, in how many browsers they are signed in, and which keys are theirs."""
    if caller.proof == LOCAL.proof or caller.namespace is not None or caller.key is not None:
        return {"password_changed_at": None, "sessions": None, "keys": None}
    told = await uses.signing_in.list(caller.user, caller)
    own = await keys.list_keys(uses.setup, user=caller.user)
    return {"password_changed_at": told["password_changed_at"], "sessions": len(told["sessions"]), **own}


def own_user(org: Org, caller: Caller) -> str | None:
    """Return the user who a caller is; the admin of a home is the first administrator, if there is one."""
    if caller.proof != LOCAL.proof:
        return caller.user
    return next(iter(administrators(org)), None)


async def diagnose(uses: Uses, request: Question, caller: Caller) -> Result:
    """Diagnose a callout: anyone their own, an admin everyone's."""
    org = await uses.setup.org()
    user = request.user or own_user(org, caller)
    namespace = request.namespace if request.user or request.namespace else caller.namespace
    if user is None:
        raise OperationRefused(
            "administrator_required", "got no user, and no administrator is defined; expected --as USER"
        )
    _expect_own(uses, org, caller, Caller(user, namespace))
    result = await uses.diagnose(
        request.name,
        user=user,
        namespace=namespace,
        method=request.method,
        path=request.path,
        principal=request.principal,
        on_behalf_of=request.on_behalf_of,
        key=caller.key,
    )
    return result if is_told_all(uses, org, caller) else code_alone(result)


async def can(uses: Uses, request: Access, caller: Caller) -> Result:
    """Decide whether a user may make callouts by a name: anyone about themselves, an admin about everyone."""
    org = await uses.setup.org()
    asked = Caller(request.user, request.namespace, proof=caller.proof if caller.key else "name", key=caller.key)
    _expect_own(uses, org, caller, asked)
    result = may_call(uses.setup, org, asked, request.name)
    return result if is_told_all(uses, org, caller) else code_alone(result)


def _expect_own(uses: Uses, org: Org, caller: Caller, whose: Caller) -> None:
    own = (whose.user, whose.namespace) == (caller.user, caller.namespace)
    if not own and not views_setup(uses, org, caller):
        detail = f"got a callout of {whose}; expected your own, or admin permission view_setup: you are {caller}"
        raise OperationRefused("administrator_required", detail)


async def explain(uses: Uses, request: CalloutId, caller: Caller) -> Result:
    """Show the record of a callout: anyone their own, an admin everyone's. Others cannot tell whether it exists."""
    record = await uses.explain(request.callout_id)
    org = await uses.setup.org()
    if record is not None and not views_setup(uses, org, caller):
        own = {"user": caller.user, "namespace": caller.namespace}
        record = record if record.get("caller") == own else None
    if record is None:
        raise OperationRefused(
            "callout_not_found", f"got callout id {request.callout_id!r}; expected one that is recorded"
        )
    return record if is_told_all(uses, org, caller) else code_alone(record)


async def log(uses: Uses, request: CalloutsWanted, caller: Caller) -> Result:
    """List callouts: anyone their own, an admin everyone's."""
    org = await uses.setup.org()
    own = {"user": caller.user, "namespace": caller.namespace}
    sees_all = views_setup(uses, org, caller)
    if not sees_all and request.user not in (None, caller.user):
        detail = f"got the callouts of user {request.user}; expected your own, or admin permission view_setup: you are {caller}"
        raise OperationRefused("administrator_required", detail)
    wanted = Wanted(
        request.name,
        request.user,
        request.reason,
        uses.audit.since(request.since),
        lambda record: sees_all or record.get("caller") == own,
        request.before,
    )
    found = await uses.audit.callouts(wanted, request.limit, request.cursor)
    told_all = is_told_all(uses, org, caller)
    return {**found, "callouts": [_brief(record if told_all else code_alone(record)) for record in found["callouts"]]}


def _brief(record: Result) -> Result:
    """Leave out the rungs: `explain` shows them."""
    return {name: value for name, value in record.items() if name != "steps"}


def is_told_all(uses: Uses, org: Org, caller: Caller) -> bool:
    """True for one who is told every rung and every remedy."""
    return uses.telling is Telling.FULL or views_setup(uses, org, caller)


def code_alone(result: Result) -> Result:
    """Leave out what only admins are told: the rungs, the exact remedies and the request."""
    general = [reason(result["reason"]).remedy] if result["reason"] else []
    left_out = {"steps": [], "remedy": general, "remedy_commands": [], "request": None, "detail": None}
    return {**result, **{name: value for name, value in left_out.items() if name in result}}
