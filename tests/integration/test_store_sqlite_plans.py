"""Every query that SQLite is sent uses an index; pages of lists need no sorting."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from app.domain.list_queries import (
    AuditListQuery,
    DialogueListQuery,
    KeyListQuery,
    MemoryListQuery,
    MessageListQuery,
    MetadataFilter,
    NamespaceListQuery,
    SortKey,
    SummaryListQuery,
)
from app.domain.records import IdempotencyRecord, JsonText, Order, ScopeFilter, Status, TimeRange
from app.search.keywords import Keywords, read_keywords
from app.search.query import MetadataCondition, Operator, OrderBy, SearchObject, SearchQuery
from app.stores import Backend, Transaction
from app.stores.sqlite import SqliteBackend, dialogue_lists
from app.stores.sqlite.narrowed import dated_query, imaged_query, tag_lists_query, tagged_query
from tests.records import (
    SCOPE,
    close_project,
    dialogue,
    erase,
    instant,
    key,
    memory,
    message,
    project,
    summary,
)

LARGE = "dialogue|message|memory|summary|grave|idempotency|item|evidence|parent|row"
SPAN = TimeRange(instant(0), instant(9))
SCOPE_FILTERS = (ScopeFilter("acme"), ScopeFilter("acme", ""))


class Recorder:
    """Keeps the statements that a store's connection runs."""

    def __init__(self, backend: Backend) -> None:
        assert isinstance(backend, SqliteBackend)
        self.connection = backend._db.connection()
        self.statements: dict[str, None] = {}
        self.connection.set_trace_callback(self._note)

    def _note(self, statement: str) -> None:
        first = statement.split(maxsplit=1)[0].upper()
        if first in {"SELECT", "INSERT", "REPLACE", "UPDATE", "DELETE"}:
            self.statements[statement] = None

    def plans(self) -> Iterator[tuple[str, list[str]]]:
        """Give each distinct statement with the steps of its plan."""
        self.connection.set_trace_callback(None)
        for statement in self.statements:
            steps = [row[3] for row in self.connection.execute("EXPLAIN QUERY PLAN " + statement)]
            yield statement, steps


@pytest.fixture
def recorder(sqlite_backend: Backend) -> Recorder:
    """Record what the store runs."""
    return Recorder(sqlite_backend)


METADATA = (MetadataFilter("k", ("1", 1)), MetadataFilter("l", (True,)))


def run_orders(backend: Backend) -> None:
    """Run the list of dialogues in each order, with what it can be narrowed by, from both ends."""
    choices = itertools.product(SCOPE_FILTERS, Order, (None, (instant(5), "", "x")), SortKey)
    for scope_filter, order, after, sort_key in choices:
        query = DialogueListQuery(scope_filter, 5, order, after, sort_key=sort_key)
        for narrowed in (query, replace(query, roots=True), replace(query, metadata=METADATA)):
            backend.list_dialogues(narrowed)
            backend.list_dialogues(replace(narrowed, times=SPAN, statuses=(Status.ACTIVE,), tags=("a",)))


def run_lists(backend: Backend) -> None:
    """Run every kind of page: directions, scope filters, positions, filters."""
    choices = itertools.product(SCOPE_FILTERS, Order, (None, (instant(5), "", "x")), (TimeRange(), SPAN))
    for scope_filter, order, after, times in choices:
        query = DialogueListQuery(scope_filter, 5, order, after, times)
        backend.list_dialogues(query)
        backend.list_dialogues(replace(query, statuses=(Status.ACTIVE, Status.ENDED), tags=("a", "b")))
        backend.list_dialogues(replace(query, statuses=(Status.ARCHIVED,), thread_of="p"))
        backend.list_memories(MemoryListQuery(scope_filter, 5, order, after, times, ("a",)))
        seat = None if after is None else (after[0], 3)
        backend.list_messages(SCOPE, "d", MessageListQuery("u", 5, order, seat, times))
        place = None if after is None else (after[0], "s")
        backend.list_summaries(SCOPE, "d", SummaryListQuery("u", 5, order, place))
        list(backend.iterate_dialogues(scope_filter))
        list(backend.iterate_tombstones(scope_filter))
        list(backend.iterate_contents(scope_filter))


