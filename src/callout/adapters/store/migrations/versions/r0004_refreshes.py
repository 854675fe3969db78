"""Leases, intents and stated ends of refreshes, and what tells one token's descent from another's.

Release 0003 knows no lease: beside it, a refresh token could be spent twice. So this migration is made only while no
other process has the database open (`migrate`), and release 0003 does not open the database afterwards.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NUMBER = sa.Integer().with_variant(sa.BigInteger(), "postgresql")


def upgrade() -> None:
    """Add them. Of older tokens it is not known what decided them: they are tried, and open or do not."""
    op.add_column("org", sa.Column("fence", _NUMBER, nullable=False, server_default="0"))
    op.add_column("secret", sa.Column("own_version", _NUMBER, nullable=False, server_default="0"))
    op.add_column("token", sa.Column("fingerprint", sa.Text(), nullable=False, server_default=""))
    op.add_column("token", sa.Column("lineage", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "lease",
        *_key(),
        sa.Column("fence", _NUMBER, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("beat", _NUMBER, nullable=False),
        sa.Column("expires_at", sa.Text(), nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "intent",
        *_key(),
        sa.Column("fence", _NUMBER, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("replaces", _NUMBER, nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("spent", sa.LargeBinary()),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("doubtful", _NUMBER, nullable=False),
        sa.Column("lineage", sa.Text(), nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "stated",
        *_key(),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sqlite_strict=True,
    )


def _key() -> list[sa.Column[str]]:
    """Return the columns that name whose token a row is of, each time anew."""
    return [sa.Column(name, _NAME, primary_key=True) for name in ("external_credential", "principal", "user")]
