"""Every store erases a namespace and a project whole."""

from __future__ import annotations

import pytest

from app.domain.errors import ProjectNotFound
from app.domain.list_queries import DialogueListQuery, MemoryListQuery, MessageListQuery
from app.domain.records import IdempotencyRecord, JsonText, Scope, ScopeFilter, Timestamp
from app.search.keywords import read_keywords
from app.search.query import SearchObject, SearchQuery
from app.stores import Backend, Counts, Erased
from tests.records import (
    ANNA,
    OTHER,
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


def fill(backend: Backend, scope: Scope) -> None:
    """Store two dialogues, one of them deleted, with messages, a memory and a summary."""
    one = dialogue(scope, id="one")
    stored(backend, one, [message(one, 0, "flight"), message(one, 1, "book")])
    gone = dialogue(scope, id="gone")
    stored(backend, gone, [message(gone, 0, "flight")])
    deleted(backend, gone)
    backend.write(scope, lambda tx: tx.insert_memory(memory(scope, id="mem", terms="flight")))
    backend.write(scope, lambda tx: tx.insert_summary(summary(one, id="sum")))


def assert_empty(backend: Backend, scope: Scope) -> None:
    """Check that nothing of a scope can be read by any way."""
    scope_filter = ScopeFilter(scope.project, scope.namespace)
    assert backend.stats(scope_filter) == Counts(0, 0, 0, 0, 0, 0)
    assert backend.list_dialogues(DialogueListQuery(scope_filter, 9)).items == []
    assert backend.list_memories(MemoryListQuery(scope_filter, 9)).items == []
    assert backend.get_summary(scope, "sum") is None
    for name in ("one", "gone"):
        assert backend.find_generation(scope, name) is None
        assert backend.get_message(scope, name, "m0") is None
    for kind in SearchObject:
        assert backend.search(SearchQuery(scope_filter, kind, read_keywords("flight book"), 9)).hits == []


def sweep_all(backend: Backend) -> None:
    """Sweep until nothing is left to remove."""
    while backend.sweep(rows=2):
        pass


def test_erasing_a_namespace_counts_and_hides_all_of_it(backend: Backend) -> None:
    """At once and after the sweep; other namespaces and projects stay whole."""
    for scope in (SCOPE, ANNA, OTHER):
        fill(backend, scope)
    assert erase(backend, ANNA) == Erased(1, 3, 1, 1)
    assert_empty(backend, ANNA)
    assert erase(backend, ANNA) == Erased(0, 0, 0, 0)
    sweep_all(backend)
    assert_empty(backend, ANNA)
    assert list(backend.iterate_tombstones(ScopeFilter("acme", ANNA.namespace))) == []
    for scope in (SCOPE, OTHER):
        counts = backend.stats(ScopeFilter(scope.project, scope.namespace))
        assert (counts.active, counts.messages, counts.memories, counts.summaries) == (1, 3, 1, 1)
        query = SearchQuery(ScopeFilter(scope.project), SearchObject.MESSAGE, read_keywords("flight"), 9)
        assert len(backend.search(query).hits) == 2


def test_messages_already_purged_are_not_counted_again(backend: Backend) -> None:
    """Whether they were swept or not."""
    one = dialogue(ANNA, id="one")
    stored(backend, one, [message(one, 0)])
    deleted(backend, one, purge=True)
    assert erase(backend, ANNA) == Erased(0, 0, 0, 0)
    sweep_all(backend)
    assert list(backend.iterate_tombstones(ScopeFilter("acme"))) == []


def test_an_erased_namespace_can_be_used_again(backend: Backend) -> None:
    """New data under old ids is not touched by the sweep of the old."""
    fill(backend, ANNA)
    erase(backend, ANNA)
    again = dialogue(ANNA, id="one")
    stored(backend, again, [message(again, 0, "flight")])
    sweep_all(backend)
    page = backend.list_messages(ANNA, "one", MessageListQuery(again.uid, 9))
    assert [one.id for one in page.items] == ["m0"]
    query = SearchQuery(ScopeFilter("acme"), SearchObject.DIALOGUE, read_keywords("flight"), 9)
    assert [hit.item.id for hit in backend.search(query).hits] == ["one"]


def test_erasing_forgets_recorded_answers(backend: Backend) -> None:
    """They quote what was erased."""
    forever = Timestamp("2999-01-01T00:00:00.000Z")
    record = IdempotencyRecord("digest", "print", JsonText('{"name":"Anna"}'), None, forever)
    backend.write(ANNA, lambda tx: tx.save_idempotency(record))
    other = IdempotencyRecord("other", "print", JsonText("{}"), None, forever)
    backend.write(SCOPE, lambda tx: tx.save_idempotency(other))
    erase(backend, ANNA)
    assert backend.write(ANNA, lambda tx: tx.find_idempotency("digest")) is None
    assert backend.write(SCOPE, lambda tx: tx.find_idempotency("other")) == other


def test_deleting_a_project_removes_all_its_data(backend: Backend) -> None:
    """Its name can then be used for a new, empty project; other projects stay."""
    backend.create_project(project("acme"))
    backend.create_project(project("globex"))
    for scope in (SCOPE, ANNA, OTHER):
        fill(backend, scope)
    close_project(backend)
    assert backend.get_project("acme") is None
    assert [one.name for one in backend.list_projects()] == ["globex"]
    for scope in (SCOPE, ANNA):
        assert_empty(backend, scope)
    assert list(backend.iterate_tombstones(ScopeFilter("acme"))) == []
    assert backend.stats(ScopeFilter("globex")).messages == 3
    assert backend.create_project(project("acme"))
    assert backend.stats(ScopeFilter("acme")) == Counts(0, 0, 0, 0, 0, 0)


def test_a_late_write_to_a_deleted_project_is_refused(backend: Backend) -> None:
    """A request that passed its checks before the deletion leaves nothing behind."""
    backend.create_project(project("acme"))
    close_project(backend)
    with pytest.raises(ProjectNotFound):
        backend.write(SCOPE, lambda tx: tx.insert_dialogue(dialogue(id="late")))
    assert backend.create_project(project("acme"))
    assert backend.get_dialogue(SCOPE, "late") is None
    stored(backend, dialogue(id="new"))
    assert backend.get_dialogue(SCOPE, "new") is not None