def test_management_walks_indexes(sqlite_backend: Backend, recorder: Recorder) -> None:
    """Namespaces are counted on an index alone; keys and the audit come from one, in order."""
    for prefix, last in itertools.product(("", "user_"), (None, ("user_1",))):
        sqlite_backend.list_namespaces(NamespaceListQuery(SCOPE_FILTERS[0], 5, prefix, last))
    for order, after in itertools.product(Order, (None, (instant(5), "x"))):
        sqlite_backend.page_keys(KeyListQuery("acme", 5, order, after))
        for name in ("acme", None):
            sqlite_backend.page_audit(AuditListQuery(name, 5, order, after, SPAN, actor="k"))
    sqlite_backend.drop_audit(instant(1), 5)
    plans = list(recorder.plans())

    assert len(plans) >= 4 * 2 + 4 * 3
    for statement, steps in plans:
        for step in steps:
            assert not re.match(r"SCAN|USE TEMP", step), (statement, steps)
        if "max(modified)" in statement:
            assert any("COVERING INDEX" in step for step in steps), (statement, steps)


def test_pages_come_from_an_index_in_order(sqlite_backend: Backend, recorder: Recorder) -> None:
    """No list scans a table, and none sorts."""
    run_lists(sqlite_backend)
    checked = 0
    for statement, steps in recorder.plans():
        for step in steps:
            assert "TEMP B-TREE" not in step, (statement, step)
            assert not re.match(rf"SCAN ({LARGE})\b", step), (statement, step)
        checked += 1
    assert checked > 50


def test_each_order_of_dialogues_comes_from_an_index(sqlite_backend: Backend, recorder: Recorder) -> None:
    """None scans a table; only what a filter leaves few of is sorted, and that is counted before."""
    run_orders(sqlite_backend)
    sorted_ones = 0
    for statement, steps in recorder.plans():
        assert not any(re.match(rf"SCAN ({LARGE}|dialogue_facet)\b", step) for step in steps), statement
        if any("TEMP B-TREE" in step for step in steps):
            sorted_ones += 1
            assert "FROM dialogue_facet" in statement or "dialogue.created >=" in statement, statement
            assert "created DESC" not in statement
    assert sorted_ones > 10


