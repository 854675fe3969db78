"""Attempts to connect, and links that were used for one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the two tables."""
    op.create_table(
        "attempt",
        sa.Column("digest", sa.LargeBinary(), primary_key=True),
        *(sa.Column(name, _NAME, nullable=False) for name in ("external_credential", "principal", "user", "who")),
        sa.Column("session", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("return_url", sa.Text(), nullable=False),
        sa.Column("link", sa.LargeBinary(), nullable=False),
        sa.Column("began_at", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "spent_link",
        sa.Column("digest", sa.LargeBinary(), primary_key=True),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sqlite_strict=True,
    )
