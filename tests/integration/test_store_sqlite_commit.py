"""Writers of one process share commits, and nobody is answered too early."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from sqlite3 import Connection
from typing import Any

import pytest

from app.domain.errors import ServiceUnavailable
from app.stores.sqlite import SqliteBackend
from app.stores.sqlite.commit import BATCH
from tests.records import SCOPE, dialogue, stored


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteBackend]:
    """Give a store with a scratch table and a short timeout."""
    opened = SqliteBackend(tmp_path / "store.db", timeout=5.0, commit_delay=0.0)
    opened.migrate()
    opened._db.commits.run(lambda connection: connection.execute("CREATE TABLE note (text TEXT)"))
    yield opened
    opened.close()


def note(text: str) -> Callable[[Connection], str]:
    """Return a work that writes one row."""

    def work(connection: Connection) -> str:
        connection.execute("INSERT INTO note VALUES (?)", (text,))
        return text

    return work


def notes(store: SqliteBackend) -> list[str]:
    """Return what was written, in order."""
    return [row[0] for row in store._db.all("SELECT text FROM note ORDER BY rowid")]


class Gate:
    """A work that holds the lead until it is let go."""

    def __init__(self, store: SqliteBackend) -> None:
        self.store = store
        self.entered = threading.Event()
        self.released = threading.Event()

    def work(self, connection: Connection) -> str:
        """Write a row, then wait."""
        self.entered.set()
        assert self.released.wait(10)
        return note("first")(connection)

    def wait_for_queue(self, length: int) -> None:
        """Return when so many works wait."""
        deadline = time.monotonic() + 5
        while len(self.store._db.commits._queue) < length:
            assert time.monotonic() < deadline
            time.sleep(0.001)


def run_behind(
    store: SqliteBackend,
    works: list[Callable[[Connection], Any]],
    meanwhile: Callable[[], None] | None = None,
) -> list[Future[Any]]:
    """Queue works behind one that holds the lead, then let it go; their futures, done."""
    gate = Gate(store)
    with ThreadPoolExecutor(len(works) + 1) as pool:
        first = pool.submit(store._db.commits.run, gate.work)
        assert gate.entered.wait(5)
        futures = []
        for count, work in enumerate(works, 1):
            futures.append(pool.submit(store._db.commits.run, work))
            gate.wait_for_queue(count)
        if meanwhile is not None:
            meanwhile()
        gate.released.set()
    assert first.result() == "first"
    return futures


def test_what_waits_shares_the_next_commit(store: SqliteBackend) -> None:
    """Five works that wait for a commit are committed together, in their order."""

    def work_in(text: str) -> Callable[[Connection], int]:
        def work(connection: Connection) -> int:
            note(text)(connection)
            return threading.get_ident()

        return work

    futures = run_behind(store, [work_in(str(number)) for number in range(5)])
    assert len({future.result() for future in futures}) == 1, "one leader ran them all"
    assert notes(store) == ["first", "0", "1", "2", "3", "4"]


def test_a_lone_writer_leads_itself(store: SqliteBackend) -> None:
    """Its work runs in its own thread, with one commit and no savepoint."""
    statements: list[str] = []
    store._db.connection().set_trace_callback(statements.append)
    assert store._db.commits.run(lambda _: threading.get_ident()) == threading.get_ident()
    own_wait, sqlites_wait = "PRAGMA busy_timeout = 0", "PRAGMA busy_timeout = 5000"
    assert statements == [own_wait, "BEGIN IMMEDIATE", sqlites_wait, "COMMIT"]


def test_a_batch_is_bounded(store: SqliteBackend) -> None:
    """More works than a batch holds are served by two leaders, none forgotten."""
    futures = run_behind(store, [lambda _: threading.get_ident() for _ in range(BATCH + 3)])
    leaders = [future.result() for future in futures]
    assert len(set(leaders)) == 2
    assert len(set(leaders[:BATCH])) == 1


def test_a_failing_work_is_undone_alone(store: SqliteBackend) -> None:
    """Its neighbours in the batch are stored; a bug's own error reaches its thread."""

    def fail(connection: Connection) -> None:
        note("bad")(connection)
        raise LookupError("mine")

    def misspell(connection: Connection) -> None:
        connection.execute("SELECT nonsense")

    good, bad, bug, last = run_behind(store, [note("good"), fail, misspell, note("last")])
    assert (good.result(), last.result()) == ("good", "last")
    assert isinstance(bad.exception(), LookupError)
    assert isinstance(bug.exception(), sqlite3.OperationalError)
    assert notes(store) == ["first", "good", "last"]


