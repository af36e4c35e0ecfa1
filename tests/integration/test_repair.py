"""``verify --repair`` on stores that were damaged by hand: each kind is found, mended, and found no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.domain import timestamps
from app.domain.records import Order, Project, Scope, ScopeFilter
from app.schemas.dialogues import DialogueSchema
from app.schemas.memories import MemorySchema
from app.search.keywords import read_keywords
from app.search.query import SearchObject, SearchQuery
from app.services import dialogues, memories
from app.services.repair import repair
from app.services.verify import Kind, Problem, Seen, verify
from app.stores import Backend
from app.stores.mongo import MongoBackend
from app.stores.sqlite import SqliteBackend, sweeping
from tests.records import deleted, dialogue, message, stored

SCOPE = Scope("acme", "anna")
SAID = [{"id": f"m{place}", "role": "user", "content": f"whale number{place}"} for place in range(12)]


def create(backend: Backend, **body: Any) -> None:
    """Create a dialogue through the rules."""
    placed = DialogueSchema().load(body)
    backend.write(SCOPE, lambda tx: dialogues.create(tx, placed.command))


@pytest.fixture
def filled(backend: Backend) -> Backend:
    """Give a store with a dialogue of twelve messages, a thread, and a memory."""
    backend.create_project(Project("acme", immutable=False, created=timestamps.now()))
    create(backend, id="d", messages=SAID, label="harbour", metadata={"shelf": "north"})
    create(backend, id="t", threadOf="d")
    remembered = MemorySchema().load({"id": "k", "value": "likes krill"})
    backend.write(SCOPE, lambda tx: memories.create(tx, remembered.command))
    return backend


def problems(backend: Backend) -> list[Problem]:
    """Return what verification finds."""
    return list(verify(backend, "acme", Seen()))


def found_by(backend: Backend, term: str, kind: SearchObject = SearchObject.MESSAGE) -> int:
    """Return how many items a search for one word finds."""
    query = SearchQuery(ScopeFilter("acme"), kind, read_keywords(term), 100, order=Order.DESC)
    return len(backend.search(query).hits)


Damage = Callable[[Any], object]

DIALOGUES: dict[str, tuple[Kind, Damage, Damage]] = {
    # Name: what is found, what breaks it in SQLite, and in MongoDB.
    "a total": (
        Kind.TOTAL,
        lambda store: store._db.all("UPDATE dialogue SET total = 11 WHERE id = 'd'"),
        lambda store: store._db.dialogues.update_one({"id": "d"}, {"$set": {"total": 11}}),
    ),
    "a thread count": (
        Kind.THREADS,
        lambda store: store._db.all("UPDATE dialogue SET thread_count = 7 WHERE id = 'd'"),
        lambda store: store._db.dialogues.update_one({"id": "d"}, {"$set": {"threadCount": 7}}),
    ),
    "the time of the newest message": (
        Kind.NEWEST,
        lambda store: store._db.all("UPDATE dialogue SET last_message_created = NULL WHERE id = 'd'"),
        lambda store: store._db.dialogues.update_one({"id": "d"}, {"$unset": {"lastMessageCreated": ""}}),
    ),
    "embedded messages": (
        Kind.RECENT,
        lambda store: store._db.all("UPDATE dialogue SET recent = '[]' WHERE id = 'd'"),
        lambda store: store._db.dialogues.update_one({"id": "d"}, {"$set": {"recent": "[]"}}),
    ),
    "embedded messages that are no JSON": (
        Kind.RECENT,
        lambda store: store._db.all("UPDATE dialogue SET recent = '[{' WHERE id = 'd'"),
        lambda store: store._db.dialogues.update_one({"id": "d"}, {"$set": {"recent": "[{"}}),
    ),
    "the number of embedded messages": (
        Kind.RECENT,
        lambda store: store._db.all("UPDATE dialogue SET recent_count = 3 WHERE id = 'd'"),
        lambda store: store._db.dialogues.update_one({"id": "d"}, {"$set": {"recentCount": 3}}),
    ),
    "the terms of a message": (
        Kind.INDEX,
        lambda store: store._db.all("UPDATE message SET terms = 'nothing', size = 1 WHERE id = 'm1'"),
        lambda store: store._db.messages.update_one({"messageId": "m1"}, {"$set": {"terms": "nothing"}}),
    ),
    "the tokens of a memory": (
        Kind.INDEX,
        lambda store: store._db.all("INSERT INTO memory_tokens (memory_tokens) VALUES ('delete-all')"),
        lambda store: store._db.memories.update_one({"id": "k"}, {"$set": {"tokens": ["x"]}}),
    ),
    "an index that lost everything": (
        Kind.INDEX,
        lambda store: store._db.all("INSERT INTO message_tokens (message_tokens) VALUES ('delete-all')"),
        lambda store: store._db.messages.update_many({}, {"$unset": {"tokens": ""}}),
    ),
    "what a dialogue is filtered by": (
        Kind.INDEX,
        lambda store: store._db.all("UPDATE dialogue SET terms = '' WHERE id = 'd'"),
        lambda store: store._db.dialogues.update_one({"id": "d"}, {"$set": {"facets": []}}),
    ),
}


def damage(backend: Backend, name: str) -> Kind:
    """Damage the store behind the rules' back; what ought to be found."""
    kind, in_sqlite, in_mongo = DIALOGUES[name]
    if isinstance(backend, SqliteBackend):
        in_sqlite(backend)
    else:
        assert isinstance(backend, MongoBackend)
        in_mongo(backend)
    return kind


