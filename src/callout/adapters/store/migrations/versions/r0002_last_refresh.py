"""When a token last replaced another, apart from when the stored one was issued."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the time. Of older tokens it is not known: it stays empty until their next refresh."""
    op.add_column("token", sa.Column("last_refresh_at", sa.Text()))
