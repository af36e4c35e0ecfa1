"""A store that the first release wrote is indexed again, in steps, while it serves."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.records import JsonText, Message, ScopeFilter
from app.search.analysis import message_terms
from app.search.keywords import read_keywords
from app.search.query import SearchObject, SearchQuery
from app.stores import Backend, Transaction
from app.stores.mongo import schema as mongo_schema
from app.stores.sqlite import open_sqlite, schema
from app.sweeper import Sweeper
from tests.records import ANNA, SCOPE, dialogue, erase, memory, message, stored

COUNT = 9
STATEMENTS = (
    "DROP TABLE dialogue_tokens",
    "DROP TABLE message_tokens",
    "DROP TABLE memory_tokens",
    "DROP TABLE reindexing",
    "UPDATE message SET terms = 'flight n', size = 2",
    "UPDATE dialogue SET terms = 'old', size = 1",
    "UPDATE memory SET terms = 'tea', size = 1",
    *(
        f"CREATE VIRTUAL TABLE {kind}_terms USING fts5 (terms, content = '', detail = none, columnsize = 0)"
        for kind in ("dialogue", "message", "memory")
    ),
)
"""What turns a store into one of the first release, whose terms were stems."""


def said(number: int) -> str:
    """Return what a message says."""
    return f"Flights to Rome, n{number}"


def fill(backend: Backend) -> list[Message]:
    """Store a dialogue with messages, and a memory."""
    parent = dialogue(ANNA, id="d", label="Journeys")
    rows = [message(parent, seq, said(seq)) for seq in range(COUNT)]
    stored(backend, parent, rows)
    backend.write(SCOPE, lambda tx: tx.insert_memory(memory(id="k", value=JsonText('"green tea"'))))
    return rows


@pytest.fixture
def old(tmp_path: Path) -> Iterator[tuple[Backend, list[Message]]]:
    """Give a store of the first release whose index was just replaced, and its messages."""
    backend = open_sqlite(tmp_path / "store.db")
    backend.migrate()
    rows = fill(backend)
    backend.close()
    connection = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    for statement in (*STATEMENTS, *schema._statements(schema.RANKED_SEARCH)):
        connection.execute(statement)
    connection.close()
    backend = open_sqlite(tmp_path / "store.db")
    yield backend, rows
    backend.close()


def find(backend: Backend, text: str, kind: SearchObject = SearchObject.MESSAGE) -> list[str]:
    """Return the ids that a search finds."""
    query = SearchQuery(ScopeFilter("acme"), kind, read_keywords(text), 50)
    return [hit.item.id for hit in backend.search(query).hits]


def finish(backend: Backend) -> None:
    """Index all that is still to be indexed."""
    while backend.index_step(2):
        pass


def test_the_newest_are_found_first_and_in_the_end_all(old: tuple[Backend, list[Message]]) -> None:
    """Nothing is found at first; each step makes some more to be found, and the index ends complete."""
    backend, _ = old
    assert find(backend, "flight") == []
    assert backend.index_problems("acme") != []
    counts = []
    while backend.index_step(2):
        counts.append(len(find(backend, "flight")))
    assert counts == sorted(counts)
    assert counts[-1] == COUNT
    assert {0, COUNT} < set(counts)
    assert find(backend, "rome n3")[0] == "m3"
    assert find(backend, "journey", SearchObject.DIALOGUE) == ["d"]
    assert find(backend, "green", SearchObject.MEMORY) == ["k"]
    assert backend.index_problems("acme") == []
    assert backend.index_step() == 0


def test_writes_meanwhile_are_right(old: tuple[Backend, list[Message]]) -> None:
    """What is added is found at once; what is changed or removed before its turn is right afterwards."""
    backend, rows = old

    def work(tx: Transaction) -> None:
        locked = tx.lock_dialogue("d")
        assert locked is not None
        tx.remove_message(rows[1])
        tx.save_dialogue(replace(locked, label="Trips", rev=locked.rev + 1))
        added = message(locked, COUNT, "a flight added", terms=message_terms("a flight added"))
        tx.insert_messages([added])

    backend.write(ANNA, work)
    backend.write(SCOPE, lambda tx: tx.save_memory(memory(id="k", value=JsonText('"black"'), terms="black")))
    assert find(backend, "flight") == ["m9"]
    backend.index_step(2)
    backend.write(ANNA, lambda tx: tx.remove_message(rows[2]))
    finish(backend)
    assert set(find(backend, "flight")) == {f"m{n}" for n in range(COUNT + 1)} - {"m1", "m2"}
    assert find(backend, "trip", SearchObject.DIALOGUE) == ["d"]
    assert find(backend, "green", SearchObject.MEMORY) == []
    assert find(backend, "black", SearchObject.MEMORY) == ["k"]
    assert backend.index_problems("acme") == []


def test_erasing_meanwhile_leaves_nothing(old: tuple[Backend, list[Message]]) -> None:
    """Neither rows nor entries of the index."""
    backend, _ = old
    backend.index_step(4)
    erase(backend, ANNA)
    while backend.sweep(2):
        backend.index_step(1)
    finish(backend)
    assert find(backend, "flight") == []
    assert backend.index_problems("acme") == []


def test_a_server_indexes_in_the_background(old: tuple[Backend, list[Message]]) -> None:
    """The sweeper does it, a step at a time."""
    backend, _ = old
    Sweeper(backend).sweep()
    assert len(find(backend, "flight")) == COUNT


def test_documents_without_tokens_are_indexed(backend: Backend) -> None:
    """On MongoDB what an earlier release stored has neither tokens nor a place in their order."""
    if not hasattr(backend._db, "messages"):  # type: ignore[attr-defined]  # behind the Protocol, of the store at hand
        pytest.skip("this is about MongoDB's documents")
    fill(backend)
    db = backend._db  # type: ignore[attr-defined]  # behind the Protocol, of the store at hand
    for name in ("messages", "dialogues", "memories"):
        db.database[name].update_many({}, {"$unset": {"tokens": "", "number": ""}, "$set": {"terms": ["x"]}})
    mongo_schema.rank_searches(db)
    assert find(backend, "flight") == []
    changed = memory(id="k", value=JsonText('"green tea"'), terms="green")
    backend.write(SCOPE, lambda tx: tx.save_memory(changed))
    assert "number" not in db.memories.find_one({"id": "k"})
    assert find(backend, "green", SearchObject.MEMORY) == ["k"]
    backend.index_step(4)
    assert 0 < len(find(backend, "flight")) < COUNT
    finish(backend)
    assert len(find(backend, "flight")) == COUNT
    assert find(backend, "journey", SearchObject.DIALOGUE) == ["d"]
    assert find(backend, "green", SearchObject.MEMORY) == ["k"]
    assert backend.index_problems("acme") == []
    assert backend.index_step() == 0