def test_a_filter_that_leaves_many_is_walked_past(
    sqlite_backend: Backend, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above the bound nothing is sorted: the order's own index is walked."""
    monkeypatch.setattr(dialogue_lists, "MOST_GATHERED", -1)
    run_orders(sqlite_backend)
    checked = 0
    for statement, steps in recorder.plans():
        checked += statement.startswith("SELECT dialogue")
        assert not any("TEMP B-TREE" in step for step in steps), (statement, steps)
    assert checked > 50


@pytest.mark.parametrize("kind", SearchObject)
def test_items_of_a_time_come_from_an_index(recorder: Recorder, kind: SearchObject) -> None:
    """So do the numbers of their vectors, which are not read for it."""
    query = SearchQuery(ScopeFilter("acme"), kind, Keywords(), 5, created=SPAN, modified=SPAN)
    for name in ("created",) if kind is SearchObject.MESSAGE else ("created", "modified"):
        steps = plan_of(recorder, *dated_query(kind, query, name))
        assert f"{name}>? AND {name}<?" in steps[0], steps
        assert "vector USING COVERING INDEX" in steps[-1], steps


def test_messages_with_an_image_come_from_an_index(recorder: Recorder) -> None:
    """It has no other messages."""
    query = SearchQuery(ScopeFilter("acme"), SearchObject.MESSAGE, Keywords(), 5, has_image=True)
    steps = plan_of(recorder, *imaged_query(query))
    assert "message_image (project=?)" in steps[0], steps
    assert "vector USING COVERING INDEX" in steps[-1], steps


@pytest.mark.parametrize("kind", SearchObject)
def test_items_with_tags_come_from_an_index(recorder: Recorder, kind: SearchObject) -> None:
    """Which has one entry for each, and is entered once for each list of tags."""
    query = SearchQuery(ScopeFilter("acme"), kind, Keywords(), 5, tags_any=("a",))
    steps = plan_of(recorder, *tagged_query(kind, query, ['["a"]']))
    assert f"{kind.value}_tags (project=? AND tags=?)" in steps[0], steps
    steps = plan_of(recorder, tag_lists_query(kind), ("acme",))
    assert all(f"{kind.value}_tags (project=?" in step for step in steps if "item" in step), steps
    assert any(f"{kind.value}_tags (project=? AND tags>?)" in step for step in steps), steps


def plan_of(recorder: Recorder, sql: str, values: Sequence[object]) -> list[str]:
    """Return the steps of a query whose last value is a limit."""
    plan = recorder.connection.execute(f"EXPLAIN QUERY PLAN {sql}", (*values, 5)).fetchall()
    return [step for _, _, _, step in plan]


def test_a_deep_page_is_found_by_its_position(sqlite_backend: Backend, recorder: Recorder) -> None:
    """The index is entered at the cursor, not at the start of the list."""
    run_lists(sqlite_backend)
    for statement, steps in recorder.plans():
        if "(created, " in statement:
            assert "(created,namespace,id)" in steps[0] or "(created," in steps[0], (statement, steps)


def test_no_list_reads_state_or_embedded_messages(sqlite_backend: Backend, recorder: Recorder) -> None:
    """Pages of dialogues do not name those columns."""
    sqlite_backend.list_dialogues(DialogueListQuery(ScopeFilter("acme"), 5))
    _, statement = recorder.statements  # the first one reads the project's policy
    assert "state" not in statement
    assert "recent" not in statement


def test_a_dialogue_is_read_with_one_statement(sqlite_backend: Backend, recorder: Recorder) -> None:
    """Its state and embedded messages included."""
    sqlite_backend.write(SCOPE, lambda tx: tx.insert_dialogue(dialogue(id="d")))
    sqlite_backend.stats(ScopeFilter("acme"))  # as authentication does, this reads the project's policy
    recorder.statements.clear()
    seen: list[str] = []
    recorder.connection.set_trace_callback(seen.append)
    assert sqlite_backend.get_dialogue(SCOPE, "d") is not None
    assert len(seen) == 1


def write_everything(tx: Transaction) -> None:
    """Use every method of a transaction."""
    parent = dialogue(id="d", thread_of="p", label="x")
    rows = [message(parent, seq) for seq in range(3)]
    tx.lock_tombstone("d")
    tx.insert_dialogue(parent)
    tx.insert_messages(rows)
    tx.lock_dialogue("d")
    tx.save_dialogue(replace(parent, label="y"))
    tx.count_threads("p")
    tx.find_messages(parent, ["m1"])
    tx.find_message("d", "m1")
    tx.messages_below(parent, 2)
    tx.message_hashes(parent, ["m1"])
    tx.newest_messages(parent, 2)
    tx.messages_through(parent, rows[1], 5, 10_000)
    tx.save_message(replace(rows[1], tags=("t",)))
    tx.remove_message(rows[0])
    tx.insert_memory(memory(id="mem"))
    tx.lock_memory("mem")
    tx.save_memory(memory(id="mem", terms="x"))
    tx.remove_memory("mem")
    tx.insert_summary(summary(parent, id="s"))
    tx.find_summary("s")
    tx.stale_summaries(parent.uid, 0)
    tx.find_idempotency("digest")
    tx.save_idempotency(IdempotencyRecord("digest", "f", JsonText("{}"), None, instant(0)))
    tx.remove_dialogue(parent, purge=True)
    tx.is_immutable()


def run_searches(backend: Backend) -> None:
    """Run searches of every object, order and filter."""
    for kind, scope_filter, order_by in itertools.product(SearchObject, SCOPE_FILTERS, OrderBy):
        query = SearchQuery(scope_filter, kind, read_keywords("x hello"), 5, order_by=order_by)
        backend.search(query)
        conditions = (MetadataCondition("k", Operator.IN, ("a", 1)),)
        filters = replace(query, tags_any=("a",), tags_all=("b",), tags_none=("c",), metadata=conditions)
        backend.search(replace(filters, created=SPAN, modified=SPAN, has_image=True))


def test_every_other_statement_uses_an_index_too(sqlite_backend: Backend, recorder: Recorder) -> None:
    """Lookups, writes, searches, sweeps, erasures and the catalog scan no large table."""
    backend = sqlite_backend
    backend.create_project(project())
    backend.create_key(key(id="k", hash="h"))
    for _ in range(2):
        backend.write(SCOPE, write_everything)
        run_searches(backend)
        backend.sweep()
    backend.get_dialogues(SCOPE, ["a", "b"])
    backend.find_generation(SCOPE, "d")
    backend.find_idempotency(SCOPE, "request")
    backend.get_message(SCOPE, "d", "m")
    list(backend.messages_since(SCOPE, "d", "u", 0))
    backend.get_memory(SCOPE, "m")
    backend.get_summary(SCOPE, "s")
    backend.latest_summary(SCOPE, "d", "u")
    for scope_filter in SCOPE_FILTERS:
        backend.stats(scope_filter)
        backend.count_begun(scope_filter, SPAN)
    backend.find_key("h")
    backend.touch_key("k", instant(1))
    erase(backend, SCOPE)
    backend.sweep()
    close_project(backend)
    checked = 0
    for statement, steps in recorder.plans():
        for step in steps:
            assert not re.match(rf"SCAN ({LARGE})\b", step), (statement, step)
            assert "AUTOMATIC" not in step, (statement, step)
        checked += 1
    assert checked > 80
