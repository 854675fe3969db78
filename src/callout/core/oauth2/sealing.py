"""A token as one text for the vault, and back."""

from __future__ import annotations

import json
from datetime import datetime

from callout.core.protocol import Token
from callout.core.secret import Secret, reveal


def sealable(token: Token) -> Secret:
    """Return the secret parts of a token as one text, for the vault."""
    members = {
        "access_token": reveal(token.access_token),
        "refresh_token": reveal(token.refresh_token) if token.refresh_token else None,
        "token_type": token.token_type,
        "scope": token.scope,
    }
    return Secret(json.dumps(members))


def from_sealable(text: Secret, *, issued_at: datetime, expires_at: datetime | None) -> Token:
    """Return the token that `sealable` wrote."""
    members = json.loads(reveal(text))
    return Token(
        access_token=Secret(members["access_token"]),
        issued_at=issued_at,
        token_type=members["token_type"],
        expires_at=expires_at,
        refresh_token=Secret(members["refresh_token"]) if members["refresh_token"] else None,
        scope=members["scope"],
    )
