"""Every store queues what is written, keeps its vectors, and forgets both with the item."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from app.domain.records import JsonText, Scope
from app.meaning.embedder import EmbedderError
from app.services.embedding import Embedding
from app.services.repair import repair
from app.services.verify import Kind, Seen, verify
from app.stores import Backend, Transaction
from app.stores.mongo import MongoBackend
from app.stores.sqlite import SqliteBackend
from tests.fake_embedder import FakeEmbedder
from tests.records import (
    ANNA,
    SCOPE,
    close_project,
    deleted,
    dialogue,
    erase,
    memory,
    message,
    project,
    stored,
    summary,
)

HOLDER = "a process"


@pytest.fixture
def embedder() -> FakeEmbedder:
    """Give an embedder."""
    return FakeEmbedder()


@pytest.fixture
def store(backend: Backend, embedder: FakeEmbedder) -> Backend:
    """Give a store that queues for the embedder."""
    backend.create_project(project())
    backend.queue_for(embedder.model)
    return backend


def texts(backend: Backend, model: str = "fake-1") -> list[str]:
    """Return the texts that wait to be embedded."""
    return sorted(entry.text for entry in backend.queued(model, 100))


def progress(backend: Backend, model: str = "fake-1") -> tuple[int, int, int]:
    """Return how many items wait, have no entry, are gone without their vectors."""
    found = backend.embedding_progress("acme", model)
    return found.waiting, found.unqueued, found.orphans


def vectors(backend: Backend, model: str = "fake-1") -> int:
    """Return how many items have vectors."""
    if isinstance(backend, SqliteBackend):
        sql = "SELECT count(*) FROM vector WHERE pieces IS NOT NULL AND model = ?"
        return int(backend._db.all(sql, (model,))[0][0])
    assert isinstance(backend, MongoBackend)
    return backend._db.vectors.count_documents({"model": model, "seq": {"$exists": True}})


def embed(backend: Backend, embedder: FakeEmbedder) -> None:
    """Embed everything there is, in a process that has just started."""
    forget_claim(backend, embedder.model)
    Embedding(backend, embedder).work()


def test_what_is_written_is_queued_in_its_transaction(store: Backend) -> None:
    """Messages, memories and dialogues each with their text; what fails is not queued."""
    parent = dialogue(label="Harbour", tags=("boats",))
    stored(store, parent, [message(parent, 0, "whale song"), message(parent, 1, "krill")])
    store.write(
        ANNA, lambda tx: tx.insert_memory(memory(ANNA, label="Food", value=JsonText('{"likes":"tea"}')))
    )

    def fail(tx: Transaction) -> None:
        if not isinstance(store, MongoBackend) or store._db.transactional:
            tx.insert_memory(memory(id="lost"))
        raise ValueError("given up")

    with pytest.raises(ValueError, match="given up"):
        store.write(SCOPE, fail)

    assert texts(store) == ["Food\nlikes\ntea", "Harbour\nboats", "krill", "whale song"]
    assert progress(store) == (4, 0, 0)


def test_without_an_embedder_nothing_is_queued(backend: Backend) -> None:
    """As it is before any is chosen."""
    parent = dialogue(label="Harbour")
    stored(backend, parent, [message(parent, 0, "whale song")])

    assert texts(backend) == []
    assert progress(backend) == (0, 2, 0)


def test_what_is_queued_is_embedded_once(store: Backend, embedder: FakeEmbedder) -> None:
    """Then the queue is empty; a text without words has no vectors and is not asked for again."""
    parent = dialogue()
    stored(store, parent, [message(parent, 0, "whale song"), message(parent, 1, "...")])
    embed(store, embedder)
    embed(store, embedder)

    assert sorted(embedder.asked) == ["...", "whale song"]
    assert (texts(store), vectors(store), progress(store)) == ([], 3, (0, 0, 0))


def test_a_text_that_is_refused_does_not_hold_up_the_others(store: Backend, embedder: FakeEmbedder) -> None:
    """It is never embedded, and waits no more."""
    parent = dialogue()
    stored(store, parent, [message(parent, 0, "unspeakable"), message(parent, 1, "krill")])
    embed(store, embedder)

    assert (texts(store), vectors(store)) == ([], 3)


def test_an_embedder_that_is_away_loses_nothing(store: Backend, embedder: FakeEmbedder) -> None:
    """What waits is embedded when it is back, and writes do not notice."""
    parent = dialogue()
    stored(store, parent, [message(parent, 0, "whale song")])
    embedder.is_away = True
    embed(store, embedder)
    forget_claim(store, embedder.model)
    with pytest.raises(EmbedderError):
        Embedding(store, embedder).step()
    store.write(SCOPE, lambda tx: tx.insert_memory(memory()))
    assert (vectors(store), progress(store)[0]) == (0, 3)

    embedder.is_away = False
    embed(store, embedder)

    assert (vectors(store), progress(store)) == (3, (0, 0, 0))


def test_a_failed_embedder_is_left_alone_for_a_while(store: Backend, embedder: FakeEmbedder) -> None:
    """It is not asked again at once."""
    stored(store, dialogue(label="Harbour"))
    embedding = Embedding(store, embedder)
    embedder.is_away = True
    embedding.work()
    embedding.work()

    assert embedder.asked == ["Harbour"]


def test_what_changed_while_it_was_embedded_stays_queued(store: Backend, embedder: FakeEmbedder) -> None:
    """Its vectors would be those of a text that is gone."""
    one = memory(label="Tea")
    store.write(SCOPE, lambda tx: tx.insert_memory(one))
    [entry] = store.queued(embedder.model, 10)
    store.write(SCOPE, lambda tx: tx.save_memory(replace(one, label="Coffee")))

    assert store.save_vectors([(entry.ticket, b"".join(embedder.passages([entry.text])[0]))]) == 0
    assert (texts(store), vectors(store)) == (["Coffee\nlikes\ntea"], 0)


def test_what_was_removed_while_it_was_embedded_stays_removed(store: Backend, embedder: FakeEmbedder) -> None:
    """No vectors are left of it."""
    one = memory()
    store.write(SCOPE, lambda tx: tx.insert_memory(one))
    [entry] = store.queued(embedder.model, 10)
    store.write(SCOPE, lambda tx: tx.remove_memory(one.id))

    assert store.save_vectors([(entry.ticket, b"\0" * 128)]) == 0
    assert (vectors(store), progress(store)) == (0, (0, 0, 0))


def label_anew(parent: Any) -> Callable[[Transaction], None]:
    """Return the work that gives a dialogue another label."""

    def work(tx: Transaction) -> None:
        locked = tx.lock_dialogue(parent.id)
        assert locked is not None
        tx.save_dialogue(replace(locked, label="Reef", rev=locked.rev + 1))

    return work


def touch(parent: Any) -> Callable[[Transaction], None]:
    """Return the work that changes a dialogue, and nothing of what it says."""

    def work(tx: Transaction) -> None:
        locked = tx.lock_dialogue(parent.id)
        assert locked is not None
        tx.save_dialogue(replace(locked, state=JsonText('{"n":1}'), rev=locked.rev + 1))

    return work


def test_a_dialogue_is_embedded_again_when_its_label_or_summary_changes(
    store: Backend, embedder: FakeEmbedder
) -> None:
    """And not when a message comes or its state changes; a summary of a part does not count."""
    parent = stored(store, dialogue(label="Harbour"))
    embed(store, embedder)
    store.write(SCOPE, touch(parent))
    store.write(SCOPE, lambda tx: tx.insert_summary(summary(parent, ranged=True)))
    assert (texts(store), vectors(store)) == ([], 1)

    store.write(SCOPE, label_anew(parent))
    assert (texts(store), vectors(store)) == (["Reef"], 0)

    store.write(SCOPE, lambda tx: tx.insert_summary(summary(parent)))
    assert texts(store) == ["Reef\nshort"]


def test_vectors_go_with_what_they_were_made_from(store: Backend, embedder: FakeEmbedder) -> None:
    """A message, a memory, a dialogue; the messages of a purged one in the sweep that removes them."""
    parent = dialogue(label="Harbour")
    first, second = message(parent, 0, "whale"), message(parent, 1, "krill")
    stored(store, parent, [first, second])
    one = memory()
    store.write(SCOPE, lambda tx: tx.insert_memory(one))
    embed(store, embedder)
    assert vectors(store) == 4

    store.write(SCOPE, lambda tx: tx.remove_message(first))
    store.write(SCOPE, lambda tx: tx.remove_memory(one.id))
    assert vectors(store) == 2
    deleted(store, parent, purge=True)
    assert vectors(store) == 1
    while store.sweep():
        continue
    assert (vectors(store), progress(store)) == (0, (0, 0, 0))


@pytest.mark.parametrize("queued", [True, False])
def test_an_erased_namespace_leaves_no_vectors(
    store: Backend, embedder: FakeEmbedder, *, queued: bool
) -> None:
    """Neither vectors nor entries, once it is swept; the others' stay."""
    for scope in (SCOPE, ANNA):
        parent = dialogue(scope, label="Harbour")
        stored(store, parent, [message(parent, 0, "whale")])
        store.write(scope, lambda tx: tx.insert_memory(memory(tx.scope)))
    if not queued:
        embed(store, embedder)
    erase(store, ANNA)
    while store.sweep():
        continue

    assert (vectors(store) + len(texts(store)), progress(store)[1:]) == (3, (0, 0))


