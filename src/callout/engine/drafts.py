"""A callout being built, and its first stage: what is sealed for it is opened."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from callout.core.explanation import Explanation, Step
from callout.core.message import HttpRequest
from callout.core.protocol import Token, Values
from callout.engine.certificate_uses import presented_worded
from callout.engine.evaluating import Asked, Written
from callout.engine.key_pairs import Rotated
from callout.engine.refreshing import Superseded
from callout.engine.routes import Route
from callout.engine.slots import Slots

FOREVER = float("inf")


@dataclass(frozen=True, slots=True)
class Draft:
    """A callout being built: what the stages have found so far."""

    route: Route
    dry: bool
    values: Values = field(default_factory=Values)
    token: Token | None = None
    generation: int = 0
    fresh_until: float = FOREVER
    good_until: float = FOREVER
    asked: Asked | None = None
    written: Written | None = None
    now: datetime | None = None  # what every formula of one callout reads as the time
    nonce: str = ""
    passing: bool = False  # true for this callout alone: the time was read, or the request
    request: HttpRequest = field(default_factory=lambda: HttpRequest("GET", ""))
    explanation: Explanation = field(default_factory=Explanation)

    def noting(self, name: str, detail: str) -> Draft:
        """Return a copy whose explanation has one more step that held."""
        return replace(self, explanation=self.explanation.with_step(Step(name, held=True, detail=detail)))


async def with_values(draft: Draft, slots: Slots, now: datetime) -> Draft:
    """Open the principal's secrets, and the key of the certificate that is presented.

    Raises `Superseded` where a key was rotated meanwhile, `Refused`, `VaultError`, `StoreError`.
    """
    route, presents = draft.route, ""
    try:
        values = await slots.equip(route.slot)
        if route.client_certificate is not None:
            presents = f"; {presented_worded(route.client_certificate, now)}"
            pair = await slots.presented(route.client_certificate)
            route.destination = replace(route.destination, client_certificate=pair)
    except Rotated as error:
        raise Superseded(route.slot, "its keys were opened") from error
    sealed = "1 sealed value" if len(values.secrets) == 1 else f"{len(values.secrets)} sealed values"
    opened = f"{sealed} of {route.slot.key} opened{presents}"
    return replace(draft, values=values).noting("values", opened)
