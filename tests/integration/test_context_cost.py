"""Reading a context costs the same however long the dialogue is: what the store does is counted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from pymongo.monitoring import CommandSucceededEvent

from app.domain.records import Dialogue, Message, Scope, Timestamp
from app.services.context import ContextRequest, read_context
from app.stores import Backend, Transaction, policies
from app.stores.sqlite import SqliteBackend
from app.summaries.context.planning import Format
from tests.integration.mongo_server import Recorder, Server
from tests.records import dialogue, message, summary

SCOPE = Scope("acme")
WANTED = [ContextRequest(tokens, target, None) for tokens in (300, 2_000) for target in Format]
SHORT, LONG, LONG_MONGODB = 100, 100_000, 10_000
SAID = "how are you today " * 12
BATCH = 5_000


def moment(number: int) -> Timestamp:
    """Return a time, one second after that of the number before."""
    hours, rest = divmod(number, 3_600)
    return Timestamp(f"2026-01-{hours // 24 + 1:02}T{hours % 24:02}:{rest // 60:02}:{rest % 60:02}.000Z")


def fill(backend: Backend, name: str, count: int) -> Dialogue:
    """Store a dialogue whose messages all say the same, and a summary of it."""
    parent = dialogue(SCOPE, id=name, next_seq=count, total=count)
    backend.write(SCOPE, lambda tx: tx.insert_dialogue(parent))
    for start in range(0, count, BATCH):
        span = range(start, min(count, start + BATCH))
        rows = [message(parent, seq, SAID, created=moment(seq), terms="") for seq in span]
        backend.write(SCOPE, partial(_insert, rows))

    def add_summary(tx: Transaction) -> None:
        tx.insert_summary(replace(summary(parent), through_seq=count - 1))

    backend.write(SCOPE, add_summary)
    return parent


def _insert(rows: list[Message], tx: Transaction) -> None:
    tx.insert_messages(rows)


@pytest.fixture(autouse=True)
def _policy_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing of the project be read again while costs are compared, however busy the machine is."""
    monkeypatch.setattr(policies, "BELIEVED_SECONDS", 3600.0)


def test_sqlite_works_as_much_for_100000_messages_as_for_100(sqlite_backend: Backend) -> None:
    """Statements and steps of SQLite's virtual machine are the same for every budget and format."""
    assert isinstance(sqlite_backend, SqliteBackend)
    short, long = (fill(sqlite_backend, f"d{count}", count) for count in (SHORT, LONG))
    connection = sqlite_backend._db.connection()

    def cost(parent: Dialogue, wanted: ContextRequest) -> dict[str, int]:
        counts = {"statements": 0, "steps": 0}

        def note(name: str) -> int:
            counts[name] += 1
            return 0

        connection.set_trace_callback(lambda _: note("statements"))
        connection.set_progress_handler(lambda: note("steps"), 1)
        read_context(sqlite_backend, SCOPE, parent.id, wanted)
        connection.set_trace_callback(None)
        connection.set_progress_handler(None, 0)
        return counts

    cost(short, WANTED[0])  # reads what is remembered
    for wanted in WANTED:
        assert cost(short, wanted) == cost(long, wanted), wanted


class RowCounter(Recorder):
    """Counts what MongoDB answers besides what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = 0

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Add the rows of one answer."""
        cursor: dict[str, Any] = event.reply.get("cursor", {})
        self.rows += len(cursor.get("firstBatch", [])) + len(cursor.get("nextBatch", []))


@pytest.fixture
def server() -> Iterator[Server]:
    """A database on the MongoDB server, watched."""
    uri = os.environ.get("MONGODB_URI")
    if not uri:
        pytest.skip("MONGODB_URI names no MongoDB server")
    server = Server(uri)
    yield server
    server.drop()


@pytest.mark.mongodb
def test_mongodb_works_as_much_for_10000_messages_as_for_100(server: Server) -> None:
    """The commands that are sent and the rows that come back are the same for every budget and format."""
    counter = RowCounter()
    server.client = server.connect(event_listeners=[counter])
    store = server.open()
    store.migrate()
    short, long = (fill(store, f"d{count}", count) for count in (SHORT, LONG_MONGODB))

    def cost(parent: Dialogue, wanted: ContextRequest) -> tuple[list[str], int]:
        counter.commands.clear()
        counter.rows = 0
        read_context(store, SCOPE, parent.id, wanted)
        return counter.names(), counter.rows

    cost(short, WANTED[0])  # reads what is remembered
    for wanted in WANTED:
        asked, rows = cost(short, wanted)
        assert (asked, rows) == cost(long, wanted), wanted
        assert 0 < rows < 1_000
    store.close()
