"""Databases to test, each behind one small face, so that the contract suite runs over every kind."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from callout.adapters.store.store import Store
from callout.core.model.credentials import UserExternalCredentialKey
from callout.core.ports import AdminAct, Segment
from tests.databases import create_copy

START = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


class SteppingClock:
    """A second later at each reading."""

    def __init__(self) -> None:
        self._readings = 0

    def now(self) -> datetime:
        self._readings += 1
        return START + timedelta(seconds=self._readings)


class SqliteDatabase:
    """An SQLite database of its own, the stores that are open on it, and a way around them for tampering."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "callout.db"
        self._stores: list[Store] = []
        create_copy(self.path)

    def open(self, **options: Any) -> Store:
        store = Store.open(self.path, clock=SteppingClock(), **options)
        self._stores.append(store)
        return store

    def rows(self, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            return connection.execute(statement, parameters).fetchall()

    def close(self) -> None:
        for store in self._stores:
            store.close()


KINDS = {"sqlite": SqliteDatabase}


@pytest.fixture(params=sorted(KINDS))
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteDatabase]:
    database = KINDS[request.param](tmp_path)
    yield database
    database.close()


@pytest.fixture
def store(database: SqliteDatabase) -> Store:
    return database.open()


def act(what: str = "something", *, who: str = "alice") -> AdminAct:
    return AdminAct(START, who, "test.act", what)


def key(name: str = "Orders", principal: str = "Service", user: str = "") -> UserExternalCredentialKey:
    return UserExternalCredentialKey(name, principal, user)


def segment(oldest: str, newest: str, *, writer: str = "worker-1") -> Segment:
    return Segment(writer, oldest, newest, 2, f'["{oldest}","{newest}"]'.encode())
