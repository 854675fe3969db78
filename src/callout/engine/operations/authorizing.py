"""May this caller run this operation: asked before its request is looked at, so that every one is answered alike."""

from __future__ import annotations

from datetime import datetime

from callout.core.errors import Refused
from callout.core.model.org import Org
from callout.core.model.people import Caller
from callout.core.reasons import Telling
from callout.engine.authority import WHOLE, Authority, NotPermitted
from callout.engine.operations.callouts import held_by
from callout.engine.operations.demands import demanded
from callout.engine.operations.operation import LOCAL, Access, Operation, Uses
from callout.engine.operations.problems import OperationRefused


async def authorize(uses: Uses, operation: Operation, caller: Caller) -> Authority:
    """Return what the caller may administer. Raises `Refused`, `OperationRefused`, `NotPermitted`."""
    org, now = await uses.setup.org(), uses.setup.now()
    if caller.proof != LOCAL.proof:
        user = org.users.get(caller.user)
        if caller.is_guest or user is None or not user.active:
            raise Refused("caller_unknown", "got no proof of an active user; expected a valid key")
    if caller.namespace is not None and caller.namespace not in org.packages:
        detail = f"got namespace {caller.namespace!r}; expected that of an installed package"
        raise Refused("caller_unknown", detail)
    if caller.key is not None and (operation.access is not Access.KNOWN or operation.method not in ("GET", "POST")):
        detail = f"got {caller.proof}, which is limited to callouts; expected a key without a limit"
        raise OperationRefused("administrator_required", detail)
    authority = WHOLE if caller.proof == LOCAL.proof else Authority(caller.user, held_by(org, caller, now))
    if operation.access is Access.KNOWN:
        return authority
    _demand(uses, authority, org, operation, now)
    if caller.namespace is not None and operation.access is Access.ADMINISTRATOR:
        detail = f"got {operation.name} from code of package {caller.namespace}; expected plan or apply"
        raise OperationRefused("package_code_refused", detail)
    return authority


def _demand(uses: Uses, authority: Authority, org: Org, operation: Operation, now: datetime) -> None:
    try:
        authority.demand_one_of(org, demanded(operation), now)
    except NotPermitted:
        if uses.telling is Telling.FULL:
            raise
        detail = f"got user {authority.user} without {' or '.join(demanded(operation))}"
        raise NotPermitted(detail) from None
