"""What Setup is made of: sections, each with its pages and with what Quick Find finds of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from starlette.responses import Response

from callout.entrypoints.web.visit import Visit

Handler = Callable[[Visit], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Page:
    """One address under `/setup`, and what answers it. `open`: also for a browser in which nobody is signed in."""

    path: str
    get: Handler | None = None
    post: Handler | None = None
    open: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere to be found. `words` are what one may call it besides its title; `kind` says what it is."""

    title: str
    path: str
    kind: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of Setup. Who may not ask for its `operation` does not see it. `group` is the heading that it stands under.

    `places` are fixed places of it (`New Named Credential`), `found` those that are defined now.
    """

    title: str
    path: str
    group: str
    operation: str
    pages: tuple[Page, ...]
    words: str = ""
    places: tuple[Place, ...] = ()
    found: Callable[[Visit], Iterable[Place]] | None = None

    @property
    def openings(self) -> tuple[str, ...]:
        """The addresses of its pages that can be opened, with their parameters in braces."""
        return tuple(page.path for page in self.pages if page.get is not None)

    def seen_by(self, visit: Visit) -> bool:
        """Say whether who asks sees it."""
        return visit.may_ask(self.operation)
