"""What only a store in a file can go through: permissions, full disks, processes, upgrades."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import signal
import sqlite3
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing.context import ForkProcess
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.domain.errors import ServiceUnavailable
from app.domain.list_queries import MessageListQuery
from app.domain.records import IdempotencyRecord, JsonText, ScopeFilter, Timestamp
from app.stores import Backend, Transaction
from app.stores.sqlite import SqliteBackend, open_sqlite
from app.stores.sqlite.schema import VERSION
from tests.disk import no_file_writes
from tests.records import SCOPE, dialogue, erase, instant, memory, message, project, stored

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the path of a file that does not exist yet, in a folder that does not either."""
    return tmp_path / "data" / "store.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteBackend]:
    """Give a migrated store with a short timeout."""
    opened = SqliteBackend(path, timeout=0.2, commit_delay=0.0)
    opened.migrate()
    yield opened
    opened.close()


def mode(path: Path) -> int:
    """Return the permission bits of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def test_files_are_private_from_the_start(store: SqliteBackend, path: Path) -> None:
    """The folder is 0700, the database, its log and its lock 0600."""
    stored(store, dialogue())
    assert mode(path.parent) == 0o700
    names = {one.name for one in path.parent.iterdir()}
    assert names == {"store.db", "store.db-wal", "store.db-shm", "store.db.lock"}
    assert {mode(one) for one in path.parent.iterdir()} == {0o600}


def test_opening_touches_nothing(path: Path) -> None:
    """The file is made on first use, so that a server can fork in between."""
    open_sqlite(path).close()
    assert not path.parent.exists()


def test_commits_are_durable_and_logged_ahead(store: SqliteBackend) -> None:
    """WAL with a synchronous commit."""
    assert store._db.all("PRAGMA journal_mode") == [("wal",)]
    assert store._db.all("PRAGMA synchronous") == [(2,)]


def test_a_read_only_store_says_so(store: SqliteBackend, caplog: pytest.LogCaptureFixture) -> None:
    """The client is told what is wrong in plain words; SQLite's own are in the log."""
    store._db.all("PRAGMA query_only = 1")
    with pytest.raises(ServiceUnavailable, match="read-only") as caught:
        stored(store, dialogue())
    assert "attempt to write" not in str(caught.value)
    assert "attempt to write" in caplog.text
    with pytest.raises(ServiceUnavailable, match="read-only"):
        store._db.commits.run(lambda connection: connection.execute("UPDATE meta SET value = value"))
    with pytest.raises(ServiceUnavailable, match="read-only"):
        store.check_ready()
    store._db.all("PRAGMA query_only = 0")
    stored(store, dialogue())


def test_a_full_disk_stores_nothing_and_is_survived(store: SqliteBackend) -> None:
    """Reads go on, and writes do once there is room."""
    kept = stored(store, dialogue(id="kept"))
    pages = store._db.all("PRAGMA page_count")[0][0]
    store._db.all(f"PRAGMA max_page_count = {pages}")
    large = dialogue(id="large", state=JsonText('"' + "x" * 100_000 + '"'))
    with pytest.raises(ServiceUnavailable, match="full") as caught:
        stored(store, large)
    assert caught.value.headers == {"Retry-After": "1"}
    assert store.get_dialogue(SCOPE, "kept") == kept
    assert store.get_dialogue(SCOPE, "large") is None
    store._db.all("PRAGMA max_page_count = 1000000")
    stored(store, large)


def test_a_disk_that_takes_no_writes_is_not_ready(store: SqliteBackend) -> None:
    """So it is when a kernel has set a damaged disk read-only; reads go on, and all does once it is back."""
    kept = stored(store, dialogue(id="kept"))
    with no_file_writes():
        with pytest.raises(ServiceUnavailable, match="disk"):
            stored(store, dialogue())
        with pytest.raises(ServiceUnavailable, match="disk"):
            store.check_ready()
        assert store.get_dialogue(SCOPE, "kept") == kept
    store.check_ready()
    stored(store, dialogue())


def test_a_file_held_by_another_writer_is_busy(store: SqliteBackend, path: Path) -> None:
    """The wait is bounded by the timeout; readers do not wait at all."""
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ServiceUnavailable, match="busy"):
            stored(store, dialogue())
        with pytest.raises(ServiceUnavailable, match="busy"):
            store.check_ready()
        assert store.get_dialogue(SCOPE, "d") is None
        other.execute("ROLLBACK")
    other.close()
    store.check_ready()


def test_what_is_no_database_is_reported(path: Path) -> None:
    """For reads, pages and writes alike."""
    path.parent.mkdir()
    path.write_bytes(b"not a database at all" * 100)
    store = open_sqlite(path)
    for use in (
        lambda: store.get_dialogue(SCOPE, "d"),
        lambda: store.list_messages(SCOPE, "d", MessageListQuery("u", 5)),
        lambda: store.create_project(project()),
        store.migrate,
    ):
        with pytest.raises(ServiceUnavailable, match="damaged"):
            use()
    store.close()


