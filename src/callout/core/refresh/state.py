"""The state machine of a token: which state follows from what is stored, and what a failed or cut-off refresh leaves.

Pure: facts and the time go in, a state or a verdict comes out. The engine acts on it, the store keeps it, `status`
shows it. See docs/refresh.md.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from callout.core.errors import Refused
from callout.core.explanation import Remedy
from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.model.refreshes import ENDS, Intent, Phase, State, Stated
from callout.core.protocol import CONNECTION, AuthenticationProtocol

#: A token is replaced this long before it expires, or after nine tenths of a shorter life, in seconds.
REFRESH_BUFFER = 60.0
#: How much the buffer is stretched at most, so that not everything is replaced at the same time.
MOST_JITTER = 0.5
#: The reason code that goes with each stated end.
REASON_OF = {
    State.OUTCOME_UNKNOWN: "refresh_outcome_unknown",
    State.RECONNECT_REQUIRED: "reconnect_required",
    State.REVOKED: "reconnect_required",
}
#: The secret that a refresh token grant begins with; to set it anew is to connect again.
BEGINS_WITH = "refresh_token"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the token of one principal (and user). `leased` is True while a lease on it may be in force."""

    issued_at: datetime | None = None
    expires_at: datetime | None = None
    intent: Intent | None = None
    leased: bool = False
    stated: Stated | None = None
    failed_at: datetime | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """A state with its reason, since when, and what mends it (None: nothing needs to be done).

    A principal whose protocol needs no token has other words for its state than a token.
    """

    state: State | str
    reason: str
    since: datetime | None = None
    remedy: Remedy | None = None


def condition_of(facts: Facts, key: UserExternalCredentialKey, secrets: Iterable[str], now: datetime) -> Condition:
    """Return the state that these facts amount to. `secrets` are the names that the protocol takes."""
    stated, intent = facts.stated, facts.intent
    if stated is not None:
        return Condition(stated.state, stated.detail, stated.since, remedy_of(key, secrets))
    valid = facts.issued_at is not None and (facts.expires_at is None or facts.expires_at > now)
    if intent is not None and facts.leased:
        return Condition(
            State.REFRESHING, f"to replace generation {intent.replaces}: {intent.because}", intent.started_at
        )
    if facts.failed_at is not None and (facts.issued_at is None or facts.failed_at > facts.issued_at):
        return Condition(State.FAILING, facts.failure, facts.failed_at)
    if intent is not None and intent.is_unsettled:
        reason = "a refresh was sent and its answer is not known; it is asked again when the token is needed"
        return Condition(State.EXPIRING, reason, intent.started_at)
    if facts.issued_at is None:
        return Condition(State.NO_TOKEN_YET, "the first callout obtains one")
    if not valid:
        return Condition(State.EXPIRING, "it has expired; the next callout replaces it", facts.expires_at)
    if facts.expires_at is not None and facts.expires_at - now <= buffer_of(facts.issued_at, facts.expires_at):
        return Condition(State.EXPIRING, "it is about to expire; the next callout replaces it", facts.issued_at)
    until = f"good until {facts.expires_at.isoformat()}" if facts.expires_at is not None else "good until it is refused"
    return Condition(State.CONNECTED, until, facts.issued_at)


def buffer_of(issued_at: datetime, expires_at: datetime, jitter: float = 0.0) -> timedelta:
    """Return how long before its expiry a token is replaced. `jitter` is from 0 to 1."""
    life = max(0.0, (expires_at - issued_at).total_seconds())
    return timedelta(seconds=min(REFRESH_BUFFER, life / 10) * (1 + MOST_JITTER * jitter))


def connecting(key: UserExternalCredentialKey) -> Remedy:
    """Return the act by which an authorization is given (anew) in a browser."""
    whose = f" --user {shlex.quote(key.user)}" if key.user else ""
    reference = shlex.quote(f"{key.external_credential}/{key.principal}")
    return Remedy("Connect it: give the authorization in a browser", f"callout connect {reference}{whose}")


