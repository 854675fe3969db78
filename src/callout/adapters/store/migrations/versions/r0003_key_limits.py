"""The named credentials that a caller's key is limited to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the names, as a JSON list. Keys that are there already are not limited."""
    op.add_column("caller_key", sa.Column("named_credentials", sa.Text(), nullable=False, server_default="[]"))
