"""Every store keeps memories, summaries and idempotency records alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from app.domain.ids import successor
from app.domain.list_queries import MemoryListQuery, SummaryListQuery
from app.domain.records import (
    IdempotencyRecord,
    JsonText,
    Memory,
    Order,
    ScopeFilter,
    Summary,
    TimeRange,
    Timestamp,
)
from app.stores import PAGE_BYTES, Backend, Transaction
from tests.records import (
    ANNA,
    OTHER,
    SCOPE,
    deleted,
    dialogue,
    instant,
    memory,
    memory_item,
    stored,
    summary,
    with_json_tags,
)

FUTURE = Timestamp("2999-01-01T00:00:00.000Z")
PAST = Timestamp("2020-01-01T00:00:00.000Z")


def keep(backend: Backend, one: Memory) -> Memory:
    """Store a memory of the project acme."""
    backend.write(replace(SCOPE, namespace=one.namespace), lambda tx: tx.insert_memory(one))
    return one


def keep_summary(backend: Backend, one: Summary) -> None:
    """Store a summary in the default namespace."""
    backend.write(SCOPE, lambda tx: tx.insert_summary(one))


def finder(name: str) -> Callable[[Transaction], Summary | None]:
    """Return the work that finds a summary."""
    return lambda tx: tx.find_summary(name)


def walk(backend: Backend, query: MemoryListQuery) -> list[str]:
    """Return the ids of a whole list, page by page."""
    ids: list[str] = []
    while True:
        page = backend.list_memories(query)
        ids += [one.id for one in page.items]
        if not page.more:
            return ids
        last = page.items[-1]
        query = replace(query, after=(last.created, last.namespace, last.id))


def test_a_memory_comes_back_as_it_was_stored(backend: Backend) -> None:
    """Every field survives, a null value included."""
    full = memory(
        ANNA,
        id="mem",
        value=JsonText("null"),
        tags=("b", "a"),
        metadata=JsonText('{"$in":["a"]}'),
        modified=instant(5),
        label="Tea",
        description="What she drinks",
    )
    keep(backend, full)
    assert backend.get_memory(ANNA, "mem") == full
    assert backend.get_memory(SCOPE, "mem") is None
    assert backend.get_memory(OTHER, "mem") is None


def test_a_memory_is_replaced_and_removed(backend: Backend) -> None:
    """Its value, tags, label, description, modified and terms change."""
    first = keep(backend, memory(id="mem"))
    second = replace(
        first,
        value=JsonText("[1]"),
        tags=("t",),
        modified=instant(9),
        terms="one",
        label="l",
        description="d",
    )

    def save(tx: Transaction) -> None:
        assert tx.lock_memory("mem") == first
        assert tx.lock_memory("other") is None
        tx.save_memory(second)

    backend.write(SCOPE, save)
    assert backend.get_memory(SCOPE, "mem") == second

    def remove(tx: Transaction) -> None:
        assert tx.lock_memory("mem") == second
        tx.remove_memory("mem")

    backend.write(SCOPE, remove)
    assert backend.get_memory(SCOPE, "mem") is None


def test_memories_are_listed_as_dialogues_are(backend: Backend) -> None:
    """Order, scope filter, tags, times and pages."""
    keep(backend, memory(id="b", created=instant(1), tags=("x", "y")))
    keep(backend, memory(id="a", created=instant(1), tags=("x",)))
    keep(backend, memory(ANNA, id="c", created=instant(0), tags=("y",)))
    for limit in (1, 2, 9):
        query = MemoryListQuery(ScopeFilter("acme"), limit, Order.ASC)
        assert walk(backend, query) == ["c", "a", "b"]
        assert walk(backend, replace(query, order=Order.DESC)) == ["b", "a", "c"]
        assert walk(backend, replace(query, scope_filter=ScopeFilter("acme", ""))) == ["a", "b"]
        assert walk(backend, replace(query, tags=("x", "y"))) == ["b"]
        assert walk(backend, replace(query, times=TimeRange(before=instant(1)))) == ["c"]


def test_a_list_of_memories_reads_items_only(backend: Backend) -> None:
    """What only the rules need is neither read nor answered."""
    whole = keep(backend, memory(ANNA, id="m", tags=("t", "ü"), label="x", description="y"))
    (entry,) = backend.list_memories(MemoryListQuery(ScopeFilter("acme"), 5)).items
    assert with_json_tags(entry) == memory_item(whole)


def test_a_page_of_memories_keeps_to_its_bytes(backend: Backend) -> None:
    """A page ends early, but one memory is always there."""
    large = JsonText('"' + "x" * PAGE_BYTES + '"')
    for name in "abc":
        keep(backend, memory(id=name, value=large))
    page = backend.list_memories(MemoryListQuery(ScopeFilter("acme"), 9, Order.ASC))
    assert [one.id for one in page.items] == ["a"]
    assert page.more
    assert walk(backend, MemoryListQuery(ScopeFilter("acme"), 9, Order.ASC)) == ["a", "b", "c"]


def test_a_summary_comes_back_as_it_was_stored(backend: Backend) -> None:
    """Inside and outside a transaction, in its scope only."""
    parent = stored(backend, dialogue(ANNA, id="d"))
    full = summary(parent, id="s", through_seq=4, ranged=True, completed=False, stale=True)
    backend.write(ANNA, lambda tx: tx.insert_summary(full))
    assert backend.get_summary(ANNA, "s") == full
    assert backend.write(ANNA, lambda tx: tx.find_summary("s")) == full
    assert backend.get_summary(SCOPE, "s") is None
    assert backend.write(ANNA, lambda tx: tx.find_summary("t")) is None


def test_summaries_are_listed_by_created_and_id(backend: Backend) -> None:
    """Those of one generation, a page at a time."""
    parent = stored(backend, dialogue(id="d"))
    other = replace(parent, uid=successor(parent.uid))
    rows = [summary(parent, id=name, created=instant(at)) for name, at in (("b", 1), ("a", 1), ("c", 0))]

    def work(tx: Transaction) -> None:
        for one in [*rows, summary(other, id="foreign")]:
            tx.insert_summary(one)

    backend.write(SCOPE, work)
    for limit in (1, 2, 5):
        for order, expected in ((Order.ASC, ["c", "a", "b"]), (Order.DESC, ["b", "a", "c"])):
            query = SummaryListQuery(parent.uid, limit, order)
            ids = []
            while True:
                page = backend.list_summaries(SCOPE, "d", query)
                ids += [one.id for one in page.items]
                if not page.more:
                    break
                last = page.items[-1]
                query = replace(query, after=(last.created, last.id))
            assert ids == expected


def test_the_latest_summary_is_the_newest_to_build_on(backend: Backend) -> None:
    """Failed and ranged ones are passed over, stale ones are not."""
    parent = stored(backend, dialogue(id="d"))
    assert backend.latest_summary(SCOPE, "d", parent.uid) is None
    good = summary(parent, id="good", created=instant(1), stale=True)

    def work(tx: Transaction) -> None:
        tx.insert_summary(summary(parent, id="old", created=instant(0)))
        tx.insert_summary(good)
        tx.insert_summary(summary(parent, id="failed", created=instant(2), completed=False))
        tx.insert_summary(summary(parent, id="ranged", created=instant(3), ranged=True))

    backend.write(SCOPE, work)
    assert backend.latest_summary(SCOPE, "d", parent.uid) == good


def test_summaries_that_covered_a_message_become_stale(backend: Backend) -> None:
    """Those that end before it stay as they are, and so do other dialogues'."""
    parent = stored(backend, dialogue(id="d"))
    other = stored(backend, dialogue(id="e"))

    def work(tx: Transaction) -> None:
        tx.insert_summary(summary(parent, id="before", through_seq=4))
        tx.insert_summary(summary(parent, id="through", through_seq=5))
        tx.insert_summary(summary(other, id="other", through_seq=9))

    backend.write(SCOPE, work)

    def spoil(tx: Transaction) -> None:
        tx.lock_dialogue("d")
        assert tx.stale_summaries(parent.uid, 5)
        assert not tx.stale_summaries(parent.uid, 5)

    backend.write(SCOPE, spoil)
    stale = {}
    for name in ("before", "through", "other"):
        found = backend.get_summary(SCOPE, name)
        assert found is not None
        stale[name] = found.stale
    assert stale == {"before": False, "through": True, "other": False}


