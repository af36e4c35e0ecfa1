"""Searches find the same, in the same order, in every store; also where candidates are cut off."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.domain.records import JsonText, Memory, Message, Order, ScopeFilter, TimeRange
from app.search import counting, ranking
from app.search.analysis import message_terms
from app.search.keywords import read_keywords
from app.search.query import MetadataCondition, Operator, OrderBy, SearchObject, SearchQuery
from app.stores import Backend, Transaction
from tests.conftest import STORES, open_backend
from tests.records import ANNA, SCOPE, deleted, dialogue, instant, memory, message, stored, with_json_tags

WORDS = (
    *("the", "of", "to", "and", "flight", "flights", "hotel", "hotels", "Rome", "Berlin", "booking"),
    *("booked", "card", "credit", "late", "refund", "refunds", "Häuser", "Haus", "AB-1234", "user_name"),
    *("東京", "книги", "книга", "please", "cancel", "gold", "silver", "bag", "bags", "window", "seat"),
)
QUERIES = 25
STEPS = (1, 3, 7, 200)


@pytest.fixture(params=STORES[1:])
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Backend, Backend]]:
    """Give SQLite and another store."""
    sqlite = open_backend("sqlite", tmp_path)
    other = open_backend(request.param, tmp_path)
    yield next(sqlite), next(other)
    for opened in (sqlite, other):
        next(opened, None)


def text(chance: random.Random) -> str:
    """Return a few words, the first ones far more often."""
    return " ".join(
        WORDS[int(len(WORDS) * chance.random() ** 2)] for _ in range(chance.choice((1, 3, 6, 30)))
    )


def fill(stores: tuple[Backend, Backend], seed: int) -> None:
    """Store the same random things in both."""
    chance = random.Random(seed)  # noqa: S311 - the same things each time
    for number in range(12):
        scope = chance.choice((SCOPE, ANNA))
        parent = dialogue(
            scope,
            id=f"d{number}",
            uid=f"u{number}",
            label=chance.choice((None, text(chance)[:120])),
            tags=tuple(chance.sample(("a", "b"), chance.randrange(3))),
            created=instant(chance.randrange(9)),
        )
        rows = []
        for seq in range(chance.randrange(9)):
            said = text(chance)
            rows.append(
                message(
                    parent,
                    seq,
                    said,
                    id=f"d{number}m{seq}",
                    terms=message_terms(said),
                    tags=tuple(chance.sample(("a", "b"), chance.randrange(3))),
                    metadata=JsonText(f'{{"n":{chance.randrange(3)}}}'),
                    has_image=chance.random() < 0.2,
                )
            )
        kept = memory(scope, id=f"k{number}", terms=message_terms(text(chance)), created=instant(number % 4))
        fate = chance.random()
        for store in stores:
            whole = stored(store, parent, rows)
            store.write(scope, partial(remember, kept=kept))
            if fate < 0.3:
                deleted(store, whole, purge=fate < 0.15)
            elif rows:
                store.write(scope, partial(remove, one=rows[0]))


def remember(tx: Transaction, kept: Memory) -> None:
    """Add a memory."""
    tx.insert_memory(kept)


def remove(tx: Transaction, one: Message) -> None:
    """Remove a message."""
    tx.lock_dialogue(one.dialogue_id)
    tx.remove_message(one)


def queries(seed: int) -> Iterator[SearchQuery]:
    """Yield random searches of every kind."""
    chance = random.Random(seed)  # noqa: S311 - the same things each time
    for _ in range(QUERIES):
        asked = text(chance)
        if chance.random() < 0.3:
            asked += chance.choice((" -late", ' "flight to"', ' -"credit card"', " bo"))
        filters: dict[str, Any] = {}
        if chance.random() < 0.3:
            filters["tags_any"] = ("a",)
        if chance.random() < 0.2:
            filters["metadata"] = (MetadataCondition("n", Operator.GTE, 1),)
        if chance.random() < 0.2:
            filters["created"] = TimeRange(start=instant(2))
        if chance.random() < 0.2:
            filters["has_image"] = chance.random() < 0.5
        yield SearchQuery(
            ScopeFilter("acme", chance.choice((None, None, ANNA.namespace, ""))),
            chance.choice(list(SearchObject)),
            read_keywords(asked, prefix=chance.random() < 0.3),
            chance.choice((2, 5, 50)),
            order_by=chance.choice(list(OrderBy)),
            order=chance.choice(list(Order)),
            **filters,
        )


def pages(store: Backend, query: SearchQuery) -> list[Any]:
    """Return the hits of all pages of a search, each with its relevance and its evidence."""
    found: list[Any] = []
    while True:
        page = store.search(query)
        for hit in page.hits:
            shown = [(match.item, match.relevance) for match in hit.matches]
            found.append((with_json_tags(hit.item), hit.relevance, shown))
        if page.last is None:
            return found
        query = replace(query, after=page.last, frequencies=page.frequencies)


@pytest.mark.parametrize("seed", range(3))
def test_stores_agree(pair: tuple[Backend, Backend], seed: int) -> None:
    """Over random stores and searches; the pages of a search repeat nothing."""
    fill(pair, seed)
    some = 0
    for query in queries(seed):
        first, second = (pages(store, query) for store in pair)
        assert first == second, query
        keys = [str(hit[0]) for hit in first]
        assert len(keys) == len(set(keys))
        relevance = [hit[1] for hit in first]
        if query.order_by is OrderBy.RELEVANCE:
            assert relevance == sorted(relevance, reverse=query.order is Order.DESC)
        some += bool(first)
    assert some > QUERIES // 4


@pytest.mark.parametrize("step", STEPS)
def test_stores_agree_where_candidates_are_cut(
    pair: tuple[Backend, Backend], monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """With bounds so small that they take effect."""
    for name in ("MOST_CANDIDATES", "COMMON", "MOST_PAIRED"):
        monkeypatch.setattr(ranking, name, step)
    for name in ("SAMPLE", "LEAST_SAMPLE", "MOST_COUNTED"):
        monkeypatch.setattr(counting, name, step)
    monkeypatch.setattr(ranking, "MOST_POSTINGS", 3 * step)
    fill(pair, step)
    for query in queries(step):
        asked = replace(query, keywords=replace(query.keywords, prefix=None))
        first, second = (pages(store, asked) for store in pair)
        assert first == second, asked
