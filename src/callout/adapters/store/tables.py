"""The tables, as this version of Callout reads and writes them. Migrations make them; a test holds both equal.

Times are text, RFC 3339 in UTC with six digits of a second: exact, sortable, readable in any SQL shell, and the same
bytes in every kind of database, which the audit chain needs.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    and_,
)

from callout.core.model.credentials import UserExternalCredentialKey

#: The migration that this version of the code needs; ids of migrations are four digits and count up.
REVISION = "0006"

#: Names sort by code point everywhere (a PostgreSQL database may have been made with another collation).
_NAME = Text().with_variant(Text(collation="C"), "postgresql")
_NUMBER = Integer().with_variant(BigInteger(), "postgresql")


def stamp(moment: datetime) -> str:
    """Write an aware time as it is stored; `ValueError` for a time without zone."""
    if moment.tzinfo is None:
        raise ValueError(f"got the time {moment.isoformat()} without a zone; expected an aware one")
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Instant(TypeDecorator[datetime]):
    """An aware time in UTC, kept as text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy calls it so
        """Write a time."""
        return None if value is None else stamp(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - as above
        """Read a time."""
        return None if value is None else datetime.fromisoformat(value)


class Names(TypeDecorator[tuple[str, ...]]):
    """Names in their order, kept as a JSON list."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str:  # noqa: ARG002 - as above
        """Write the names."""
        return json.dumps(value or ())

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...]:  # noqa: ARG002 - as above
        """Read the names."""
        return tuple(json.loads(value or "[]"))


METADATA = MetaData()

#: One row. `generation` rises with every write that decisions may depend on, `fence` with every lease.
ORG = Table(
    "org",
    METADATA,
    Column("id", _NUMBER, primary_key=True, autoincrement=False),
    Column("generation", _NUMBER, nullable=False),
    Column("fence", _NUMBER, nullable=False, server_default="0"),
    CheckConstraint("id = 1", name="org_is_one_row"),
    sqlite_strict=True,
)

#: `body` is the JSON of the frozen dataclass, written by `format_version` of `bodies`.
DEFINITION = Table(
    "definition",
    METADATA,
    Column("section", _NAME, primary_key=True),
    Column("name", _NAME, primary_key=True),
    Column("body", Text, nullable=False),
    Column("format_version", _NUMBER, nullable=False),
    sqlite_strict=True,
)

#: `digest` is the SHA-256 of a caller's key; the key itself is kept nowhere.
CALLER_KEY = Table(
    "caller_key",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("prefix", _NAME, nullable=False, unique=True),
    Column("user", _NAME, nullable=False),
    Column("namespace", _NAME),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("label", Text, nullable=False),
    Column("named_credentials", Names, nullable=False, server_default="[]"),
    sqlite_strict=True,
)

#: Sealed values. `version` is the generation of the last write to any value of the same key, and never comes again;
#: `own_version` that of the last write to this one (0: before this was kept).
SECRET = Table(
    "secret",
    METADATA,
    Column("external_credential", _NAME, primary_key=True),
    Column("principal", _NAME, primary_key=True),
    Column("user", _NAME, primary_key=True),
    Column("name", _NAME, primary_key=True),
    Column("envelope", LargeBinary, nullable=False),
    Column("version", _NUMBER, nullable=False),
    Column("set_at", Instant, nullable=False),
    Column("own_version", _NUMBER, nullable=False, server_default="0"),
    sqlite_strict=True,
)

#: Sealed tokens: a row is there only while a token is. `last_refresh_at`: when a token last replaced another.
#: `fingerprint` and `lineage`: see `core.refresh.epoch`; empty where a token has none, or an older release wrote it.
TOKEN = Table(
    "token",
    METADATA,
    Column("external_credential", _NAME, primary_key=True),
    Column("principal", _NAME, primary_key=True),
    Column("user", _NAME, primary_key=True),
    Column("generation", _NUMBER, nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("obtained_because", Text, nullable=False),
    Column("last_refresh_at", Instant),
    Column("fingerprint", Text, nullable=False, server_default=""),
    Column("lineage", Text, nullable=False, server_default=""),
    sqlite_strict=True,
)

#: The right to refresh a token, or to sweep. A row is there only while the lease is held.
LEASE = Table(
    "lease",
    METADATA,
    Column("external_credential", _NAME, primary_key=True),
    Column("principal", _NAME, primary_key=True),
    Column("user", _NAME, primary_key=True),
    Column("fence", _NUMBER, nullable=False),
    Column("owner", Text, nullable=False),
    Column("beat", _NUMBER, nullable=False),
    Column("expires_at", Instant, nullable=False),
    sqlite_strict=True,
)

#: What a refresh is about to do, or did and does not know the end of. A row is there only until that is settled.
INTENT = Table(
    "intent",
    METADATA,
    Column("external_credential", _NAME, primary_key=True),
    Column("principal", _NAME, primary_key=True),
    Column("user", _NAME, primary_key=True),
    Column("fence", _NUMBER, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("replaces", _NUMBER, nullable=False),
    Column("because", Text, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("spent", LargeBinary),
    Column("phase", Text, nullable=False),
    Column("doubtful", _NUMBER, nullable=False),
    Column("lineage", Text, nullable=False),
    sqlite_strict=True,
)

#: The end of a token that was stated: no grant is spent while it stands, which is until secrets or definitions change.
STATED = Table(
    "stated",
    METADATA,
    Column("external_credential", _NAME, primary_key=True),
    Column("principal", _NAME, primary_key=True),
    Column("user", _NAME, primary_key=True),
    Column("state", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("detail", Text, nullable=False),
    sqlite_strict=True,
)

#: The last failure to obtain a token. Apart from `token`, because it may come before the first token does.
TOKEN_ERROR = Table(
    "token_error",
    METADATA,
    Column("external_credential", _NAME, primary_key=True),
    Column("principal", _NAME, primary_key=True),
    Column("user", _NAME, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("error", Text, nullable=False),
    sqlite_strict=True,
)

#: Authorizations that were asked for and have not come back: see `core.model.connections.Attempt`.
ATTEMPT = Table(
    "attempt",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("external_credential", _NAME, nullable=False),
    Column("principal", _NAME, nullable=False),
    Column("user", _NAME, nullable=False),
    Column("who", _NAME, nullable=False),
    Column("session", LargeBinary, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("envelope", LargeBinary, nullable=False),
    Column("return_url", Text, nullable=False),
    Column("link", LargeBinary, nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    sqlite_strict=True,
)

#: Links that were used to connect, until they would have ended anyway.
SPENT_LINK = Table(
    "spent_link",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("expires_at", Instant, nullable=False),
    sqlite_strict=True,
)

#: Passwords of users, as digests: see `core.model.sign_in`. What follows down to `invitation` goes with the user.
PASSWORD = Table(
    "password",
    METADATA,
    Column("user", _NAME, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
    sqlite_strict=True,
)

#: Browsers that are signed in to Setup.
SESSION = Table(
    "session",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("user", _NAME, nullable=False),
    Column("proof", Text, nullable=False),
    Column("proven_by", Text, nullable=False),
    Column("browser", Text, nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Index("session_user", "user"),
    sqlite_strict=True,
)

#: Links at which users choose a password: one for each user at most.
INVITATION = Table(
    "invitation",
    METADATA,
    Column("user", _NAME, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("by", _NAME, nullable=False),
    Column("ends_at", Instant, nullable=False),
    sqlite_strict=True,
)

#: Attempts to sign in that failed in a row, by a digest of what they have in common.
FAILED_SIGN_IN = Table(
    "failed_sign_in",
    METADATA,
    Column("subject", LargeBinary, primary_key=True),
    Column("failures", _NUMBER, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("next_at", Instant, nullable=False),
    sqlite_strict=True,
)

#: Data-encryption keys, wrapped by the master key.
DATA_KEY = Table(
    "data_key",
    METADATA,
    Column("id", _NUMBER, primary_key=True, autoincrement=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    sqlite_strict=True,
)

#: The hash chain; see `chain`. `at` stays text here: the chain is over the stored bytes, also where they are no time.
AUDIT = Table(
    "audit",
    METADATA,
    Column("seq", _NUMBER, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("writer", Text, nullable=False),
    Column("oldest", _NAME, nullable=False),
    Column("newest", _NAME, nullable=False),
    Column("count", _NUMBER, nullable=False),
    Column("records", LargeBinary, nullable=False),
    Column("previous_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Index("audit_callout_ids", "kind", "newest", "oldest"),
    sqlite_strict=True,
)

#: One row: the end of the chain, so that rows cut off the end are missed.
AUDIT_HEAD = Table(
    "audit_head",
    METADATA,
    Column("id", _NUMBER, primary_key=True, autoincrement=False),
    Column("seq", _NUMBER, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    CheckConstraint("id = 1", name="audit_head_is_one_row"),
    sqlite_strict=True,
)


def of_key(table: Table, key: UserExternalCredentialKey) -> ColumnElement[bool]:
    """Return the condition that a row of a table of tokens or secrets belongs to this key."""
    return and_(
        table.c.external_credential == key.external_credential,
        table.c.principal == key.principal,
        table.c.user == key.user,
    )


def key_columns(key: UserExternalCredentialKey) -> dict[str, str]:
    """Return the values of the columns that name this key."""
    return {"external_credential": key.external_credential, "principal": key.principal, "user": key.user}