def test_a_lost_transaction_fails_all_of_its_works(store: SqliteBackend) -> None:
    """When SQLite itself undoes the transaction, no work of it is acknowledged."""

    def lose(connection: Connection) -> None:
        connection.execute("ROLLBACK")
        raise ServiceUnavailable("full")

    before, lost, after = run_behind(store, [note("before"), lose, note("after")])
    for future in (before, lost, after):
        assert isinstance(future.exception(), ServiceUnavailable)
    assert notes(store) == ["first"]
    assert store._db.commits.run(note("next")) == "next"


def test_an_interrupted_leader_leaves_nobody_waiting(store: SqliteBackend) -> None:
    """The followers are told to repeat; only the leader sees the interruption."""

    def interrupt(_: Connection) -> None:
        raise KeyboardInterrupt

    leader, follower = run_behind(store, [interrupt, note("follower")])
    assert isinstance(leader.exception(), KeyboardInterrupt)
    assert isinstance(follower.exception(), ServiceUnavailable)
    assert "Repeat the request" in str(follower.exception())
    assert notes(store) == ["first"]
    assert store._db.commits.run(note("next")) == "next"


def test_nobody_is_answered_before_the_commit(tmp_path: Path) -> None:
    """While the commit sleeps, no other connection sees the row and the writer waits."""
    store = SqliteBackend(tmp_path / "store.db", timeout=5.0, commit_delay=0.0)
    store.migrate()
    slow = SqliteBackend(tmp_path / "store.db", timeout=5.0, commit_delay=0.3)
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(stored, slow, dialogue(id="d"))
        time.sleep(0.1)
        assert not written.done()
        assert store.get_dialogue(SCOPE, "d") is None
        written.result()
        assert store.get_dialogue(SCOPE, "d") is not None
    slow.close()
    store.close()


def test_a_work_whose_time_is_up_never_runs(store: SqliteBackend) -> None:
    """The wait in the queue is bounded, and the writer is told that nothing was stored."""
    store._db.commits._timeout = 0.05
    gate = Gate(store)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(store._db.commits.run, gate.work)
        assert gate.entered.wait(5)
        late = pool.submit(store._db.commits.run, note("late"))
        assert isinstance(late.exception(), ServiceUnavailable)
        gate.released.set()
    assert first.result() == "first"
    assert notes(store) == ["first"]


def test_a_work_that_was_taken_is_waited_for(store: SqliteBackend) -> None:
    """Once a leader runs it, only the leader knows how it ends."""
    store._db.commits._timeout = 0.2

    def slow(connection: Connection) -> str:
        time.sleep(0.5)
        return note("slow")(connection)

    one, two = run_behind(store, [slow, note("two")])
    assert (one.result(), two.result()) == ("slow", "two")
    assert notes(store) == ["first", "slow", "two"]


def test_many_writers_in_turns_lose_nothing(store: SqliteBackend) -> None:
    """The lead is handed on however threads come and go."""
    with ThreadPoolExecutor(12) as pool:
        results = list(pool.map(lambda number: store._db.commits.run(note(str(number))), range(400)))
    assert results == [str(number) for number in range(400)]
    assert sorted(map(int, notes(store))) == list(range(400))
    assert not store._db.commits._led


def test_the_time_in_the_queue_counts(tmp_path: Path) -> None:
    """A work that has waited for others does not wait for the file as long again."""
    store = SqliteBackend(tmp_path / "store.db", timeout=0.6, commit_delay=0.0)
    store.migrate()
    waits: list[float] = []

    def write() -> None:
        begun = time.monotonic()
        with pytest.raises(ServiceUnavailable):
            store._db.commits.run(lambda connection: connection.execute("UPDATE meta SET value = value"))
        waits.append(time.monotonic() - begun)

    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        first = threading.Thread(target=write)
        first.start()
        time.sleep(0.3)
        second = threading.Thread(target=write)
        second.start()
        first.join()
        second.join()
        other.execute("ROLLBACK")
    store.close()
    assert max(waits) < 0.6 + 0.4