def test_vectors_that_come_while_messages_are_swept_go_with_them(
    store: Backend, embedder: FakeEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction of MongoDB may have replaced entries by vectors behind the back of a sweep."""
    if not isinstance(store, MongoBackend):
        pytest.skip("SQLite sweeps in transactions, one at a time")
    parent = dialogue()
    stored(store, parent, [message(parent, 0, "whale song")])
    embed(store, embedder)
    late = list(store._db.vectors.find({"kind": "messages"}))
    assert len(late) == 1
    erase(store, SCOPE)
    delete_many = store._db.messages.delete_many

    def come_late(*given: Any, **named: Any) -> Any:
        store._db.vectors.insert_many(late)
        return delete_many(*given, **named)

    monkeypatch.setattr(store._db.messages, "delete_many", come_late)
    while store.sweep():
        continue

    assert vectors(store) == 0


def test_a_removed_project_leaves_no_vectors(store: Backend, embedder: FakeEmbedder) -> None:
    """Of any namespace."""
    parent = dialogue(ANNA, label="Harbour")
    stored(store, parent, [message(parent, 0, "whale")])
    embed(store, embedder)
    stored(store, dialogue(label="Reef"))
    close_project(store)

    assert (vectors(store), texts(store)) == (0, [])


def test_what_was_there_before_is_queued_in_steps(backend: Backend, embedder: FakeEmbedder) -> None:
    """When an embedder is chosen later, and what a process without it writes meanwhile."""
    parent = dialogue(label="Harbour")
    stored(backend, parent, [message(parent, seq, f"whale {seq}") for seq in range(5)])
    backend.begin_filling(embedder.model)
    steps = []
    while step := backend.fill_queue(embedder.model, 2):
        steps.append(step)

    assert max(steps) == 2
    assert len(texts(backend)) == 6
    assert backend.embedding_progress("acme", embedder.model) == (6, 0, 0, True)
    assert backend.fill_queue(embedder.model) == 0


def test_a_walk_that_is_under_way_is_not_begun_again(backend: Backend, embedder: FakeEmbedder) -> None:
    """Another process that starts finds it where it is."""
    parent = dialogue()
    stored(backend, parent, [message(parent, seq) for seq in range(4)])
    backend.begin_filling(embedder.model)
    while backend.fill_queue(embedder.model, 3) != 3:
        continue
    backend.begin_filling(embedder.model)

    assert backend.fill_queue(embedder.model, 3) == 1
    assert not backend.embedding_progress("acme", embedder.model).is_walked


def test_another_model_embeds_beside_the_old_one(store: Backend, embedder: FakeEmbedder) -> None:
    """Until it has embedded everything and nobody has used the old one for an hour."""
    parent = dialogue(label="Harbour")
    stored(store, parent, [message(parent, 0, "whale")])
    embed(store, embedder)
    another = FakeEmbedder("fake-2", dimensions=16)
    store.queue_for(another.model)
    stored(store, dialogue(label="Reef"))
    embed(store, another)
    assert (vectors(store), vectors(store, "fake-2")) == (2, 3)

    assert store.drop_other_vectors(another.model) == 0
    forget_claim(store, embedder.model)
    while store.drop_other_vectors(another.model):
        continue

    assert (vectors(store), vectors(store, "fake-2")) == (0, 3)


def forget_claim(backend: Backend, model: str) -> None:
    """Let a model's queue look as if nobody had claimed it for long."""
    if isinstance(backend, SqliteBackend):
        backend._db.commits.run(
            lambda one: one.execute("UPDATE embedding SET until = 0 WHERE model = ?", (model,))
        )
        return
    assert isinstance(backend, MongoBackend)
    backend._db.meta.update_one({"embeds": model}, {"$set": {"until": datetime(2020, 1, 1, tzinfo=UTC)}})


def test_one_process_embeds_at_a_time(store: Backend, embedder: FakeEmbedder) -> None:
    """Another one may when the claim has run out."""
    stored(store, dialogue(label="Harbour"))
    assert store.claim_queue(embedder.model, HOLDER, 60)
    assert store.claim_queue(embedder.model, HOLDER, 60)
    Embedding(store, embedder).work()
    assert embedder.asked == []

    embed(store, embedder)
    assert embedder.asked == ["Harbour"]


def test_a_process_that_is_done_lets_the_next_one_embed(store: Backend, embedder: FakeEmbedder) -> None:
    """At once."""
    stored(store, dialogue(label="Harbour"))
    Embedding(store, embedder).work()
    stored(store, dialogue(label="Reef"))
    Embedding(store, embedder).work()

    assert embedder.asked == ["Harbour", "Reef"]


def test_orphans_are_found_and_removed(store: Backend, embedder: FakeEmbedder) -> None:
    """Vectors whose item is gone, as no path leaves them."""
    one = memory()
    store.write(SCOPE, lambda tx: tx.insert_memory(one))
    embed(store, embedder)
    if isinstance(store, SqliteBackend):
        store._db.commits.run(lambda connection: connection.execute("DELETE FROM memory"))
    else:
        assert isinstance(store, MongoBackend)
        store._db.memories.delete_many({})

    assert progress(store) == (0, 0, 1)
    assert store.drop_orphans() == 1
    assert progress(store) == (0, 0, 0)


def test_scopes_do_not_share_vectors(store: Backend, embedder: FakeEmbedder) -> None:
    """Those of one project are none of another's."""
    globex = Scope("globex")
    store.create_project(project("globex"))
    stored(store, dialogue(globex, label="Harbour"))
    embed(store, embedder)

    assert progress(store) == (0, 0, 0)
    assert vectors(store) == 1


def vector_problems(backend: Backend, seen: Seen) -> list[str]:
    """Return what verification says of vectors."""
    return [problem.text for problem in verify(backend, "acme", seen) if problem.kind is Kind.VECTORS]


def test_verification_tells_what_is_behind_from_what_is_lost(store: Backend, embedder: FakeEmbedder) -> None:
    """An entry that got lost is a problem once everything was walked through; repair queues it again."""
    store.write(SCOPE, lambda tx: tx.insert_memory(memory(id="k")))
    seen = Seen()
    assert (vector_problems(store, seen), seen.unembedded) == ([], 1)
    embed(store, embedder)
    seen = Seen()
    assert (vector_problems(store, seen), seen.unembedded) == ([], 0)

    if isinstance(store, SqliteBackend):
        store._db.commits.run(lambda connection: connection.execute("DELETE FROM vector"))
    else:
        assert isinstance(store, MongoBackend)
        store._db.vectors.delete_many({})
    found = [problem for problem in verify(store, "acme", Seen()) if problem.kind is Kind.VECTORS]
    assert [problem.text for problem in found] == ["1 items have none and do not wait for them"]
    assert len(list(repair(store, found))) == 1
    assert (vector_problems(store, seen), texts(store)) == ([], ["likes\ntea"])


def test_repair_removes_vectors_without_an_item(store: Backend, embedder: FakeEmbedder) -> None:
    """As verification finds them, with an embedder and without."""
    store.write(SCOPE, lambda tx: tx.insert_memory(memory(id="k")))
    embed(store, embedder)
    if isinstance(store, SqliteBackend):
        store._db.commits.run(lambda connection: connection.execute("UPDATE vector SET number = 7"))
    else:
        assert isinstance(store, MongoBackend)
        store._db.vectors.update_many({}, {"$set": {"item": "gone"}})
    store.queue_for(None)
    found = [problem for problem in verify(store, "acme", Seen()) if problem.kind is Kind.VECTORS]
    assert [problem.text for problem in found] == ["1 are of items that do not exist"]
    assert len(list(repair(store, found))) == 1
    assert (vector_problems(store, Seen()), vectors(store)) == ([], 0)
