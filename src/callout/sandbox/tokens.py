"""Access and refresh tokens: issued, looked up, rotated, revoked. The clock is a function that is passed in.

A family is everything that came from one grant. Using a refresh token a second time revokes its family
(RFC 9700 section 4.14.2), because nobody can tell which of the two users is the thief.
"""

from __future__ import annotations

import base64
import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from callout.sandbox.redaction import TOKEN_PREFIX

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

#: Tokens of each kind that are remembered; the oldest is forgotten, and then is no longer valid.
KEPT = 10_000


@dataclass(slots=True)
class AccessToken:
    """An access token. `number` names it where it is shown; `expires_at` is on the sandbox's clock, in seconds."""

    number: int
    text: str
    client_id: str
    subject: str
    scope: str
    family: int
    issued_at: float
    expires_at: float
    revoked: bool = False


@dataclass(slots=True)
class RefreshToken:
    """A refresh token; `used` once it was rotated away. `number` names it where it is shown.

    `active_at` is when it was issued or last used, `rotated_at` when it was rotated away, on the sandbox's clock.
    """

    number: int
    text: str
    client_id: str
    subject: str
    scope: str
    family: int
    active_at: float
    used: bool = False
    revoked: bool = False
    rotated_at: float = 0.0


class Tokens:
    """Every token that the sandbox remembers."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._access: dict[str, AccessToken] = {}
        self._refresh: dict[str, RefreshToken] = {}
        self._latest: dict[tuple[str, str, str], AccessToken] = {}
        self._numbers = itertools.count(1)
        self._refresh_numbers = itertools.count(1)
        self._families = itertools.count(1)

    def new_family(self) -> int:
        """Return the number of a new grant."""
        return next(self._families)

    def issue(self, client_id: str, subject: str, scope: str, *, family: int, lifetime: float) -> AccessToken:
        """Issue an access token that is accepted for `lifetime` seconds."""
        now = self._clock()
        token = AccessToken(
            number=next(self._numbers),
            text=_text("at"),
            client_id=client_id,
            subject=subject,
            scope=scope,
            family=family,
            issued_at=now,
            expires_at=now + lifetime,
        )
        _keep(self._access, token.text, token)
        self._latest.pop((client_id, subject, scope), None)
        _keep(self._latest, (client_id, subject, scope), token)
        return token

    def latest(self, client_id: str, subject: str, scope: str) -> AccessToken | None:
        """Return the access token that was issued last for these, valid or not."""
        return self._latest.get((client_id, subject, scope))

    def issue_refresh(self, client_id: str, subject: str, scope: str, *, family: int) -> RefreshToken:
        """Issue a refresh token."""
        number = next(self._refresh_numbers)
        token = RefreshToken(number, _text("rt"), client_id, subject, scope, family, self._clock())
        _keep(self._refresh, token.text, token)
        return token

    def spend(self, token: RefreshToken, *, rotating: bool) -> None:
        """Write down that a refresh token is used now."""
        token.active_at = self._clock()
        if rotating and not token.used:
            token.used, token.rotated_at = True, token.active_at

    def access(self, text: str) -> AccessToken | None:
        """Return the access token of this text, valid or not."""
        return self._access.get(text)

    def refresh(self, text: str) -> RefreshToken | None:
        """Return the refresh token of this text, valid or not."""
        return self._refresh.get(text)

    def is_valid(self, token: AccessToken) -> bool:
        """Say whether an access token is accepted now."""
        return not token.revoked and self._clock() < token.expires_at

    def seconds_since(self, moment: float) -> float:
        """Return how long ago a moment on the sandbox's clock was."""
        return self._clock() - moment

    def expire_all(self) -> int:
        """Let every valid access token expire now; refresh tokens stay. Returns how many there were."""
        now = self._clock()
        valid = [token for token in self._access.values() if self.is_valid(token)]
        for token in valid:
            token.expires_at = now
        return len(valid)

    def revoke_family(self, family: int) -> None:
        """Revoke everything that came from one grant."""
        tokens: tuple[AccessToken | RefreshToken, ...] = (*self._access.values(), *self._refresh.values())
        for token in tokens:
            if token.family == family:
                token.revoked = True

    def clear(self) -> None:
        """Forget every token. Numbers are not used again."""
        self._access.clear()
        self._refresh.clear()
        self._latest.clear()


def _text(kind: str) -> str:
    return f"{TOKEN_PREFIX}{kind}_{base64.urlsafe_b64encode(os.urandom(24)).decode()}"


def _keep(kept: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    kept[key] = value
    if len(kept) > KEPT:
        del kept[next(iter(kept))]
