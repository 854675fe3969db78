"""Is there evidence that a status, which no refresh rule names, is this external system's sign of stale credentials?

Looked at are answers to callouts that were sent with a token, oldest first. A token that was accepted on an operation
(method and path) and is then refused on it with one status, and on nothing accepted again, has probably gone stale:
that is a *run*. One run is evidence where the answer itself says so (`WWW-Authenticate` or body, RFC 6750 section 3.1), where
a fresh token ended it, or where it is long. Most statuses of HTTP have a meaning of their own; those need the answer's
own word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from callout.core.refresh.rules import refusal_of

#: Refusals of one token, one after the other, that are evidence where nothing else is.
LONG_RUN = 3
#: Statuses below 600 that systems answer stale credentials with though they mean something else, or nothing, in HTTP.
MISUSED = frozenset({400, 403, 419, 440, 498, 499})

_CHALLENGE = b"www-authenticate:"
_WORDS = (b"invalid_token", b"expired")


def says_stale(lines: Iterable[bytes]) -> bool:
    """True where a `WWW-Authenticate` line of an answer says that its token is invalid or has expired."""
    for line in lines:
        lower = line.lower()
        if lower.startswith(_CHALLENGE) and any(word in lower for word in _WORDS):
            return True
    return False


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of an external system. `token` names the token that was sent, and shows nothing of it.

    `holder` is whose token it is, `operation` is method and path; `told`: the answer says that its token is invalid or has expired.
    """

    at: datetime
    external_credential: str
    named_credential: str
    holder: str
    token: str
    operation: str
    status: int
    told: bool = False
    callout_id: str = ""
    user: str | None = None


@dataclass(slots=True)
class Evidence:
    """What was seen of one status of one external credential: how often, on how many tokens, and what speaks for it.

    `told` counts answers that said it themselves, `ended` runs that a fresh token ended, `longest` is the longest run.
    """

    external_credential: str
    status: int
    answers: list[Answer] = field(default_factory=list)
    tokens: int = 0
    told: int = 0
    ended: int = 0
    longest: int = 0

    @property
    def is_convincing(self) -> bool:
        """True where the status should be an additional status code."""
        if refusal_of(self.status) is not None:
            return False
        if self.told:
            return True
        may_mean_it = self.status >= 600 or self.status in MISUSED
        return may_mean_it and (self.ended > 0 or self.longest >= LONG_RUN)

    def __str__(self) -> str:
        times, tokens = _counted(len(self.answers), "answer"), _counted(self.tokens, "token")
        parts = [f"{times} with status {self.status} on {tokens} that had been accepted before on the same path"]
        if self.told:
            parts.append(f"{self.told} said in WWW-Authenticate or in the body that the token is invalid or expired")
        if self.ended:
            parts.append(f"a fresh token ended it {_counted(self.ended, 'time')}")
        return "; ".join(parts)


@dataclass(slots=True)
class _Life:
    """What happened to one token so far."""

    accepted: set[str] = field(default_factory=set)
    status: int = 0
    run: list[Answer] = field(default_factory=list)


def evidence_of(answers: Sequence[Answer]) -> list[Evidence]:
    """Return the evidence in these answers (oldest first) for each external credential and status, most answers first."""
    lives: dict[str, _Life] = {}
    ended: set[str] = set()
    refused: dict[str, str] = {}
    for answer in answers:
        life = lives.setdefault(answer.token, _Life())
        if answer.status < 400:
            before = refused.get(answer.holder, answer.token)
            if before != answer.token and _is_among(lives[before].run, answer.operation):
                ended.add(before)
            life.accepted.add(answer.operation)
            life.run.clear()
        elif refusal_of(answer.status) is None and answer.operation in life.accepted:
            if life.status != answer.status:
                life.run.clear()
            life.status = answer.status
            life.run.append(answer)
            refused[answer.holder] = answer.token
    return sorted(_gathered(lives, ended), key=lambda e: (-len(e.answers), e.external_credential, e.status))


def _is_among(run: list[Answer], operation: str) -> bool:
    return any(answer.operation == operation for answer in run)


def _gathered(lives: dict[str, _Life], ended: set[str]) -> Iterable[Evidence]:
    found: dict[tuple[str, int], Evidence] = {}
    for token, life in lives.items():
        if not life.run:
            continue
        key = (life.run[0].external_credential, life.status)
        evidence = found.setdefault(key, Evidence(*key))
        evidence.answers += life.run
        evidence.tokens += 1
        evidence.told += sum(answer.told for answer in life.run)
        evidence.ended += token in ended
        evidence.longest = max(evidence.longest, len(life.run))
    return found.values()


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
