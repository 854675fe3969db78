"""Why somebody is not signed in. What is wrong of a name and a password is never said: it would tell which names are there."""

from __future__ import annotations

from datetime import datetime

from callout.core.errors import CalloutError
from callout.core.explanation import Remedy
from callout.core.reasons import Blame, Reason

SIGN_IN_REASONS: tuple[Reason, ...] = (
    Reason(
        "sign_in_refused",
        403,
        Blame.CALLER,
        "The sign-in was refused",
        "Look at what you gave; an admin makes a link at which a new password is chosen: callout user invite USER",
    ),
    Reason(
        "too_many_attempts",
        429,
        Blame.CALLER,
        "Too many attempts to sign in failed",
        "Wait until the time that is named, or sign in another way: a link, a key, single sign-on.",
    ),
    Reason(
        "invitation_over",
        403,
        Blame.CALLER,
        "This link was used, replaced, or has ended",
        "Ask an admin for a new one: callout user invite USER",
    ),
    Reason(
        "single_sign_on_failed",
        502,
        Blame.ADMIN,
        "Signing in at the issuer did not come to an end",
        "Begin again; if it happens again, compare the issuer, its client and its redirect URI with docs/signing-in.md.",
    ),
)
_BY_CODE = {reason.code: reason for reason in SIGN_IN_REASONS}


class SignInRefused(CalloutError):
    """Somebody is not signed in. `next_at` is when the next attempt may be made, where that is later than now."""

    def __init__(self, code: str, detail: str, *remedies: Remedy, next_at: datetime | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.reason = _BY_CODE[code]
        self.detail = detail
        self.remedies = remedies or (Remedy(self.reason.remedy),)
        self.next_at = next_at
        self.blame = self.reason.blame
