"""Statements on SQLite end at the request's deadline."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from app import waiting
from app.domain.errors import ServiceUnavailable
from app.stores.sqlite.database import SqliteDatabase, prepare_file
from app.stores.sqlite.mapping import Columns

ENDLESS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n WHERE i < 0 LIMIT ?"
)


@pytest.fixture
def database(tmp_path: Path) -> SqliteDatabase:
    """Open an empty file."""
    prepare_file(tmp_path / "store.db")
    return SqliteDatabase(tmp_path / "store.db", timeout=10, commit_delay=0)


@pytest.mark.parametrize("read", ["all", "page"])
def test_statement_ends_with_the_request(database: SqliteDatabase, read: str) -> None:
    """A statement that would never end is interrupted when the budget is used up, and the next may run."""
    columns: Columns[tuple[int]] = Columns(("i",), lambda row: (row[0],))
    waiting.begin_request(0.3)
    begun = time.monotonic()
    try:
        with pytest.raises(ServiceUnavailable, match="longer than the time limit"):
            database.all(ENDLESS, (1,)) if read == "all" else database.page(ENDLESS, (), 1, columns)
    finally:
        waiting.end_request()
    assert 0.3 <= time.monotonic() - begun < 5
    assert database.all("SELECT 1") == [(1,)]
    database.close()


def test_no_statement_begins_after_the_deadline(database: SqliteDatabase) -> None:
    """A request whose time is up asks the store for nothing more."""
    waiting.begin_request(0.0)
    try:
        with pytest.raises(ServiceUnavailable):
            database.all("SELECT 1")
    finally:
        waiting.end_request()
    database.close()
