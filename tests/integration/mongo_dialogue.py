"""One dialogue in a store on the MongoDB server of the tests, and appending to it."""

from __future__ import annotations

from dataclasses import replace

from app.domain.list_queries import MessageListQuery
from app.domain.records import Dialogue
from app.stores import Backend, Transaction
from tests.integration.mongo_server import Server
from tests.records import SCOPE, dialogue, instant, message, stored

TIMEOUT = 2.0
"""The store's time limit, in seconds."""


def open_store(server: Server, timeout: float = TIMEOUT) -> Backend:
    """Return a migrated store with one empty dialogue ``d`` and a short time limit."""
    store = server.open(timeout=timeout)
    store.migrate()
    stored(store, dialogue(id="d"))
    return store


def append(backend: Backend, name: str = "m") -> int:
    """Append one message to the dialogue ``d`` as the services do; how often the work ran."""
    runs = 0

    def work(tx: Transaction) -> int:
        nonlocal runs
        runs += 1
        found = tx.lock_dialogue("d")
        assert found is not None
        seq = found.next_seq
        tx.save_dialogue(replace(found, rev=found.rev + 1, total=found.total + 1, next_seq=seq + 1))
        tx.insert_messages([message(found, seq, id=name, created=instant(0))])
        return runs

    return backend.write(SCOPE, work)


def current(backend: Backend) -> Dialogue:
    """Return the dialogue ``d`` after checking that its counter agrees with its messages."""
    found = backend.get_dialogue(SCOPE, "d")
    assert found is not None
    page = backend.list_messages(SCOPE, "d", MessageListQuery(found.uid, 500))
    assert found.total == len(page.items) == len({one.seq for one in page.items})
    return found