def test_an_impossible_path_is_reported(tmp_path: Path) -> None:
    """A folder that cannot be made, and a folder in the file's place."""
    (tmp_path / "file").write_text("")
    below = open_sqlite(tmp_path / "file" / "store.db")
    with pytest.raises(ServiceUnavailable, match="cannot be opened"):
        below.get_dialogue(SCOPE, "d")
    with pytest.raises(ServiceUnavailable, match="cannot be written"):
        below.migrate()
    (tmp_path / "folder").mkdir()
    instead = open_sqlite(tmp_path / "folder")
    with pytest.raises(ServiceUnavailable, match="cannot be opened"):
        instead.get_dialogue(SCOPE, "d")


def test_a_bug_is_not_called_unavailable(store: SqliteBackend) -> None:
    """A wrong statement stays an error of the program."""
    with pytest.raises(sqlite3.OperationalError, match="no such column"):
        store._db.all("SELECT absent FROM meta")


def test_a_closed_store_refuses(store: SqliteBackend) -> None:
    """Also in a thread that had no connection yet."""
    store.close()
    with pytest.raises(sqlite3.ProgrammingError):
        store.get_dialogue(SCOPE, "d")
    fresh = SqliteBackend(store._db.path, 1.0, 0.0)
    fresh.close()
    with pytest.raises(ServiceUnavailable, match="closed"):
        fresh.get_dialogue(SCOPE, "d")


def change(store: SqliteBackend, sql: str) -> None:
    """Run a statement in a transaction of its own."""
    store._db.commits.run(lambda connection: connection.execute(sql))


def test_a_store_that_is_not_migrated_is_not_ready(path: Path) -> None:
    """Nor is one of a later release that does not let servers of this one go on; it is left alone."""
    store = open_sqlite(path)
    with pytest.raises(ServiceUnavailable, match="not migrated"):
        store.check_ready()
    store.migrate()
    store.check_ready()
    assert isinstance(store, SqliteBackend)
    store._db.all(f"PRAGMA user_version = {VERSION + 1}")
    raised = "UPDATE meta SET value = value + 1000 WHERE name = 'oldest'"
    for sql in (raised, "DELETE FROM meta WHERE name = 'oldest'"):
        change(store, sql)
        for ask in (store.check_ready, store.migrate):
            with pytest.raises(ServiceUnavailable, match="newer version"):
                ask()
    store.close()


def test_a_later_schema_may_let_this_release_go_on(store: SqliteBackend) -> None:
    """Then it is ready, starts, changes no version, and leaves alone what only a later one can make."""
    store._db.all(f"PRAGMA user_version = {VERSION + 1}")
    change(store, "INSERT INTO reindexing VALUES ('later', 100)")
    store.check_ready()
    assert store.migrate() == VERSION + 1
    assert store.index_step() == 0
    assert store._db.all("SELECT kind FROM reindexing") == [("later",)]
    assert store._db.all("PRAGMA user_version") == [(VERSION + 1,)]


