"""Answers about signing in to Setup: invitations, passwords, sessions."""

from __future__ import annotations

from datetime import datetime

from callout.engine.operations.answers.shape import Answer, Done


class InvitationMade(Done, kw_only=True):
    """A link at which a user chooses a password. Its text is shown this once."""

    user: str
    link: str
    ends_at: datetime


class PasswordSet(Done, kw_only=True):
    """A password that was set."""

    user: str


class SessionShown(Answer):
    """A browser in which somebody is signed in. `own`: it is the one that asks."""

    id: str
    proof: str
    browser: str
    began_at: datetime
    seen_at: datetime
    ends_at: datetime
    own: bool


class Sessions(Answer):
    """The sessions of a user, and when their password was chosen; null: they have none."""

    user: str
    password_changed_at: datetime | None
    sessions: list[SessionShown]


class SessionsEnded(Done, kw_only=True):
    """How many sessions of a user ended."""

    user: str
    ended: int
