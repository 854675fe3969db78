"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NUMBER = sa.Integer().with_variant(sa.BigInteger(), "postgresql")


def upgrade() -> None:
    """Make every table, and the two that always have one row."""
    _definitions()
    _user_external_credentials()
    _vault_and_audit()
    op.execute("INSERT INTO org (id, generation) VALUES (1, 0)")
    head = sa.table("audit_head", sa.column("id"), sa.column("seq"), sa.column("hash", sa.LargeBinary()))
    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": bytes(32)}])


def _definitions() -> None:
    op.create_table(
        "org",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("generation", _NUMBER, nullable=False),
        sa.CheckConstraint("id = 1", name="org_is_one_row"),
        sqlite_strict=True,
    )
    op.create_table(
        "definition",
        sa.Column("section", _NAME, primary_key=True),
        sa.Column("name", _NAME, primary_key=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("format_version", _NUMBER, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "caller_key",
        sa.Column("digest", sa.LargeBinary(), primary_key=True),
        sa.Column("prefix", _NAME, nullable=False, unique=True),
        sa.Column("user", _NAME, nullable=False),
        sa.Column("namespace", _NAME),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text()),
        sa.Column("label", sa.Text(), nullable=False),
        sqlite_strict=True,
    )


def _user_external_credentials() -> None:
    op.create_table(
        "secret",
        *_key(),
        sa.Column("name", _NAME, primary_key=True),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("version", _NUMBER, nullable=False),
        sa.Column("set_at", sa.Text(), nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "token",
        *_key(),
        sa.Column("generation", _NUMBER, nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Text()),
        sa.Column("obtained_because", sa.Text(), nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "token_error",
        *_key(),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sqlite_strict=True,
    )


def _vault_and_audit() -> None:
    op.create_table(
        "data_key",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "audit",
        sa.Column("seq", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("writer", sa.Text(), nullable=False),
        sa.Column("oldest", _NAME, nullable=False),
        sa.Column("newest", _NAME, nullable=False),
        sa.Column("count", _NUMBER, nullable=False),
        sa.Column("records", sa.LargeBinary(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sqlite_strict=True,
    )
    op.create_index("audit_callout_ids", "audit", ["kind", "newest", "oldest"])
    op.create_table(
        "audit_head",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("seq", _NUMBER, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name="audit_head_is_one_row"),
        sqlite_strict=True,
    )


def _key() -> list[sa.Column[str]]:
    """Return the columns that name whose secrets or token a row holds, each time anew."""
    return [sa.Column(name, _NAME, primary_key=True) for name in ("external_credential", "principal", "user")]