@pytest.mark.parametrize("name", DIALOGUES)
def test_each_damage_is_found_and_mended(filled: Backend, name: str) -> None:
    """One kind is found, one thing is mended, and nothing is found afterwards."""
    whole = filled.get_dialogue(SCOPE, "d")
    assert problems(filled) == []
    kind = damage(filled, name)
    found = problems(filled)
    assert {problem.kind for problem in found} == {kind}
    mended = list(repair(filled, found))
    assert len(mended) == 1
    assert problems(filled) == []
    after = filled.get_dialogue(SCOPE, "d")
    assert after is not None
    assert whole is not None
    assert (after.total, after.thread_count, after.recent) == (whole.total, whole.thread_count, whole.recent)
    assert (after.modified, after.last_message_created) == (whole.modified, whole.last_message_created)


@pytest.mark.parametrize("name", ["the terms of a message", "an index that lost everything"])
def test_a_mended_index_finds_again(filled: Backend, name: str) -> None:
    """What a search missed because of the damage, it finds after the repair, and nothing else."""
    assert found_by(filled, "whale") == 12
    damage(filled, name)
    list(repair(filled, problems(filled)))
    assert found_by(filled, "whale") == 12
    assert found_by(filled, "noth") == 0
    assert found_by(filled, "krill", SearchObject.MEMORY) == 1


def test_an_entry_of_a_row_that_is_gone_is_found(filled: Backend) -> None:
    """The index must not hold more than the rows do either."""
    if not isinstance(filled, SqliteBackend):
        pytest.skip("MongoDB keeps the terms inside the documents")
    number = filled._db.all("SELECT number FROM message WHERE id = 'm3'")[0][0]
    filled._db.all("UPDATE dialogue SET total = 11, recent_count = 0, recent = '[]' WHERE id = 'd'")
    filled._db.all("DELETE FROM message WHERE number = ?", (number,))
    found = problems(filled)
    assert {problem.kind for problem in found} == {Kind.RECENT, Kind.INDEX}
    list(repair(filled, found))
    assert problems(filled) == []


def test_what_a_deletion_left_is_found_and_removed(filled: Backend) -> None:
    """Messages whose deleted dialogue was taken for swept are in no list; they go, and all others stay."""
    create(filled, id="kept", messages=SAID)
    create(filled, id="gone", messages=SAID)
    for name, purge in (("kept", False), ("gone", True)):
        deleted(filled, dialogue(SCOPE, id=name), purge=purge)
    if isinstance(filled, SqliteBackend):
        filled._db.all("UPDATE grave SET fate = ? WHERE fate = ?", (sweeping.SWEPT, sweeping.PURGED))
    else:
        assert isinstance(filled, MongoBackend)
        filled._db.tombstones.update_many({"dialogueId": "gone"}, {"$unset": {"pending": ""}})
    assert filled.sweep() == 0
    found = problems(filled)
    assert [problem.kind for problem in found] == [Kind.ORPHANS]
    assert list(repair(filled, found)) == ["project acme: 12 rows removed that purged dialogues had left"]
    assert problems(filled) == []
    assert filled.stats(ScopeFilter("acme")).messages == 24


def test_what_a_sweep_removes_anyway_is_not_mended(filled: Backend) -> None:
    """A deletion of another project that nobody has swept yet is swept, and is not in the report."""
    other = dialogue(Scope("other", "anna"), id="new")
    other = stored(filled, other, [message(other, seq) for seq in range(3)])
    deleted(filled, other, purge=True)
    assert list(repair(filled, [Problem(Kind.ORPHANS, "acme", "", "", "")])) == []
    assert filled.stats(ScopeFilter("other")).messages == 0


def test_messages_without_a_trace_of_their_dialogue_are_left(filled: Backend) -> None:
    """Nobody has said that they may go."""
    create(filled, id="lost", messages=SAID)
    if isinstance(filled, SqliteBackend):
        filled._db.all("DELETE FROM dialogue WHERE id = 'lost'")
    else:
        assert isinstance(filled, MongoBackend)
        filled._db.dialogues.delete_one({"id": "lost"})
    found = problems(filled)
    assert Kind.ORPHANS in {problem.kind for problem in found}
    list(repair(filled, found))
    assert Kind.ORPHANS in {problem.kind for problem in problems(filled)}


def test_what_said_the_repair(filled: Backend) -> None:
    """The words name the dialogue, the counter, and what it was and became."""
    damage(filled, "a total")
    assert list(repair(filled, problems(filled))) == [
        "project acme, namespace anna, dialogue d: totalMessages 11 became 12"
    ]


def test_a_right_store_is_left_alone(filled: Backend) -> None:
    """Nothing found, nothing mended, and no version moves."""
    before = filled.get_dialogue(SCOPE, "d")
    assert list(repair(filled, problems(filled))) == []
    assert filled.get_dialogue(SCOPE, "d") == before


def test_what_cannot_be_derived_is_left(filled: Backend) -> None:
    """A message without content stays reported."""
    if isinstance(filled, SqliteBackend):
        filled._db.all("UPDATE message SET body = replace(body, 'whale number0', '') WHERE id = 'm0'")
    else:
        assert isinstance(filled, MongoBackend)
        body = filled._db.messages.find_one({"messageId": "m0"})["body"]  # type: ignore[index]  # the message is there
        emptied = {"$set": {"body": body.replace("whale number0", "")}}
        filled._db.messages.update_one({"messageId": "m0"}, emptied)
    found = problems(filled)
    assert [problem.kind for problem in found] == [Kind.EMPTY]
    assert list(repair(filled, found)) == []
    assert problems(filled) == found
