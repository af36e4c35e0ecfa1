"""Every store keeps dialogues alike: writing, reading, listing, deleting."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from functools import partial

import pytest

from app.domain.ids import successor
from app.domain.list_queries import DialogueListQuery
from app.domain.records import JsonText, Order, Scope, ScopeFilter, Status, TimeRange
from app.stores import PAGE_BYTES, Backend, Generation, Transaction
from tests.records import (
    ANNA,
    OTHER,
    SCOPE,
    deleted,
    dialogue,
    dialogue_item,
    instant,
    message,
    stored,
    with_json_tags,
)


def walk(backend: Backend, query: DialogueListQuery) -> list[str]:
    """Return the ids of a whole list, page by page."""
    ids: list[str] = []
    while True:
        page = backend.list_dialogues(query)
        ids += [head.id for head in page.items]
        if not page.more:
            return ids
        last = page.items[-1]
        query = replace(query, after=(last.created, last.namespace, last.id))


def test_a_dialogue_comes_back_as_it_was_stored(backend: Backend) -> None:
    """Every field survives, odd keys and texts included."""
    full = dialogue(
        ANNA,
        id="d1",
        rev=7,
        next_seq=4,
        total=3,
        thread_count=2,
        status=Status.ARCHIVED,
        tags=("b", "a,c", "ü"),
        metadata=JsonText('{"$where":"x","a.b":[1,"2",null],"":true}'),
        created_count=2,
        thread_of="parent",
        label="A label",
        last_message_created=instant(5),
        ended_at=instant(6),
        archived_at=instant(7),
        state=JsonText('{"z":1,"a":{"$set":"…"},"k.l":null}'),
        recent=JsonText('[{"id":"m"}]'),
        recent_count=1,
    )
    backend.write(ANNA, lambda tx: tx.insert_dialogue(full))
    assert backend.get_dialogue(ANNA, "d1") == full


def test_ids_are_apart_by_namespace_and_project(backend: Backend) -> None:
    """The same id in another namespace or project is another dialogue."""
    mine = stored(backend, dialogue(id="same", label="default"))
    hers = stored(backend, dialogue(ANNA, id="same", label="anna"))
    assert backend.get_dialogue(SCOPE, "same") == mine
    assert backend.get_dialogue(ANNA, "same") == hers
    assert backend.get_dialogue(OTHER, "same") is None


def test_a_raised_error_undoes_the_work(backend: Backend) -> None:
    """The error reaches the caller as it was raised."""

    def work(tx: Transaction) -> None:
        assert tx.lock_dialogue("d1") is None
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        backend.write(SCOPE, work)
    assert backend.get_dialogue(SCOPE, "d1") is None


@pytest.mark.transactions
def test_nothing_written_before_an_error_stays(backend: Backend) -> None:
    """A transaction is wholly there or wholly not."""
    parent = dialogue(id="d1")

    def work(tx: Transaction) -> None:
        tx.insert_dialogue(parent)
        tx.insert_messages([message(parent, 0)])
        raise LookupError("no")

    with pytest.raises(LookupError):
        backend.write(SCOPE, work)
    assert backend.get_dialogue(SCOPE, "d1") is None
    assert backend.get_message(SCOPE, "d1", "m0") is None


def test_a_write_answers_what_the_work_returns(backend: Backend) -> None:
    """The transaction knows its scope and the value comes back."""
    assert backend.write(ANNA, lambda tx: tx.scope) == ANNA


def test_saving_replaces_the_changing_fields(backend: Backend) -> None:
    """Counters, state, tags, label, status and times change together."""
    before = stored(backend, dialogue(id="d1", tags=("old",)))
    after = replace(
        before,
        rev=2,
        next_seq=5,
        total=4,
        thread_count=1,
        status=Status.ENDED,
        tags=("new", "tags"),
        label="label",
        modified=instant(9),
        last_message_created=instant(8),
        ended_at=instant(9),
        state=JsonText('{"a":1}'),
        recent=JsonText('[{"id":"m3"}]'),
        recent_count=1,
    )

    def work(tx: Transaction) -> None:
        assert tx.lock_dialogue("d1") == before
        tx.save_dialogue(after)

    backend.write(SCOPE, work)
    assert backend.get_dialogue(SCOPE, "d1") == after
    reopened = replace(after, rev=3, status=Status.ACTIVE, ended_at=None, label=None, tags=())

    def reopen(tx: Transaction) -> None:
        tx.lock_dialogue("d1")
        tx.save_dialogue(reopened)
        assert tx.lock_dialogue("d1") == reopened

    backend.write(SCOPE, reopen)
    assert backend.get_dialogue(SCOPE, "d1") == reopened


def test_saving_never_creates(backend: Backend) -> None:
    """A dialogue that is gone, or has another uid, is not brought back by a late save."""
    gone = dialogue(id="gone")
    here = stored(backend, dialogue(id="here"))

    def work(tx: Transaction) -> None:
        tx.lock_dialogue("gone")
        tx.save_dialogue(gone)

    def other(tx: Transaction) -> None:
        tx.lock_dialogue("here")
        tx.save_dialogue(replace(here, uid=successor(here.uid), label="x"))

    for late in (work, other):
        with contextlib.suppress(Exception):  # a store may refuse, but must not store
            backend.write(SCOPE, late)
    assert backend.get_dialogue(SCOPE, "gone") is None
    assert backend.get_dialogue(SCOPE, "here") == here


def test_several_dialogues_come_at_once(backend: Backend) -> None:
    """Missing ones and those of other namespaces are left out; none asked gives none."""
    one = stored(backend, dialogue(id="one"))
    two = stored(backend, dialogue(id="two"))
    stored(backend, dialogue(ANNA, id="three"))
    found = backend.get_dialogues(SCOPE, ["two", "missing", "one", "three"])
    assert sorted(found, key=lambda item: item.id) == [one, two]
    assert backend.get_dialogues(SCOPE, []) == []


def test_threads_are_counted_in_their_scope(backend: Backend) -> None:
    """Only living dialogues of the same namespace with that parent count."""
    stored(backend, dialogue(id="t1", thread_of="p"))
    stored(backend, dialogue(id="t2", thread_of="p", status=Status.ARCHIVED))
    stored(backend, dialogue(ANNA, id="t3", thread_of="p"))
    gone = stored(backend, dialogue(id="t4", thread_of="p"))
    deleted(backend, gone)
    assert backend.write(SCOPE, lambda tx: tx.count_threads("p")) == 2
    assert backend.write(SCOPE, lambda tx: tx.count_threads("t1")) == 0


def test_a_list_is_ordered_by_created_namespace_and_id(backend: Backend) -> None:
    """Both directions and every page size give each dialogue once."""
    places = [(SCOPE, "b", 1), (SCOPE, "a", 1), (ANNA, "a", 1), (ANNA, "c", 0), (SCOPE, "d", 2)]
    for scope, name, second in places:
        stored(backend, dialogue(scope, id=name, created=instant(second)))
    stored(backend, dialogue(OTHER, id="foreign"))
    expected = ["c", "a", "b", "a", "d"]
    for limit in (1, 2, 3, 5, 100):
        query = DialogueListQuery(ScopeFilter("acme"), limit, Order.ASC)
        assert walk(backend, query) == expected
        assert walk(backend, replace(query, order=Order.DESC)) == expected[::-1]


def test_a_list_of_one_namespace_leaves_the_others_out(backend: Backend) -> None:
    """The default namespace can be listed alone too."""
    for name in ("a", "b", "c"):
        stored(backend, dialogue(id=name))
        stored(backend, dialogue(ANNA, id=name + "2"))
    query = DialogueListQuery(ScopeFilter("acme", ""), 2, Order.ASC)
    assert walk(backend, query) == ["a", "b", "c"]
    hers = replace(query, scope_filter=ScopeFilter("acme", ANNA.namespace), order=Order.DESC)
    assert walk(backend, hers) == ["c2", "b2", "a2"]


def test_a_list_reads_items_only(backend: Backend) -> None:
    """State and embedded messages are neither read nor answered."""
    whole = stored(backend, dialogue(id="d", label="x", tags=("t",), state=JsonText('{"a":1}')))
    (entry,) = backend.list_dialogues(DialogueListQuery(ScopeFilter("acme"), 5)).items
    assert with_json_tags(entry) == dialogue_item(whole)
    assert backend.get_dialogue_items(SCOPE, ["d", "absent"]) == [entry]


def test_list_filters_all_have_to_hold(backend: Backend) -> None:
    """Status, tags and a half-open time range narrow the list."""
    stored(backend, dialogue(id="a", created=instant(1), tags=("x", "y")))
    stored(backend, dialogue(id="b", created=instant(2), tags=("x",), status=Status.ENDED))
    stored(backend, dialogue(id="c", created=instant(3), tags=("y", "x"), status=Status.ARCHIVED))
    plain = DialogueListQuery(ScopeFilter("acme"), 1, Order.ASC)
    assert walk(backend, replace(plain, tags=("x", "y"))) == ["a", "c"]
    assert walk(backend, replace(plain, tags=("X",))) == []
    assert walk(backend, replace(plain, statuses=(Status.ACTIVE, Status.ENDED))) == ["a", "b"]
    assert walk(backend, replace(plain, statuses=(Status.ARCHIVED,), tags=("y",))) == ["c"]
    span = TimeRange(instant(2), instant(3))
    for order in Order:
        assert walk(backend, replace(plain, times=span, order=order)) == ["b"]
    for order in Order:
        late = replace(plain, times=TimeRange(start=instant(2)), order=order)
        assert sorted(walk(backend, late)) == ["b", "c"]
        early = replace(plain, times=TimeRange(before=instant(3)), order=order)
        assert sorted(walk(backend, early)) == ["a", "b"]


def test_a_position_outside_the_time_range_hides_nothing(backend: Backend) -> None:
    """The stricter of position and range counts on each side."""
    for second, name in enumerate("abcd"):
        stored(backend, dialogue(id=name, created=instant(second)))
    span = TimeRange(instant(1), instant(3))
    up = DialogueListQuery(ScopeFilter("acme"), 9, Order.ASC, (instant(0), "", "a"), span)
    assert walk(backend, up) == ["b", "c"]
    down = DialogueListQuery(ScopeFilter("acme"), 9, Order.DESC, (instant(3), "", "d"), span)
    assert walk(backend, down) == ["c", "b"]


def test_a_list_of_threads_stays_in_one_namespace(backend: Backend) -> None:
    """Without a namespace it is the default one."""
    stored(backend, dialogue(id="a", thread_of="p"))
    stored(backend, dialogue(id="b", thread_of="p"))
    stored(backend, dialogue(id="c", thread_of="q"))
    stored(backend, dialogue(ANNA, id="d", thread_of="p"))
    query = DialogueListQuery(ScopeFilter("acme"), 1, Order.ASC, thread_of="p")
    assert walk(backend, query) == ["a", "b"]
    assert walk(backend, replace(query, scope_filter=ScopeFilter("acme", ANNA.namespace))) == ["d"]
    assert walk(backend, replace(query, thread_of="none")) == []


def test_a_page_ends_before_it_grows_too_large(backend: Backend) -> None:
    """Pages keep to their bytes, but one item is always there."""
    large = JsonText('{"k":"' + "x" * (PAGE_BYTES // 2 - 100_000) + '"}')
    for name in "abcde":
        stored(backend, dialogue(id=name, metadata=large))
    page = backend.list_dialogues(DialogueListQuery(ScopeFilter("acme"), 100, Order.ASC))
    assert [head.id for head in page.items] == ["a", "b"]
    assert page.more
    assert walk(backend, DialogueListQuery(ScopeFilter("acme"), 100, Order.ASC)) == list("abcde")


def test_deleting_leaves_a_tombstone(backend: Backend) -> None:
    """The id is free, and its last uid is known to whoever creates it again."""
    first = stored(backend, dialogue(id="d"))
    assert backend.write(SCOPE, lambda tx: tx.lock_tombstone("d")) is None
    deleted(backend, first)
    assert backend.get_dialogue(SCOPE, "d") is None
    assert backend.find_generation(SCOPE, "d") == Generation(first.uid, alive=False)
    tombstone = backend.write(SCOPE, lambda tx: tx.lock_tombstone("d"))
    assert tombstone is not None
    assert (tombstone.dialogue_id, tombstone.uid, tombstone.purged) == ("d", first.uid, False)
    second = stored(backend, dialogue(id="d", uid=successor(first.uid)))
    assert backend.find_generation(SCOPE, "d") == Generation(second.uid, alive=True)
    deleted(backend, second, purge=True)
    assert backend.find_generation(SCOPE, "d") is None
    newest = backend.write(SCOPE, lambda tx: tx.lock_tombstone("d"))
    assert newest is not None
    assert (newest.uid, newest.purged) == (second.uid, True)


def test_an_id_that_never_was_has_no_generation(backend: Backend) -> None:
    """Nor has one of another namespace."""
    stored(backend, dialogue(ANNA, id="d"))
    assert backend.find_generation(SCOPE, "d") is None


def test_statistics_count_by_kind_and_status(backend: Backend) -> None:
    """A scope filter of one namespace counts that one; messages of purged dialogues do not count."""
    one = dialogue(id="a")
    stored(backend, one, [message(one, 0), message(one, 1)])
    two = dialogue(ANNA, id="b", status=Status.ENDED)
    stored(backend, two, [message(two, 0)])
    stored(backend, dialogue(id="c", status=Status.ARCHIVED))
    gone = dialogue(id="e")
    stored(backend, gone, [message(gone, 0)])
    deleted(backend, gone, purge=True)
    everything = backend.stats(ScopeFilter("acme"))
    assert (everything.active, everything.ended, everything.archived) == (1, 1, 1)
    assert (everything.messages, everything.memories, everything.summaries) == (3, 0, 0)
    hers = backend.stats(ScopeFilter("acme", ANNA.namespace))
    assert (hers.active, hers.ended, hers.messages) == (0, 1, 1)


def test_every_dialogue_can_be_iterated(backend: Backend) -> None:
    """They come whole, in the order of lists, however many."""
    expected = [
        stored(backend, dialogue(scope, id=f"d{number:03}", created=instant(number)))
        for number in range(130)
        for scope in (SCOPE, ANNA)
    ]
    assert list(backend.iterate_dialogues(ScopeFilter("acme"))) == expected
    hers = [item for item in expected if item.namespace]
    assert list(backend.iterate_dialogues(ScopeFilter("acme", ANNA.namespace))) == hers


def test_tombstones_are_iterated_however_many(backend: Backend) -> None:
    """Each comes once, in a batch or over several."""

    def work(tx: Transaction, first: int) -> None:
        for number in range(first, first + 150):
            parent = dialogue(id=f"d{number % 7}", uid=f"{number:026}")
            tx.insert_dialogue(parent)
            tx.remove_dialogue(parent, purge=False)

    for first in (0, 150, 300):
        backend.write(SCOPE, partial(work, first=first))
    tombstones = [tombstone.uid for _, tombstone in backend.iterate_tombstones(ScopeFilter("acme"))]
    assert sorted(tombstones) == [f"{number:026}" for number in range(450)]


def test_every_tombstone_can_be_iterated(backend: Backend) -> None:
    """Each with its scope."""
    one = stored(backend, dialogue(id="a"))
    two = stored(backend, dialogue(ANNA, id="b"))
    deleted(backend, one)
    deleted(backend, two, purge=True)
    tombstones = {
        (scope, tombstone.uid, tombstone.purged)
        for scope, tombstone in backend.iterate_tombstones(ScopeFilter("acme"))
    }
    assert tombstones == {(SCOPE, one.uid, False), (ANNA, two.uid, True)}
    hers = list(backend.iterate_tombstones(ScopeFilter("acme", ANNA.namespace)))
    assert [scope for scope, _ in hers] == [Scope("acme", ANNA.namespace)]
