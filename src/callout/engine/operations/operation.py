"""What an operation is: its name, its place in the setup API, what it is given, who may run it, what it runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from callout.core.model.people import Caller, CallerKey
from callout.core.reasons import Telling
from callout.engine.audit import Audit
from callout.engine.presets import Presets
from callout.engine.sending import Send
from callout.engine.setup import Result, Setup

if TYPE_CHECKING:
    from callout.engine.connect import Connecting
    from callout.engine.sign_in import SigningIn

#: Who runs operations on a home directory: whoever may read its master key is its admin.
LOCAL = Caller("local", None, "home")


class Access(StrEnum):
    """Who may run an operation; `demands` says which admin permission it takes."""

    KNOWN = "known"  # any caller with a valid key, about themselves
    ADMINISTRATOR = "administrator"
    ADMINISTRATOR_OR_PACKAGE = "administrator_or_package"  # also the code of a package, with an administrator's key


class Diagnose(Protocol):
    """Decides about a callout and shows its exact request, without sending it."""

    async def __call__(
        self,
        name: str,
        *,
        user: str,
        namespace: str | None,
        method: str,
        path: str,
        principal: str | None,
        on_behalf_of: str | None,
        key: CallerKey | None,
    ) -> Result:
        """Return the decision as JSON members; `Callouts.diagnose` says which."""


@dataclass(frozen=True, slots=True)
class Uses:
    """The use cases that operations run: the setup, and what the engine tells about callouts.

    `presets` reads the provider presets, when they are first asked for. `send` makes a callout that somebody looks at.
    """

    setup: Setup
    diagnose: Diagnose
    explain: Callable[[str], Awaitable[Result | None]]
    audit: Audit
    recent: Callable[[int], Awaitable[list[Result]]]
    connecting: Connecting
    signing_in: SigningIn
    telling: Telling = Telling.FULL  # how much those who do not administer are told
    presets: Callable[[], Presets] = Presets
    send: Send = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the table. `path` is under `/api/v1`; its `{fields}` are fields of the request."""

    name: str
    method: str
    path: str
    request: type[msgspec.Struct]
    summary: str
    run: Callable[[Uses, Any, Caller], Awaitable[Result]]
    access: Access = Access.ADMINISTRATOR

    @property
    def reads_body(self) -> bool:
        """True where the fields that are not in the path come as a JSON body, else as the query."""
        return self.method in ("POST", "PUT", "PATCH")
