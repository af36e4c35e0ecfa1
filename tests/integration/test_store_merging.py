"""The segments of SQLite's search index are merged in small steps, whoever writes and whatever ends them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from threading import Thread

import pytest

from app.domain.records import Message, ScopeFilter
from app.search.keywords import read_keywords
from app.search.query import SearchObject, SearchQuery
from app.stores import Transaction
from app.stores.sqlite import SqliteBackend
from app.stores.sqlite.schema import MIGRATIONS
from tests.records import SCOPE, dialogue, message, project, stored

FORK = multiprocessing.get_context("fork")

WRITES = 30
"""So many transactions, of one segment each, are merged by no write."""

EVERYTHING = ScopeFilter(SCOPE.project)

CONFIGURED = "SELECT k, v FROM message_tokens_config WHERE k <> 'version' ORDER BY k"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the path of the store."""
    return tmp_path / "store.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteBackend]:
    """Give a store whose index has a segment for each of many messages."""
    opened = SqliteBackend(path, timeout=10, commit_delay=0.0)
    opened.migrate()
    opened.create_project(project())
    fill(opened, "first")
    yield opened
    opened.close()


def fill(store: SqliteBackend, dialogue_id: str, words: int = 0) -> None:
    """Store a dialogue, and each of its messages, with so many words of its own, in its own transaction."""
    parent = dialogue(id=dialogue_id)
    stored(store, parent)
    for number in range(WRITES):
        own = [f"own{number}x{place}" for place in range(words)]
        one = message(parent, number, " ".join([dialogue_id, f"word{number}", "kept", *own]))
        store.write(SCOPE, partial(_insert, one))


def _insert(one: Message, tx: Transaction) -> None:
    tx.insert_messages([one])


def segments(path: Path) -> int:
    """Return how many segments the index of messages has."""
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT count(DISTINCT segid) FROM message_tokens_idx"
        count: int = connection.execute(query).fetchone()[0]
        return count


def found(store: SqliteBackend, words: str) -> list[str]:
    """Return the ids of the messages that a search finds, best first."""
    query = SearchQuery(EVERYTHING, SearchObject.MESSAGE, read_keywords(words), 1000)
    return [hit.item.id for hit in store.search(query).hits]


def merge(store: SqliteBackend) -> int:
    """Merge until nothing is left to do; how many steps that took."""
    steps = 0
    while store.merge_step():
        steps += 1
    return steps


def test_what_writes_have_added_becomes_one_segment(store: SqliteBackend, path: Path) -> None:
    """What a search finds stays the same, at each step, and no write has merged anything."""
    assert segments(path) == WRITES
    before = found(store, "kept")
    assert len(before) == WRITES
    assert merge(store) > 0
    assert segments(path) == 1
    assert found(store, "kept") == before
    assert store.index_problems(SCOPE.project) == []


def test_nothing_is_written_when_there_is_nothing_to_merge(store: SqliteBackend, path: Path) -> None:
    """Neither the file nor its log changes, as another connection sees."""
    merge(store)
    with closing(sqlite3.connect(path)) as other:
        before = other.execute("PRAGMA data_version").fetchone()
        log = path.with_name("store.db-wal")
        size = log.stat().st_size
        assert store.merge_step() == 0
        assert other.execute("PRAGMA data_version").fetchone() == before
        assert log.stat().st_size == size


def test_what_was_deleted_stays_away(store: SqliteBackend, path: Path) -> None:
    """A removal is an entry of a newer segment, which merging brings to what it removes."""
    merge(store)
    (parent,) = store.iterate_dialogues(EVERYTHING)
    gone = message(parent, 7)
    store.write(SCOPE, lambda tx: tx.remove_message(gone))
    assert segments(path) == 2
    merge(store)
    assert segments(path) == 1
    assert found(store, "word7") == []
    assert len(found(store, "kept")) == WRITES - 1
    assert store.index_problems(SCOPE.project) == []


def test_a_step_writes_little(store: SqliteBackend, path: Path) -> None:
    """It ends long before all is merged, and what is half merged can be searched."""
    fill(store, "second", words=200)
    before = found(store, "word3")
    steps = 0
    while store.merge_step():
        steps += 1
        assert found(store, "word3") == before
        assert store.index_problems(SCOPE.project) == []
    assert steps > 2
    assert segments(path) <= 2


def test_a_kill_between_and_within_steps_does_no_harm(store: SqliteBackend, path: Path) -> None:
    """What a killed process has not committed is as if it had not begun."""
    before = found(store, "kept")

    def merge_and_die() -> None:
        store.merge_step()
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO message_tokens (message_tokens, rank) VALUES ('merge', 8)")
        os.kill(os.getpid(), signal.SIGKILL)

    child = FORK.Process(target=merge_and_die)
    child.start()
    child.join(30)
    assert child.exitcode == -signal.SIGKILL
    assert found(store, "kept") == before
    assert store.index_problems(SCOPE.project) == []
    merge(store)
    assert found(store, "kept") == before
    assert segments(path) == 1


def test_several_merge_while_others_write(store: SqliteBackend, path: Path) -> None:
    """Each step is a transaction, and goes on where the last one of anybody has ended."""
    others = [SqliteBackend(path, timeout=10, commit_delay=0.0) for _ in range(2)]
    threads = [Thread(target=merge, args=(other,)) for other in others]
    for thread in threads:
        thread.start()
    fill(store, "meanwhile")
    for thread in threads:
        thread.join(30)
    merge(store)
    assert len(found(store, "kept")) == 2 * WRITES
    assert store.index_problems(SCOPE.project) == []
    for other in others:
        other.close()


def test_a_store_of_an_earlier_release_is_merged_by_the_sweeper_too(tmp_path: Path) -> None:
    """The migration sets its index as that of a new store, and what FTS5 has begun to merge is merged on."""
    fresh, old = tmp_path / "fresh.db", tmp_path / "old.db"
    with closing(sqlite3.connect(old)) as connection:
        for script in MIGRATIONS[:-1]:
            connection.executescript(script)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) - 1}")
        connection.commit()
    configured = []
    for path in (fresh, old):
        with closing(SqliteBackend(path, timeout=10, commit_delay=0.0)) as opened:
            opened.migrate()
            configured.append(opened._db.all(CONFIGURED))
    assert configured[0] == configured[1]
    assert ("automerge", 0) in configured[0]