def test_summaries_are_hidden_with_a_purge_only(backend: Backend) -> None:
    """A plain delete leaves them."""
    for name, purge in (("kept", False), ("purged", True)):
        parent = stored(backend, dialogue(id=name))
        keep_summary(backend, summary(parent, id="of-" + name))
        deleted(backend, parent, purge=purge)
        for _ in range(2):
            assert (backend.get_summary(SCOPE, "of-" + name) is None) is purge
            assert (backend.write(SCOPE, finder("of-" + name)) is None) is purge
            page = backend.list_summaries(SCOPE, name, SummaryListQuery(parent.uid, 5))
            assert len(page.items) == (0 if purge else 1)
            assert (backend.latest_summary(SCOPE, name, parent.uid) is None) is purge
            while backend.sweep():
                pass


def test_an_answer_is_kept_until_it_expires(backend: Backend) -> None:
    """An expired record is as good as none, and is replaced."""
    record = IdempotencyRecord("digest", "print", JsonText('{"a":1}'), '"tag"', FUTURE)
    old = replace(record, expires=PAST, etag=None, body=JsonText("[]"))

    def work(tx: Transaction) -> None:
        assert tx.find_idempotency("digest") is None
        tx.save_idempotency(old)

    backend.write(SCOPE, work)
    assert backend.find_idempotency(SCOPE, "digest") is None

    def again(tx: Transaction) -> None:
        assert tx.find_idempotency("digest") is None
        tx.save_idempotency(record)

    backend.write(SCOPE, again)
    assert backend.write(SCOPE, lambda tx: tx.find_idempotency("digest")) == record
    assert backend.find_idempotency(SCOPE, "digest") == record
    assert backend.find_idempotency(OTHER, "digest") is None
