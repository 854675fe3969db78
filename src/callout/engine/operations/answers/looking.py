"""Answers for those who look: a callout that was sent, with all that left and came back; and health over time."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from callout.core.reasons import Blame
from callout.engine.operations.answers.callouts import (
    CallerShown,
    CertificateSent,
    PrincipalHealthShown,
    Rung,
    Suggestion,
)
from callout.engine.operations.answers.certificates import CertificateShown
from callout.engine.operations.answers.packages import AccessRequest
from callout.engine.operations.answers.shape import Answer


class MessageShown(Answer):
    """One request: each header is a pair; a body that is no text comes in base64."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    body: str | None
    body_base64: str | None


class MessageReceived(MessageShown, kw_only=True):
    """A request as it left, secrets as `…`. Where formulas in the body were replaced, it is shown as it was sent."""

    body_rewritten: bool
    encoded: bool
    client_certificate: CertificateSent | None
    token_generation: int | None


class CalloutSent(Answer):
    """The answer to a callout, what was sent and what the external system received, and every rung.

    `cut` says why the body is not whole, `withheld` why it is not shown; `hidden` counts secrets in it that show as `…`.
    `callout_error` is the problem document where Callout answered itself. `received` is null, and `steps` empty, for those
    who are not told.
    """

    callout_id: str | None
    status: int
    reason_phrase: str
    headers: list[tuple[str, str]]
    body: str | None
    body_base64: str | None
    cut: Literal["size", "time", "broken"] | None
    withheld: str | None
    hidden: int
    seconds: float
    replay: str | None
    callout_error: dict[str, Any] | None
    sent: MessageShown
    received: list[MessageReceived] | None
    at: datetime | None
    duration_ms: float | None
    allowed: bool
    reason: str | None
    blame: Blame | None
    title: str | None
    detail: str | None
    remedy: list[str]
    remedy_commands: list[str]
    steps: list[Rung]
    caller: CallerShown
    on_behalf_of: str | None
    named_credential: str
    external_credential: str | None
    principal: str | None


class Counts(Answer):
    """Callouts: refused ones by reason, answered ones by the class of their status (`none`: the caller left)."""

    calls: int
    errors: int
    refreshes: int
    reasons: dict[str, int]
    answers: dict[str, int]
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class CountsByName(Counts, kw_only=True):
    """The callouts of one name, and their number over time."""

    name: str
    calls_over_time: list[int]
    errors_over_time: list[int]


class CountsAt(Answer):
    """Callouts of one width of time, which begins then."""

    at: datetime
    calls: int
    errors: int
    refreshes: int
    p50_ms: float | None
    p95_ms: float | None


class PrincipalUsed(PrincipalHealthShown, kw_only=True):
    """How a principal fares, and what it was used for."""

    used: Counts | None


class Health(Answer):
    """Health since a time. `complete`: nothing older than what was counted was left out.

    `left_out` successful callouts are not in the log, which keeps a sample: they are counted by name alone. `dropped`
    records were lost, `unreadable` rows were edited.
    """

    at: datetime
    since: datetime
    complete: bool
    bucket_seconds: int
    looked_at: int
    left_out: int
    dropped: int
    unreadable: int
    total: Counts
    series: list[CountsAt]
    named_credentials: list[CountsByName]
    external_credentials: list[CountsByName]
    principals: list[PrincipalUsed]
    states: dict[str, int]
    suggestions: list[Suggestion]
    certificates: list[CertificateShown]
    approvals: list[AccessRequest]