def test_a_nearly_full_disk_is_not_ready(store: SqliteBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readiness fails before writes do."""
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=10, f_frsize=4096))
    with pytest.raises(ServiceUnavailable, match="full"):
        store.check_ready()


def test_the_start_up_lock_is_waited_for_in_vain(store: SqliteBackend, path: Path) -> None:
    """While another process holds it; the wait is bounded."""
    lock = path.with_name(path.name + ".lock")
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(ServiceUnavailable, match="preparing"):
            store.migrate()
    assert store.migrate() == VERSION


def run_all(targets: list[ForkProcess]) -> None:
    """Run processes and check that each ended well."""
    for one in targets:
        one.start()
    for one in targets:
        one.join(60)
        assert one.exitcode == 0


def test_processes_that_start_together_migrate_once(path: Path) -> None:
    """All come up on the same version and the same secret."""
    secrets = FORK.Queue()

    def start() -> None:
        store = open_sqlite(path)
        store.migrate()
        store.check_ready()
        secrets.put(store.cursor_secret())

    run_all([FORK.Process(target=start) for _ in range(6)])
    assert len({secrets.get(timeout=5) for _ in range(6)}) == 1


def append(name: str) -> Callable[[Transaction], None]:
    """Return the work that appends a message as the services do."""
    return lambda tx: _append(tx, name)


def _append(tx: Transaction, name: str) -> None:
    parent = tx.lock_dialogue("d")
    assert parent is not None
    seq = parent.next_seq
    tx.save_dialogue(replace(parent, next_seq=seq + 1, total=parent.total + 1, rev=parent.rev + 1))
    tx.insert_messages([message(parent, seq, id=name, created=instant(0))])


def test_processes_that_append_together_lose_nothing(path: Path) -> None:
    """A connection that the parent opened before the fork is not used by its children."""
    store = open_sqlite(path)
    store.migrate()
    parent = stored(store, dialogue(id="d"))

    def work(writer: int) -> None:
        for number in range(20):
            store.write(SCOPE, append(f"w{writer}-{number}"))

    run_all([FORK.Process(target=work, args=(writer,)) for writer in range(4)])
    page = store.list_messages(SCOPE, "d", MessageListQuery(parent.uid, 500))
    assert [one.seq for one in page.items] == list(range(80))
    found = store.get_dialogue(SCOPE, "d")
    assert found is not None
    assert found.total == 80
    store.close()


def test_a_killed_writer_leaves_whole_transactions(path: Path) -> None:
    """What was acknowledged is there, and the counters agree with the rows."""
    store = open_sqlite(path)
    store.migrate()
    parent = stored(store, dialogue(id="d"))
    receiver, sender = FORK.Pipe(duplex=False)

    def work() -> None:
        for number in range(100_000):
            store.write(SCOPE, append(f"m{number}"))
            sender.send(number)

    writer = FORK.Process(target=work)
    writer.start()
    while (acknowledged := receiver.recv()) < 30:
        continue
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join(10)
    while receiver.poll():
        acknowledged = receiver.recv()
    page = store.list_messages(SCOPE, "d", MessageListQuery(parent.uid, 100_000))
    found = store.get_dialogue(SCOPE, "d")
    assert found is not None
    assert found.total == len(page.items) == page.items[-1].seq + 1
    assert acknowledged < len(page.items) <= acknowledged + 2
    store.close()


def test_expired_answers_are_swept(store: SqliteBackend) -> None:
    """And no others."""

    def work(tx: Transaction) -> None:
        for year in (2020, 2999):
            expires = Timestamp(f"{year}-01-01T00:00:00.000Z")
            tx.save_idempotency(IdempotencyRecord(str(year), "f", JsonText("{}"), None, expires))

    store.write(SCOPE, work)
    assert store.sweep() == 1
    assert store.sweep() == 0
    assert store._db.all("SELECT request FROM idempotency") == [("2999",)]


def test_a_sweep_finishes_what_removing_a_project_began(store: SqliteBackend) -> None:
    """After a crash in between, row by row if need be; then the name is free."""
    store.create_project(project())
    parent = dialogue(id="d")
    stored(store, parent, [message(parent, seq) for seq in range(5)])
    store.write(SCOPE, lambda tx: tx.insert_memory(memory()))
    store._db.commits.run(lambda connection: connection.execute("UPDATE project SET closed = 1"))
    assert not store.create_project(project())
    removed = 0
    while count := store.sweep(rows=2):
        removed += count
    assert removed == 7
    assert store.stats(ScopeFilter("acme")).messages == 0
    assert store.create_project(project())


def test_index_and_rows_stay_together(sqlite_backend: Backend) -> None:
    """After many changes the search index passes SQLite's own check of it, and is empty with the rows."""
    assert isinstance(sqlite_backend, SqliteBackend)
    store = sqlite_backend
    for number in range(20):
        parent = dialogue(id=f"d{number}", label="Straße 7")
        stored(store, parent, [message(parent, seq, "größe one two") for seq in range(3)])
    erase(store, SCOPE)
    while store.sweep():
        continue
    for table in ("dialogue", "message", "memory"):
        store._db.all(f"INSERT INTO {table}_tokens ({table}_tokens) VALUES ('optimize')")  # noqa: S608  # the names of three tables, not input
        assert store._db.all(f"SELECT count(*) FROM {table}_tokens_idx") == [(0,)]  # noqa: S608  # the names of three tables, not input
    assert store._db.all("PRAGMA integrity_check") == [("ok",)]


def test_a_lost_file_is_not_made_anew(store: SqliteBackend, path: Path) -> None:
    """What would be written to a deleted file or to an empty new one is refused, not lost."""
    kept = stored(store, dialogue(id="kept"))
    store._db.all("PRAGMA wal_checkpoint(TRUNCATE)")
    away = path.parent.with_name("away")
    path.parent.rename(away)
    uses: list[Callable[[], object]] = [
        lambda: stored(store, dialogue()),
        lambda: store.get_dialogue(SCOPE, "kept"),
        store.check_ready,
    ]
    for use in uses:
        with pytest.raises(ServiceUnavailable, match="not there"):
            use()
    assert not path.parent.exists()
    away.rename(path.parent)
    assert store.get_dialogue(SCOPE, "kept") == kept


def test_a_file_that_took_the_place_of_another_is_used(store: SqliteBackend, path: Path) -> None:
    """A backup that is put back under a running server is what it serves from then on."""
    stored(store, dialogue(id="old"))
    other = SqliteBackend(path.with_name("other.db"), timeout=0.2, commit_delay=0.0)
    other.migrate()
    restored = stored(other, dialogue(id="restored"))
    other.close()
    path.with_name("other.db").replace(path)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    assert store.get_dialogue(SCOPE, "restored") == restored
    assert store.get_dialogue(SCOPE, "old") is None
    stored(store, dialogue(id="new"))


def test_a_table_that_is_missing_means_that_it_is_not_migrated(path: Path) -> None:
    """An empty file in the store's place is no reason for a traceback."""
    path.parent.mkdir()
    path.touch()
    store = open_sqlite(path)
    with pytest.raises(ServiceUnavailable, match="colloquy migrate"):
        store.get_dialogue(SCOPE, "d")
    store.close()
