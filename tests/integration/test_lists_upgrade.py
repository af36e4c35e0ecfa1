"""A store of an earlier release gets what the orders and filters of lists need, while it serves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.domain.list_queries import DialogueListQuery, MetadataFilter, SortKey
from app.domain.records import Dialogue, JsonText, ScopeFilter
from app.stores import Backend
from app.stores.mongo import schema as mongo_schema
from app.stores.sqlite import facets, open_sqlite, schema
from tests.records import (
    ANNA,
    SCOPE,
    close_project,
    deleted,
    dialogue,
    erase,
    instant,
    message,
    project,
    stored,
)

OTHERS = tuple(step for step in schema.MIGRATIONS if step is not schema._LISTS)
COUNT = 9


def fill(backend: Backend) -> list[Dialogue]:
    """Store dialogues of two plans, every third a thread, the first one alone with a message."""
    kept = []
    for number in range(COUNT):
        item = dialogue(
            id=f"d{number}",
            created=instant(number),
            metadata=JsonText(f'{{"plan":"pro","seats":{number}}}' if number % 2 else '{"plan":"free"}'),
            thread_of="p" if number % 3 == 0 else None,
            total=0 if number else 1,
            last_message_created=None if number else instant(COUNT),
        )
        kept.append(stored(backend, item, [message(item, 0, created=instant(COUNT))] if not number else []))
    return kept


def find(backend: Backend, **filters: Any) -> list[str]:
    """Return the ids of a list, the newest first."""
    return [
        item.id
        for item in backend.list_dialogues(DialogueListQuery(ScopeFilter("acme"), 50, **filters)).items
    ]


def with_metadata(key: str, value: str | int) -> dict[str, Any]:
    """Return the filter by one value."""
    return {"metadata": (MetadataFilter(key, (value,)),)}


def check(backend: Backend) -> None:
    """Hold every order and filter against what was stored."""
    by_creation = [f"d{number}" for number in reversed(range(COUNT))]
    assert find(backend) == by_creation
    assert find(backend, sort_key=SortKey.LAST_MESSAGE) == ["d0", *by_creation[:-1]]
    assert find(backend, roots=True) == ["d8", "d7", "d5", "d4", "d2", "d1"]
    assert find(backend, **with_metadata("plan", "pro")) == ["d7", "d5", "d3", "d1"]
    assert find(backend, **with_metadata("seats", 5)) == ["d5"]


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    """Give a file of the release before, just upgraded."""
    with monkeypatch.context() as patch:
        # What else was added since is there already, since today's code writes it.
        patch.setattr(schema, "MIGRATIONS", OTHERS)
        patch.setattr(schema, "VERSION", len(OTHERS))
        patch.setattr(facets, "add_rows", lambda *_: None)
        backend = open_sqlite(tmp_path / "store.db")
        backend.migrate()
        kept = len(fill(backend))
        backend.close()
    assert kept == COUNT
    monkeypatch.setattr(schema, "MIGRATIONS", (*OTHERS, schema._LISTS))
    backend = open_sqlite(tmp_path / "store.db")
    backend.migrate()
    yield backend
    backend.close()


def test_lists_are_right_at_once_and_while_metadata_is_indexed(old: Backend) -> None:
    """Before, between and after the steps; verify says what is still to be done."""
    check(old)
    assert any("metadata" in problem for problem in old.index_problems("acme"))
    while old.index_step(2):
        check(old)
    check(old)
    assert old.index_problems("acme") == []


def test_writes_meanwhile_are_found_and_leave_nothing(old: Backend) -> None:
    """What is stored, and what is removed, before its turn has come."""
    old.index_step(2)
    added = stored(old, dialogue(id="e", created=instant(COUNT), metadata=JsonText('{"plan":"pro"}')))
    for number in (1, 7):
        gone = old.get_dialogue(SCOPE, f"d{number}")
        assert gone is not None
        deleted(old, gone)
    assert find(old, **with_metadata("plan", "pro")) == ["e", "d5", "d3"]
    while old.index_step(2):
        pass
    assert find(old, **with_metadata("plan", "pro")) == ["e", "d5", "d3"]
    deleted(old, added)
    assert find(old, **with_metadata("plan", "pro")) == ["d5", "d3"]
    assert old.index_problems("acme") == []


def test_verify_finds_metadata_that_is_not_indexed_as_stored(sqlite_backend: Backend) -> None:
    """Rows that are missing, and rows of nothing; a repair makes them anew."""
    fill(sqlite_backend)
    assert sqlite_backend.index_problems("acme") == []
    commits = sqlite_backend._db.commits  # type: ignore[attr-defined]  # behind the Protocol, of the store at hand
    digest = facets.digest_of("plan", "pro")
    commits.run(
        lambda connection: connection.execute("DELETE FROM dialogue_facet WHERE digest = ?", (digest,))
    )
    assert len(sqlite_backend.index_problems("acme")) == 1
    commits.run(lambda connection: connection.execute("UPDATE dialogue_facet SET digest = 'x' || digest"))
    assert len(sqlite_backend.index_problems("acme")) == 2
    sqlite_backend.reindex()
    assert sqlite_backend.index_problems("acme") == []
    check(sqlite_backend)


def test_documents_get_what_lists_need(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """On MongoDB what an earlier release stored says neither what is a thread nor where empty ones stand."""
    if not hasattr(backend._db, "messages"):  # type: ignore[attr-defined]  # behind the Protocol, of the store at hand
        pytest.skip("this is about MongoDB's documents")
    fill(backend)
    db = backend._db  # type: ignore[attr-defined]  # behind the Protocol, of the store at hand
    db.dialogues.update_many({}, {"$unset": {"isThread": ""}})
    db.dialogues.update_many({"total": 0}, {"$unset": {"lastMessageCreated": ""}})
    for name in mongo_schema.OUTDATED:
        db.dialogues.create_index([(field, 1) for field in name.split("_")], name=name)
    before = mongo_schema.MIGRATIONS.index(mongo_schema.order_lists)
    db.meta.update_one({"_id": "schema"}, {"$set": {"version": before}})
    monkeypatch.setattr(mongo_schema, "BATCH", 2)
    assert backend.migrate() == mongo_schema.VERSION
    check(backend)
    indexes = {index.document["name"] for index in mongo_schema.INDEXES["dialogues"]}
    assert db.dialogues.index_information().keys() == indexes | {"_id_"}
    assert db.dialogues.count_documents({"isThread": True}) == 3
    assert db.dialogues.count_documents({"lastMessageCreated": {"$exists": False}}) == 0
    first = backend.get_dialogue(SCOPE, "d1")
    assert first is not None
    assert first.last_message_created is None


def test_what_is_erased_leaves_no_metadata(sqlite_backend: Backend) -> None:
    """Neither a namespace nor a project leaves rows that lists filter by."""

    def count() -> int:
        return int(sqlite_backend._db.all("SELECT count(*) FROM dialogue_facet")[0][0])  # type: ignore[attr-defined]  # behind the Protocol, of the store at hand

    sqlite_backend.create_project(project())
    fill(sqlite_backend)
    stored(sqlite_backend, dialogue(ANNA, id="a", metadata=JsonText('{"plan":"pro"}')))
    assert count() == COUNT + COUNT // 2 + 1
    erase(sqlite_backend, ANNA)
    assert count() == COUNT + COUNT // 2
    close_project(sqlite_backend)
    assert count() == 0
