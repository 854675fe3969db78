"""Runs operations of the table for a caller: may they, is the request well formed, then the use case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from callout.core.model.people import Caller
from callout.engine.authority import NotPermitted
from callout.engine.operations.authorizing import authorize
from callout.engine.operations.decoding import decode
from callout.engine.operations.operation import Uses
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
            authority = await authorize(self.uses, operation, caller)
            request = decode(operation, arguments)
            uses = replace(self.uses, setup=self.uses.setup.acting_for(authority))
            result = await operation.run(uses, request, caller)
            if uses.setup.orphans:
                result = {**result, "revocations": await revoke(uses.setup, str(caller), uses.setup.orphans)}
            return msgspec.to_builtins(result)
        except NotPermitted as missing:
            raise OperationRefused("administrator_required", missing.detail, *missing.remedies) from None

    async def demand(self, name: str, caller: Caller) -> None:
        """Raise what refuses this caller an operation, without running it: asked before a form of it is shown."""
        try:
            await authorize(self.uses, BY_NAME[name], caller)
        except NotPermitted as missing:
            raise OperationRefused("administrator_required", missing.detail, *missing.remedies) from None