def remedy_of(key: UserExternalCredentialKey, secrets: Iterable[str]) -> Remedy:
    """Return the act that ends a stated end: a new grant, or, where the protocol begins with none, any new secret.

    Where the grant is an authorization given in a browser, `secrets` begin with `connection`.
    """
    names = list(secrets)
    if CONNECTION in names:
        return connecting(key)
    name = BEGINS_WITH if BEGINS_WITH in names else next(iter(names), "NAME")
    whose = f" --user {shlex.quote(key.user)}" if key.user else ""
    reference = shlex.quote(f"{key.external_credential}/{key.principal}")
    return Remedy("Give the principal a new grant", f"callout secret set {reference} {name}=-{whose}")


def secret_names(protocol: type[AuthenticationProtocol] | AuthenticationProtocol) -> tuple[str, ...]:
    """Return the names of what a principal of a protocol begins with: its secrets, in their order.

    `connection` is the first where that is an authorization given in a browser.
    """
    names = tuple(parameter.name for parameter in protocol.parameters if parameter.secret)
    return (CONNECTION, *names) if protocol.interactive else names


class Aftermath(Enum):
    """What a refresh that failed leaves behind."""

    NOTHING = auto()  # the grant was not spent: the next try begins anew
    UNSETTLED = auto()  # the grant may be spent: the intent stays, and the next try knows of it
    RECONNECT_REQUIRED = auto()  # the server knows the grant no more
    OUTCOME_UNKNOWN = auto()  # it knows the grant no more, and an earlier sending may be why


def after_failure(intent: Intent, refused: Refused) -> Aftermath:
    """Judge a failed refresh.

    `invalid_grant` (which protocols say as `reconnect_required`) after an answer that was lost is its probable
    consequence: the server had rotated, and the new refresh token was in that answer. An answer that names another
    error of RFC 6749 section 5.2 refused the request as a whole, so nothing was spent by it. A `transient` refusal ends
    nothing.
    """
    if refused.reason.code == "reconnect_required" and not getattr(refused, "transient", False):
        return Aftermath.OUTCOME_UNKNOWN if intent.doubtful else Aftermath.RECONNECT_REQUIRED
    if intent.spent is None:
        return Aftermath.NOTHING
    named = refused.reason.code == "token_endpoint_refused" and getattr(refused, "error", None) is not None
    if intent.phase is Phase.SENT and not refused.unsent and not named:
        return Aftermath.UNSETTLED
    return Aftermath.UNSETTLED if intent.doubtful else Aftermath.NOTHING


class Reconciliation(Enum):
    """What is to be done about an intent that nobody works on."""

    ADOPT = auto()  # a newer generation is stored: the intent is fulfilled
    WAIT = auto()  # the token in force is still good: nothing is spent before it is needed
    RETRY = auto()  # the same grant is sent (again)


def reconcile(intent: Intent, *, generation: int, expires_at: datetime | None, now: datetime) -> Reconciliation:
    """Judge an open intent whose lease is over. `generation` (0: none) and `expires_at` are those of the stored token.

    Where the grant may be spent already, to send it again can end with the whole family revoked (RFC 9700 section
    4.14.2), the access token in force included: so not before that token is needed no more.
    """
    if generation > intent.replaces:
        return Reconciliation.ADOPT
    if intent.is_unsettled and generation and (expires_at is None or expires_at > now):
        return Reconciliation.WAIT
    return Reconciliation.RETRY


def refusal_of(stated: Stated, secrets: Iterable[str]) -> Refused:
    """Return the refusal that a stated end amounts to."""
    if stated.state not in ENDS:
        msg = f"got state {stated.state}; expected one that ends"
        raise ValueError(msg)
    detail = f"{stated.detail}; stated {stated.since.isoformat(timespec='seconds')}, no grant has been spent since"
    return Refused(REASON_OF[stated.state], detail, remedy_of(stated.key, secrets))
