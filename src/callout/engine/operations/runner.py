"""Runs operations of the table for a caller: may they, is the request well formed, then the use case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from callout.core.errors import Refused
from callout.core.model.org import Org
from callout.core.model.people import Caller
from callout.core.reasons import Telling
from callout.core.secret import Secret
from callout.engine.authority import WHOLE, Authority, NotPermitted
from callout.engine.operations.callouts import held_by
from callout.engine.operations.demands import demanded
from callout.engine.operations.operation import LOCAL, Access, Operation, Uses
from callout.engine.operations.problems import OperationRefused
from callout.engine.operations.table import BY_NAME
from callout.engine.revocation import revoke


class Operations:
    """The operations on one store. What comes back is plain JSON members, as a remote client would see them."""

    def __init__(self, uses: Uses) -> None:
        self.uses = uses

    async def run(self, name: str, arguments: Mapping[str, Any], caller: Caller) -> Any:
        """Run one operation. Raises `CalloutError`: refused, malformed, or what the use case raises.

        `KeyError` is raised for a name that is not in the table.
        """
        operation = BY_NAME[name]
        try:
            authority = await self._authorize(operation, caller)
            request = decode(operation, arguments)
            uses = replace(self.uses, setup=self.uses.setup.acting_for(authority))
            result = await operation.run(uses, request, caller)
            if uses.setup.orphans:
                result = {**result, "revocations": await revoke(uses.setup, str(caller), uses.setup.orphans)}
            return msgspec.to_builtins(result)
        except NotPermitted as missing:
            raise OperationRefused("administrator_required", missing.detail, *missing.remedies) from None

    async def _authorize(self, operation: Operation, caller: Caller) -> Authority:
        """Return what the caller may administer. The request is not looked at: every one is answered alike."""
        org, now = await self.uses.setup.org(), self.uses.setup.now()
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
        self._demand(authority, org, operation, now)
        if caller.namespace is not None and operation.access is Access.ADMINISTRATOR:
            detail = f"got {operation.name} from code of package {caller.namespace}; expected plan or apply"
            raise OperationRefused("package_code_refused", detail)
        return authority

    def _demand(self, authority: Authority, org: Org, operation: Operation, now: datetime) -> None:
        try:
            authority.demand_one_of(org, demanded(operation), now)
        except NotPermitted:
            if self.uses.telling is Telling.FULL:
                raise
            detail = f"got user {authority.user} without {' or '.join(demanded(operation))}"
            raise NotPermitted(detail) from None


def decode(operation: Operation, arguments: Mapping[str, Any]) -> msgspec.Struct:
    """Make the request from JSON members, or from the texts of a query. Raises `Refused(malformed_request)`."""
    try:
        return msgspec.convert(dict(arguments), operation.request, strict=operation.reads_body, dec_hook=_decoded)
    except msgspec.ValidationError as error:
        text, mark, place = str(error).partition(" - at `$.")
        at = f"{place.rstrip('`')}: " if mark else ""
        raise Refused("malformed_request", f"{operation.name}: {at}{text}") from None


def _decoded(kind: type, value: object) -> object:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    expected = "text" if kind is Secret else kind.__name__
    msg = f"Expected {expected}, got {type(value).__name__}"
    raise TypeError(msg)
