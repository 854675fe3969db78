"""The errors, few; what differs between them is data.

CalloutError
├── Refused            a callout ends here: a Reason, a detail, remedies
├── DefinitionError    a definition is not acceptable: one or more Problems, each with its place
├── VaultError         a sealed value cannot be opened, or a key is missing
├── SpoolError         a request's body cannot be kept aside, or not be read back
└── StoreError         the store cannot be read or written
    ├── Outdated       the definitions moved since they were read
    └── HomeError      a home is missing, or is there already
"""

from __future__ import annotations

from dataclasses import dataclass

from callout.core.explanation import Explanation, Remedy
from callout.core.reasons import Blame, Reason, Telling, reason


class CalloutError(Exception):
    """Base of every error that Callout raises on purpose. `blame` decides the exit code of the CLI."""

    blame: Blame = Blame.CALLOUT


class Refused(CalloutError):
    """A callout that ends with one reason. `detail` says got and expected, and holds no secret.

    `telling` is how much the caller is told of it, `who`, `namespace` and `on_behalf_of` the caller as far as it is known;
    `to_guest`: the caller proved nothing, or nothing that was accepted. `principal` is the one asked for by name.
    `unsent`: the request that failed certainly never left.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *remedies: Remedy,
        connect_url: str | None = None,
        retry_after: int | None = None,
        explanation: Explanation | None = None,
        telling: Telling = Telling.FULL,
        who: str | None = None,
        namespace: str | None = None,
        on_behalf_of: str | None = None,
        to_guest: bool = False,
        principal: str | None = None,
        unsent: bool = False,
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.reason: Reason = reason(code)
        self.detail = detail
        self.remedies = remedies or (Remedy(self.reason.remedy),)
        self.connect_url = connect_url
        self.retry_after = retry_after
        self.explanation = explanation
        self.telling = telling
        self.who = who
        self.namespace = namespace
        self.on_behalf_of = on_behalf_of
        self.to_guest = to_guest
        self.principal = principal
        self.unsent = unsent
        self.blame = self.reason.blame


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a definition.

    `place` is a path in the definitions (`named_credentials.Orders.url`), `where` the file and line if one was read.
    `shown` is the line of a formula that is wrong, and below it a caret at the place.
    """

    place: str
    got: str
    expected: str
    nearest: str | None = None
    where: str | None = None
    shown: str = ""

    def __str__(self) -> str:
        start = f"{self.where}: {self.place}" if self.where else self.place
        hint = f"; did you mean {self.nearest!r}?" if self.nearest else ""
        shown = "".join(f"\n    {line}" for line in self.shown.splitlines())
        return f"{start}: got {self.got}; expected {self.expected}{hint}{shown}"


class DefinitionError(CalloutError):
    """A definition that is refused, whole: nothing stored has changed."""

    blame = Blame.ADMIN

    def __init__(self, problems: tuple[Problem, ...] | list[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class VaultError(CalloutError):
    """The vault cannot seal or open. The cause is named; the value never is. `remedy`: where the usual one is wrong."""

    blame = Blame.ADMIN

    def __init__(self, detail: str, *, remedy: Remedy | None = None) -> None:
        super().__init__(detail)
        self.remedy = remedy


class StoreError(CalloutError):
    """The store cannot be read or written: locked, read-only, missing, damaged or newer than this code."""

    blame = Blame.CALLOUT


class SpoolError(CalloutError):
    """A request's body cannot be kept in a file, or not be read back from it. The callout itself goes on."""

    blame = Blame.ADMIN


class Outdated(StoreError):
    """The definitions moved since they were read; nothing was written. Read them again and repeat the edit."""


class HomeError(StoreError):
    """There is no home where one is expected, or one where none is. `code` is its reason, `remedy` mends it."""

    blame = Blame.ADMIN

    def __init__(self, code: str, detail: str, remedy: Remedy) -> None:
        super().__init__(detail)
        self.code = code
        self.remedy = remedy
