"""Is a token stale whose refusal may be genuine? Where it is declared, its authorization server is asked (RFC 7662).

A 401 says so by its definition (RFC 9110 section 15.5.2); a 400, or a text in a body, may mean something else. Where the
server says that the token is active, nothing is spent for it. Where it says nothing in time, the sign is believed.
"""

from __future__ import annotations

import asyncio

from callout.core.errors import CalloutError
from callout.core.oauth2 import introspected_from
from callout.core.oauth2.parameters import INTROSPECTION_ENDPOINT
from callout.core.ports import Transport
from callout.engine.asking import ask
from callout.engine.scopes import Scopes
from callout.engine.slots import Slot

#: How long the answer may take, in seconds: a caller waits for it.
SECONDS = 5.0


class Doubts:
    """Asks about the tokens in hand, once at a time about each. One for each process."""

    def __init__(self, transport: Transport, scopes: Scopes) -> None:
        self._transport = transport
        self._scopes = scopes
        self._asking: dict[Slot, asyncio.Task[bool]] = {}

    async def is_active(self, slot: Slot) -> bool:
        """Say whether the token in hand is active for certain; False where nobody is there to ask, or none answers."""
        asking = self._asking.get(slot)
        if asking is None:
            asking = self._asking[slot] = asyncio.get_running_loop().create_task(self._ask(slot))
            asking.add_done_callback(lambda _: self._asking.pop(slot))
        return await asyncio.shield(asking)

    async def _ask(self, slot: Slot) -> bool:
        if slot.held is None or not slot.protocol.values.text(INTROSPECTION_ENDPOINT.name):
            return False  # what is not declared here is not looked for while a caller waits
        try:
            moment = self._scopes.moment(slot.key.external_credential, slot.protocol, slot.reader)
            asking = slot.protocol.introspection(slot.held.token, moment)
            if asking is None:
                return False
            answer, _ = await ask(
                asking, self._transport, allow_private_network=slot.allow_private_network, timeout_seconds=SECONDS
            )
            if answer is None:
                return False
            return introspected_from(answer, slot.protocol.values, scrub=()).active
        except CalloutError:  # and shown to nobody: it may hold the token
            return False

    def close(self) -> None:
        """Ask no more."""
        for asking in tuple(self._asking.values()):
            asking.cancel()
