"""Every store finds the same, in the same order, with the same relevance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from app.domain.ids import successor
from app.domain.records import JsonText, Order, ScopeFilter, Status, TimeRange
from app.search.analysis import message_terms
from app.search.keywords import read_keywords
from app.search.query import MetadataCondition, Operator, OrderBy, SearchObject, SearchQuery
from app.stores import Backend, Transaction
from tests.records import (
    ANNA,
    SCOPE,
    deleted,
    dialogue,
    instant,
    memory,
    memory_item,
    message,
    message_item,
    stored,
    with_json_tags,
)


def ids(backend: Backend, query: SearchQuery) -> list[str]:
    """Return the ids that a search finds, best first."""
    return [hit.item.id for hit in backend.search(query).hits]


def ask(kind: SearchObject, *terms: str, **fields: Any) -> SearchQuery:
    """Return a search of the whole project acme."""
    keywords = read_keywords(" ".join(terms))
    return SearchQuery(ScopeFilter("acme"), kind, keywords, fields.pop("limit", 20), **fields)


MESSAGE = SearchObject.MESSAGE
DIALOGUE = SearchObject.DIALOGUE
MEMORY = SearchObject.MEMORY


def test_more_terms_in_less_text_come_first(backend: Backend) -> None:
    """Matched terms, then brevity, then age, then id decide; relevance says how well."""
    parent = dialogue(id="d")
    rows = [
        message(parent, 0, "book flight"),
        message(parent, 1, "book flight berlin"),
        message(parent, 2, "book"),
        message(parent, 3, "book hotel"),
        message(parent, 4, "book train"),
        message(parent, 5, "a train", created=instant(4), id="m4b"),
        message(parent, 6, "nothing here"),
    ]
    stored(backend, parent, rows)
    hits = backend.search(ask(MESSAGE, "book", "flight")).hits
    assert [hit.item.id for hit in hits] == ["m0", "m1", "m2", "m4", "m3"]
    relevance = [hit.relevance for hit in hits]
    assert 1 == relevance[0] >= relevance[1] > 0.5 > relevance[2] > relevance[3] == relevance[4] > 0
    assert all(hit.matches == () for hit in hits)
    assert hits[0].item == message_item(rows[0])
    assert ids(backend, ask(MESSAGE, "train")) == ["m4", "m4b"]
    assert ids(backend, ask(MESSAGE, "book", "flight", limit=2)) == ["m0", "m1"]
    assert ids(backend, ask(MESSAGE, "absent")) == []
    assert ids(backend, ask(MESSAGE)) == []


def test_words_of_any_alphabet_are_found(backend: Backend) -> None:
    """Terms match exactly as they are, and only as whole terms."""
    parent = dialogue(id="d")
    said = ["straße 東京 caf 42", "cafe"]
    stored(backend, parent, [message(parent, n, terms=message_terms(text)) for n, text in enumerate(said)])
    for term in ("straße", "STRASSE", "東京", "42"):
        assert ids(backend, ask(MESSAGE, term)) == ["m0"]
    assert ids(backend, ask(MESSAGE, "caf")) == ["m0"]


def test_another_order_can_be_asked_for(backend: Backend) -> None:
    """By created or modified, in either direction; ids break ties."""
    parent = dialogue(id="d")
    rows = [
        message(parent, 0, "book", modified=instant(9)),
        message(parent, 1, "book x", modified=instant(5)),
        message(parent, 2, "book x y", modified=instant(5)),
    ]
    stored(backend, parent, rows)
    by_created = ask(MESSAGE, "book", order_by=OrderBy.CREATED)
    assert ids(backend, by_created) == ["m2", "m1", "m0"]
    assert ids(backend, replace(by_created, order=Order.ASC)) == ["m0", "m1", "m2"]
    by_modified = replace(by_created, order_by=OrderBy.MODIFIED)
    assert ids(backend, by_modified) == ["m0", "m1", "m2"]
    assert ids(backend, replace(by_modified, order=Order.ASC)) == ["m1", "m2", "m0"]
    worst_first = ask(MESSAGE, "book", order=Order.ASC)
    assert ids(backend, worst_first) == ["m2", "m1", "m0"]


def test_a_search_stays_in_its_reach(backend: Backend) -> None:
    """One project, and one namespace when it is named."""
    for scope, name in ((SCOPE, "a"), (ANNA, "b")):
        parent = dialogue(scope, id="d" + name)
        stored(backend, parent, [message(parent, 0, "book", id="m" + name)])
    query = ask(MESSAGE, "book")
    assert sorted(ids(backend, query)) == ["ma", "mb"]
    assert ids(backend, replace(query, scope_filter=ScopeFilter("acme", ""))) == ["ma"]
    assert ids(backend, replace(query, scope_filter=ScopeFilter("acme", ANNA.namespace))) == ["mb"]
    assert ids(backend, replace(query, scope_filter=ScopeFilter("globex"))) == []


def test_a_dialogue_is_found_by_label_tags_and_metadata(backend: Backend) -> None:
    """And no longer by what it does not say any more."""
    first = stored(
        backend, dialogue(id="d", label="Holiday", tags=("beach",), metadata=JsonText('{"k":"sunny"}'))
    )
    for word in ("holiday", "beach", "sunny"):
        (hit,) = backend.search(ask(DIALOGUE, word)).hits
        assert hit.item.id == "d"
        assert hit.matches == ()
        assert 0.5 < hit.relevance <= 1

    def work(tx: Transaction) -> None:
        tx.lock_dialogue("d")
        tx.save_dialogue(replace(first, label=None, tags=("mountain",)))

    backend.write(SCOPE, work)
    assert ids(backend, ask(DIALOGUE, "holiday", "beach")) == []
    assert ids(backend, ask(DIALOGUE, "mountain")) == ["d"]
    deleted(backend, first)
    assert ids(backend, ask(DIALOGUE, "mountain", "sunny")) == []


def test_a_change_of_status_leaves_a_dialogue_to_be_found(backend: Backend) -> None:
    """Once, as before."""
    first = stored(backend, dialogue(id="d", label="beach"))

    def work(tx: Transaction) -> None:
        tx.lock_dialogue("d")
        tx.save_dialogue(replace(first, status=Status.ENDED, ended_at=instant(1)))

    backend.write(SCOPE, work)
    assert ids(backend, ask(DIALOGUE, "beach")) == ["d"]


def test_a_dialogue_is_found_by_its_messages(backend: Backend) -> None:
    """Its score is the best of its own and theirs, and the best three are shown."""
    one = dialogue(id="one", created=instant(1))
    rows = [message(one, seq, "flight " + "x y z"[: 2 * seq]) for seq in range(5)]
    stored(backend, one, rows)
    two = dialogue(id="two", label="flight", created=instant(2))
    stored(backend, two, [message(two, 0, "flight book")])
    hits = backend.search(ask(DIALOGUE, "flight", "book")).hits
    assert [hit.item.id for hit in hits] == ["two", "one"]
    assert hits[0].relevance == 1
    assert 0 < hits[1].relevance < 0.5
    assert [found.item.id for found in hits[0].matches] == ["m0"]
    assert [found.item.id for found in hits[1].matches] == ["m0", "m1", "m2"]
    assert hits[1].matches[0].item == message_item(rows[0])


def test_messages_of_an_earlier_generation_do_not_find_a_dialogue(backend: Backend) -> None:
    """They are found as messages as long as they are not purged."""
    first = dialogue(id="d")
    stored(backend, first, [message(first, 0, "flight")])
    deleted(backend, first)
    assert ids(backend, ask(DIALOGUE, "flight")) == []
    assert ids(backend, ask(MESSAGE, "flight")) == ["m0"]
    second = stored(backend, dialogue(id="d", uid=successor(first.uid)))
    assert ids(backend, ask(DIALOGUE, "flight")) == []
    assert ids(backend, ask(MESSAGE, "flight")) == ["m0"]
    deleted(backend, second)


def test_purged_messages_are_not_found(backend: Backend) -> None:
    """Neither before nor after the sweep."""
    parent = dialogue(id="d")
    stored(backend, parent, [message(parent, 0, "flight")])
    deleted(backend, parent, purge=True)
    assert ids(backend, ask(MESSAGE, "flight")) == []
    while backend.sweep():
        pass
    assert ids(backend, ask(MESSAGE, "flight")) == []


def test_a_removed_message_is_not_found(backend: Backend) -> None:
    """From the next search on; a retagged one is found by its tags."""
    parent = dialogue(id="d")
    rows = [message(parent, 0, "flight"), message(parent, 1, "flight")]
    stored(backend, parent, rows)

    def work(tx: Transaction) -> None:
        tx.lock_dialogue("d")
        tx.remove_message(rows[0])
        tx.save_message(replace(rows[1], tags=("vip",)))

    backend.write(SCOPE, work)
    assert ids(backend, ask(MESSAGE, "flight")) == ["m1"]
    assert ids(backend, ask(MESSAGE, "flight", tags_all=("vip",))) == ["m1"]
    assert ids(backend, ask(DIALOGUE, "flight")) == ["d"]


def test_memories_are_found_as_they_are_now(backend: Backend) -> None:
    """A change of terms is followed, a removal too."""
    first = memory(id="mem", terms="like tea")
    backend.write(SCOPE, lambda tx: tx.insert_memory(first))
    (hit,) = backend.search(ask(MEMORY, "tea")).hits
    assert with_json_tags(hit.item) == memory_item(first)
    assert hit.relevance == 1
    second = replace(first, terms="like coffe")

    def save(tx: Transaction) -> None:
        tx.lock_memory("mem")
        tx.save_memory(second)

    backend.write(SCOPE, save)
    assert ids(backend, ask(MEMORY, "tea")) == []
    assert ids(backend, ask(MEMORY, "coffe")) == ["mem"]
    backend.write(SCOPE, lambda tx: tx.remove_memory("mem"))
    assert ids(backend, ask(MEMORY, "coffe", "like")) == []


@pytest.fixture
def tagged(backend: Backend) -> Backend:
    """Store three messages with tags, metadata, times and an image."""
    parent = dialogue(id="d")
    rows = [
        message(
            parent,
            0,
            "book",
            tags=("red", "big"),
            metadata=JsonText('{"n":1,"s":"b","t":true,"z":null,"a":["x","y"],"m":["x",1],"q\\"k":"v"}'),
            has_image=True,
            modified=instant(10),
        ),
        message(
            parent,
            1,
            "book",
            tags=("red",),
            metadata=JsonText('{"n":2.5,"s":"a","t":false,"a":["y"],"o":{"x":1}}'),
            modified=instant(20),
        ),
        message(parent, 2, "book", tags=("blue",), metadata=JsonText('{"n":"1","s":"B"}')),
    ]
    stored(backend, parent, rows)
    return backend


def test_tags_filter_by_any_all_and_none(tagged: Backend) -> None:
    """The three kinds combine."""
    base = ask(MESSAGE, "book", order_by=OrderBy.CREATED, order=Order.ASC)
    assert ids(tagged, replace(base, tags_any=("big", "blue"))) == ["m0", "m2"]
    assert ids(tagged, replace(base, tags_all=("big", "red"))) == ["m0"]
    assert ids(tagged, replace(base, tags_none=("big", "none"))) == ["m1", "m2"]
    assert ids(tagged, replace(base, tags_any=("red",), tags_none=("big",))) == ["m1"]


def test_times_and_images_filter(tagged: Backend) -> None:
    """Ranges are half open; hasImage counts both ways."""
    base = ask(MESSAGE, "book", order_by=OrderBy.CREATED, order=Order.ASC)
    assert ids(tagged, replace(base, created=TimeRange(instant(1), instant(2)))) == ["m1"]
    assert ids(tagged, replace(base, modified=TimeRange(start=instant(10)))) == ["m0", "m1"]
    assert ids(tagged, replace(base, modified=TimeRange(before=instant(20)))) == ["m0", "m2"]
    assert ids(tagged, replace(base, has_image=True)) == ["m0"]
    assert ids(tagged, replace(base, has_image=False)) == ["m1", "m2"]


EQ, NE, IN, NIN = Operator.EQ, Operator.NE, Operator.IN, Operator.NIN
GT, GTE, LT, LTE = Operator.GT, Operator.GTE, Operator.LT, Operator.LTE
CONDITIONS: list[tuple[str, Operator, Any, str]] = [
    ("n", EQ, 1, "0"),
    ("n", EQ, 1.0, "0"),
    ("n", EQ, "1", "2"),
    ("n", EQ, True, ""),
    ("t", EQ, True, "0"),
    ("t", EQ, 1, ""),
    ("t", EQ, False, "1"),
    ("z", EQ, None, "0"),
    ("n", EQ, None, ""),
    ("s", EQ, "b", "0"),
    ("a", EQ, "y", "01"),
    ("a", EQ, "x", "0"),
    ("m", EQ, "x", ""),
    ("o", EQ, 1, ""),
    ('q"k', EQ, "v", "0"),
    ("missing", EQ, "v", ""),
    ("n", NE, 1, "12"),
    ("a", NE, "x", "12"),
    ("missing", NE, 1, "012"),
    ("z", NE, None, "12"),
    ("n", IN, (1, "1"), "02"),
    ("n", IN, (), ""),
    ("a", IN, ("x", "z"), "0"),
    ("n", NIN, (1, 2.5), "2"),
    ("a", NIN, ("x",), "12"),
    ("n", NIN, (), "012"),
    ("n", GT, 1, "1"),
    ("n", GTE, 1, "01"),
    ("n", LT, 2.5, "0"),
    ("n", LTE, 2.5, "01"),
    ("n", GT, "0", "2"),
    ("s", GT, "a", "0"),
    ("s", LT, "a", "2"),
    ("s", GTE, "a", "01"),
    ("s", GT, 0, ""),
    ("t", GT, False, "0"),
    ("t", LTE, False, "1"),
    ("t", GTE, 0, ""),
    ("z", GTE, None, ""),
    ("a", GT, "a", ""),
]


@pytest.mark.parametrize(("field", "operator", "operand", "found"), CONDITIONS)
def test_metadata_filters_compare_like_with_like(
    tagged: Backend, field: str, operator: Operator, operand: Any, found: str
) -> None:
    """Numbers with numbers, texts with texts; arrays of strings by element; negations include missing."""
    condition = MetadataCondition(field, operator, operand)
    query = ask(MESSAGE, "book", order_by=OrderBy.CREATED, order=Order.ASC, metadata=(condition,))
    assert ids(tagged, query) == ["m" + digit for digit in found]


def test_metadata_conditions_all_have_to_hold(tagged: Backend) -> None:
    """Each narrows the result."""
    conditions = (MetadataCondition("n", GTE, 1), MetadataCondition("s", EQ, "a"))
    assert ids(tagged, ask(MESSAGE, "book", metadata=conditions)) == ["m1"]


def test_filters_of_a_dialogue_are_about_the_dialogue(backend: Backend) -> None:
    """Tags, metadata and times are its own; an image is one of its messages'."""
    one = dialogue(id="one", tags=("vip",), metadata=JsonText('{"n":1}'), created=instant(5))
    stored(backend, one, [message(one, 0, "book", tags=("red",)), message(one, 1, "x", has_image=True)])
    two = dialogue(id="two", created=instant(6))
    stored(backend, two, [message(two, 0, "book", tags=("vip",))])
    assert ids(backend, ask(DIALOGUE, "book", tags_any=("vip",))) == ["one"]
    assert ids(backend, ask(DIALOGUE, "book", tags_any=("red",))) == []
    assert ids(backend, ask(DIALOGUE, "book", metadata=(MetadataCondition("n", EQ, 1),))) == ["one"]
    assert ids(backend, ask(DIALOGUE, "book", created=TimeRange(start=instant(6)))) == ["two"]
    assert ids(backend, ask(DIALOGUE, "book", has_image=True)) == ["one"]
    assert ids(backend, ask(DIALOGUE, "book", has_image=False)) == ["two"]
    assert ids(backend, ask(DIALOGUE, "book")) == ["two", "one"]


def test_memories_can_be_filtered_too(backend: Backend) -> None:
    """By tags, times and metadata; none has an image."""

    def work(tx: Transaction) -> None:
        tx.insert_memory(memory(id="a", terms="tea", tags=("x",), metadata=JsonText('{"n":1}')))
        tx.insert_memory(memory(id="b", terms="tea", created=instant(3)))

    backend.write(SCOPE, work)
    assert ids(backend, ask(MEMORY, "tea", tags_any=("x",))) == ["a"]
    assert ids(backend, ask(MEMORY, "tea", metadata=(MetadataCondition("n", NE, 1),))) == ["b"]
    assert ids(backend, ask(MEMORY, "tea", created=TimeRange(start=instant(3)))) == ["b"]
    assert ids(backend, ask(MEMORY, "tea", has_image=True)) == []
    assert ids(backend, ask(MEMORY, "tea", has_image=False)) == ["b", "a"]
