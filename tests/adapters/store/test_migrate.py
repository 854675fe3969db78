"""A database is made with the present schema, an older one is brought to it, a newer one is refused."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from callout.adapters.store import sqlite
from callout.adapters.store.database import Database
from callout.adapters.store.errors import StoreError
from callout.adapters.store.migrate import Migration, alembic_config, create, migrate, upgrade
from callout.adapters.store.store import Store
from callout.adapters.store.tables import METADATA, REVISION
from tests.adapters.store.conftest import SqliteDatabase, SteppingClock

SCRIPTS = ScriptDirectory.from_config(alembic_config())
REVISIONS = sorted(script.revision for script in SCRIPTS.walk_revisions())


def empty(path: Path) -> Database:
    sqlite.create_file(path)
    return Database(sqlite.open_engine(path, read_only=False, busy_timeout_seconds=1))


def schema_of(path: Path) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall()


def set_revision(path: Path, revision: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))


class TestCreate:
    def test_a_new_database_is_its_owners_alone_and_so_are_its_wal_files(self, tmp_path: Path) -> None:
        create(tmp_path / "callout.db")
        with closing(Store.open(tmp_path / "callout.db", clock=SteppingClock())) as store:
            store.data_keys.load()
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
        assert modes == {"callout.db": 0o600, "callout.db-wal": 0o600, "callout.db-shm": 0o600}

    def test_a_file_that_is_there_is_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "callout.db").write_text("mine")
        with pytest.raises(StoreError, match=r"got a file at .* already; expected none"):
            create(tmp_path / "callout.db")
        assert (tmp_path / "callout.db").read_text() == "mine"

    def test_a_missing_directory_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match=r"No such file or directory.*Make its directory"):
            create(tmp_path / "none" / "callout.db")

    def test_odd_characters_in_the_path_are_no_matter(self, tmp_path: Path) -> None:
        path = tmp_path / "50%20 of #1? ü.db"
        create(path)
        Store.open(path, clock=SteppingClock()).close()
        assert [p.name for p in tmp_path.iterdir()] == [path.name]

    def test_a_url_names_the_same_file_as_its_path(self, tmp_path: Path) -> None:
        create(f"sqlite:///{tmp_path}/callout.db")
        Store.open(tmp_path / "callout.db", clock=SteppingClock()).close()


class TestMigrate:
    @pytest.mark.parametrize("revision", [None, *REVISIONS])
    def test_every_schema_that_ever_was_comes_to_the_present_one(self, tmp_path: Path, revision: str | None) -> None:
        path, fresh = tmp_path / "old.db", tmp_path / "fresh.db"
        create(fresh)
        database = empty(path)
        if revision is not None:
            with database.writing() as connection:
                upgrade(connection, revision)
        database.close()
        assert migrate(path) == Migration(revision, REVISION)
        assert schema_of(path) == schema_of(fresh)

    def test_migrating_twice_changes_nothing(self, database: SqliteDatabase) -> None:
        before = schema_of(database.path)
        assert not migrate(database.path).changed
        assert schema_of(database.path) == before

    def test_migrations_make_exactly_the_tables_that_the_code_uses(self, database: SqliteDatabase) -> None:
        store = database.open()
        with store._database.reading() as connection:
            differences = compare_metadata(MigrationContext.configure(connection), METADATA)
        assert differences == []

    def test_every_table_is_strict(self, database: SqliteDatabase) -> None:
        tables = database.rows(
            "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite%'"
        )
        assert {name for name, strict in tables if not strict} == {"alembic_version"}
        assert len(tables) == len(METADATA.tables) + 1

    def test_the_code_needs_the_last_migration(self) -> None:
        assert SCRIPTS.get_heads() == [REVISION]

    def test_ids_of_migrations_count_up_without_a_gap(self) -> None:
        assert [f"{number:04}" for number in range(1, len(REVISIONS) + 1)] == REVISIONS

    def test_a_newer_schema_is_refused_and_left_alone(self, database: SqliteDatabase) -> None:
        set_revision(database.path, "9999")
        before = schema_of(database.path)
        with pytest.raises(StoreError, match=f"got the schema 9999 .*; expected {REVISION} at most. Run the newer"):
            migrate(database.path)
        assert schema_of(database.path) == before

    def test_a_migration_that_fails_leaves_the_database_as_it_was(self, tmp_path: Path) -> None:
        path = tmp_path / "old.db"
        empty(path).close()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE audit_head (mine)")  # the last table that the first migration makes
        before = schema_of(path)
        with pytest.raises(StoreError, match="already exists"):
            migrate(path)
        assert schema_of(path) == before

    def test_old_and_new_release_never_share_a_database(self, tmp_path: Path) -> None:
        """Release 0003 keeps no lease: what runs on is found, and must be stopped, before the schema moves."""
        path = tmp_path / "old.db"
        database = empty(path)
        with database.writing() as connection:
            upgrade(connection, "0003")
        with closing(sqlite3.connect(path)) as old_release:
            old_release.execute("PRAGMA journal_mode=WAL")
            assert old_release.execute("SELECT generation FROM org").fetchall() == [(0,)]
            database.close()
            with pytest.raises(StoreError, match=r"another process has open.*Stop every `callout serve`.*db migrate"):
                migrate(path, busy_timeout_seconds=0.05)
            assert old_release.execute("SELECT version_num FROM alembic_version").fetchall() == [("0003",)]
        assert migrate(path) == Migration("0003", REVISION)
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)

    def test_a_missing_database_is_not_made_by_migrating(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match="got no database"):
            migrate(tmp_path / "none.db")
        assert list(tmp_path.iterdir()) == []


class TestOpen:
    def test_an_older_schema_is_refused_with_the_command_that_mends_it(self, database: SqliteDatabase) -> None:
        set_revision(database.path, "0000")
        with pytest.raises(StoreError, match=f"got the older schema 0000 .*; expected {REVISION}.*callout db migrate"):
            database.open()

    def test_a_newer_schema_is_refused(self, database: SqliteDatabase) -> None:
        set_revision(database.path, "9999")
        with pytest.raises(StoreError, match=r"got the schema 9999 .*, which a newer Callout made"):
            database.open()

    def test_the_database_of_another_program_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "other.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE theirs (x)")
        with pytest.raises(StoreError, match="that is not Callout's"):
            Store.open(path, clock=SteppingClock())


def test_opening_a_store_loads_neither_alembic_nor_the_orm(database: SqliteDatabase) -> None:
    program = (
        "import sys; from callout.adapters.store.store import Store; from callout.adapters.system import SystemClock;"
        f"Store.open({str(database.path)!r}, clock=SystemClock()).close();"
        "print([m for m in ('alembic', 'sqlalchemy.orm', 'sqlalchemy.ext.asyncio') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_package_alone_loads_no_database_library() -> None:
    program = "import sys, callout.adapters.store.errors; print('sqlalchemy' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "False\n"
    )
