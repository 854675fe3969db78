"""The org in force: loaded from the store, replaced as a whole when its generation moves."""

from __future__ import annotations

from collections.abc import Callable

from callout.core.errors import StoreError
from callout.core.model.org import Org
from callout.core.ports import Clock, Definitions


class CurrentOrg:
    """Holds one immutable `Org`. Who derives things from it registers in `followers` and drops them as a whole."""

    def __init__(self, definitions: Definitions, clock: Clock) -> None:
        self._definitions = definitions
        self._clock = clock
        self.value = Org.of()
        self.confirmed_at = clock.monotonic()
        self.unreachable_since: float | None = None
        self.followers: list[Callable[[Org], None]] = []

    async def load(self) -> None:
        """Load the org; raises `StoreError`."""
        self._replace(await self._definitions.load())

    async def follow(self) -> bool:
        """Take over a newer generation where there is one; returns whether it did.

        A store that cannot be read leaves the org in force and is noted in `unreachable_since`.
        """
        try:
            moved = await self._definitions.generation() != self.value.generation
            if moved:
                self._replace(await self._definitions.load())
        except StoreError:
            self.note_unreachable()
            return False
        self.confirmed_at = self._clock.monotonic()
        self.unreachable_since = None
        return moved

    def note_unreachable(self) -> None:
        """Note that the store could not be read; the org in force stays."""
        if self.unreachable_since is None:
            self.unreachable_since = self._clock.monotonic()

    def _replace(self, org: Org) -> None:
        self.value = org
        self.confirmed_at = self._clock.monotonic()
        for follower in self.followers:
            follower(org)
