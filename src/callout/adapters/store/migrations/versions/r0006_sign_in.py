"""Passwords, sessions and invitations of users, and failed attempts to sign in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NUMBER = sa.Integer().with_variant(sa.BigInteger(), "postgresql")


def upgrade() -> None:
    """Add the four tables."""
    op.create_table(
        "password",
        sa.Column("user", _NAME, primary_key=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Text(), nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "session",
        sa.Column("digest", sa.LargeBinary(), primary_key=True),
        sa.Column("user", _NAME, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("proof", "proven_by", "browser")),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("began_at", "seen_at", "ends_at")),
        sqlite_strict=True,
    )
    op.create_index("session_user", "session", ["user"])
    op.create_table(
        "invitation",
        sa.Column("user", _NAME, primary_key=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False, unique=True),
        sa.Column("by", _NAME, nullable=False),
        sa.Column("ends_at", sa.Text(), nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "failed_sign_in",
        sa.Column("subject", sa.LargeBinary(), primary_key=True),
        sa.Column("failures", _NUMBER, nullable=False),
        sa.Column("last_at", sa.Text(), nullable=False),
        sa.Column("next_at", sa.Text(), nullable=False),
        sqlite_strict=True,
    )
