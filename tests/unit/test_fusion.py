"""What words and meaning find together: in which order it comes, and what each of them adds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.records import ScopeFilter
from app.search.analysis import message_terms
from app.search.forms import forms_of
from app.search.fusion import (
    LEAST_COVERAGE,
    LEAST_OF_FEW,
    TRACE,
    Finding,
    Range,
    fuse,
    least_coverage,
    range_of,
    weigh_cosine,
)
from app.search.keywords import read_keywords
from app.search.paging import SearchPage, open_page
from app.search.query import Found, Mode, OrderBy, QueryVector, SearchObject, SearchQuery
from app.search.ranking import Candidate, Look, Ref, TermIndex
from app.search.results import Ranked, rank

SHARES = st.floats(0, 1)
COSINES = st.none() | st.floats(-1, 1)
LEASTS = st.sampled_from([LEAST_OF_FEW, LEAST_COVERAGE])
VECTOR = QueryVector("m", b"what is looked for")


@given(st.builds(Finding, SHARES, SHARES, COSINES), st.lists(st.floats(-1, 1), max_size=5), SHARES, LEASTS)
def test_values_grow_with_each_part(low: Finding, near: list[float], more: float, least: float) -> None:
    """A value is from 0 to 1, and never falls when an item is nearer or has more of the words."""
    nearness = range_of(near)
    higher = [
        low._replace(relevance=max(low.relevance, more)),
        low._replace(coverage=max(low.coverage, more)),
        low._replace(cosine=more if low.cosine is None else max(low.cosine, more)),
    ]

    for high in higher:
        assert 0 <= fuse(low, nearness, least) <= fuse(high, nearness, least) <= 1


def test_some_words_do_not_outweigh_meaning() -> None:
    """An item with six tenths of a long query stands behind the nearest, one with all of it before."""
    nearness = Range(0.1, 0.6)
    nearest, some, everything = Finding(0, 0, 0.6), Finding(0.5, 0.6, 0.2), Finding(0.9, 1, None)

    values = [fuse(one, nearness, LEAST_COVERAGE) for one in (everything, nearest, some)]
    assert values == sorted(set(values), reverse=True)


@given(st.lists(st.builds(Finding, SHARES, st.floats(0, LEAST_COVERAGE), st.floats(-1, 1)), min_size=1))
def test_stray_words_leave_the_order_of_meaning(findings: list[Finding]) -> None:
    """Items that have less than half of a query are in the order of their cosines, whatever they have."""
    nearness = range_of(finding.cosine or 0.0 for finding in findings)

    assert [fuse(one, nearness, LEAST_COVERAGE) for one in findings] == pytest.approx(
        [fuse(Finding(0, 0, one.cosine), nearness, LEAST_COVERAGE) for one in findings], abs=TRACE
    )


def test_one_of_two_words_counts() -> None:
    """Four tenths of a query outweigh a little more nearness if it has two words, but not if it has more."""
    nearness = Range(0.1, 0.6)
    having, nearer = Finding(0.4, 0.4, 0.3), Finding(0, 0, 0.32)

    assert fuse(having, nearness, least_coverage(2)) > fuse(nearer, nearness, least_coverage(2))
    assert fuse(having, nearness, least_coverage(3)) < fuse(nearer, nearness, least_coverage(3))


def test_items_without_vectors_are_in_the_order_of_their_words() -> None:
    """Even if they have little of the query: an embedder may only just have been switched on."""
    found = [Finding(0.9, 0.2, None), Finding(0.5, 0.2, None), Finding(0.5, 0.1, None), Finding(0, 0, None)]

    values = [fuse(one, Range(0.1, 0.6), LEAST_COVERAGE) for one in found]
    assert values == sorted(set(values), reverse=True)


def test_one_candidate_is_the_nearest() -> None:
    """Where there is one candidate it is the nearest, and without any nothing is near."""
    assert range_of([0.3]).place(0.3) == 1.0
    assert range_of([]).place(0.3) == 0.0
    assert range_of([0.2, 0.4]).place(None) == 0.0


@given(st.floats(-1, 1), st.integers(1, 1000), st.integers(1, 1000))
def test_few_words_take_a_message_away(cosine: float, few: int, many: int) -> None:
    """Of messages equally near, the one with more words counts more; what says the same stays nearest."""
    few, many = sorted([few, many])

    assert -4 <= weigh_cosine(cosine, few) <= weigh_cosine(cosine, many) <= cosine
    assert weigh_cosine(1, few) == 1
    assert weigh_cosine(cosine, few) < weigh_cosine(cosine + 0.1, few)


@pytest.mark.parametrize("mode", [Mode.MEANING, Mode.HYBRID])
def test_what_says_little_stands_behind(monkeypatch: pytest.MonkeyPatch, mode: Mode) -> None:
    """A message of one word stands behind a longer one that is a little farther away."""
    monkeypatch.setitem(MESSAGES, "c1", "anything")
    monkeypatch.setitem(COSINE, "c1", 0.75)

    assert found(search("expensive rent", mode))[:2] == ["a1", "a2"]
    assert found(search("expensive rent", mode))[2:] == ["c1", "b2", "b1"]


MESSAGES = {
    "a1": "the bill is far too high this month",
    "a2": "please send the invoice for March again",
    "b1": "which train goes to the airport",
    "b2": "the invoice shows the wrong train",
}
COSINE: dict[Ref, float] = {"a1": 0.7, "a2": 0.5, "b1": 0.1, "b2": 0.3}
MOMENT = "2026-01-01T00:00:00.000Z"


class Store(TermIndex):
    """Messages of dialogues a and b, as an index that knows their words and as vectors that are given."""

    is_filtered = False

    def __init__(self, kind: SearchObject = SearchObject.MESSAGE) -> None:
        self.kind = kind
        self.walked = 0

    @property
    def newest(self) -> int:
        """Return the number of the last one's vectors."""
        return len(COSINE)

    def index(self, kind: SearchObject, *, filtered: bool) -> Store:
        """Open the index of a kind."""
        assert filtered in {True, False}
        return Store(kind)

    def nearest(self, kind: SearchObject, limit: int, *, filtered: bool) -> Mapping[Ref, float]:
        """Return the cosines of messages."""
        assert limit == 1000
        assert filtered in {True, False}
        return COSINE if kind is SearchObject.MESSAGE else {}

    def _having(self, tokens: Sequence[str]) -> list[Ref]:
        asked = {token[1:].partition("!")[0] for token in tokens}
        said = {
            name: {form for word in message_terms(text).split() for form in forms_of(word)}
            for name, text in MESSAGES.items()
        }
        messages = self.kind is SearchObject.MESSAGE
        return [name for name, words in said.items() if messages and ("" in asked or asked & words)]

    def count(self, looks: Sequence[Look]) -> list[int]:
        """Count them one by one."""
        return [
            0 if one.tokens[0][0] != "t" else min(one.limit, len(self._having(one.tokens))) for one in looks
        ]

    def walk(self, looks: Sequence[Look], *, oldest: bool = False) -> list[list[Ref]]:
        """Return those with a word."""
        assert oldest in {True, False}
        return [self._having(one.tokens)[: one.limit] for one in looks]

    def complete(self, beginning: str, limit: int) -> list[str]:
        """Know no words that begin so."""
        raise NotImplementedError

    def read(self, refs: Sequence[Ref]) -> Iterable[Candidate]:
        """Return messages, or the dialogues that they are in."""
        for ref in map(str, refs):
            written = message_terms(MESSAGES[ref]) if ref in MESSAGES else ""
            yield Candidate(ref, written, MOMENT, MOMENT, (ref,), parent=ref[0] if ref in MESSAGES else None)


def search(text: str, mode: Mode, kind: SearchObject = SearchObject.MESSAGE, limit: int = 10) -> SearchQuery:
    """Return a query."""
    return SearchQuery(ScopeFilter("p"), kind, read_keywords(text), limit, mode=mode, vector=VECTOR)


def found(query: SearchQuery) -> list[str]:
    """Return the names of what is found, in order."""
    return [str(one.ref) for one in rank(query, Store(), Store()).results]


@pytest.mark.parametrize(
    ("text", "mode", "expected"),
    [
        ("invoice train", Mode.KEYWORD, ["b2", "b1", "a2"]),
        ("invoice train", Mode.MEANING, ["a1", "a2", "b2", "b1"]),
        ("invoice train", Mode.HYBRID, ["b2", "a2", "a1", "b1"]),
        ("expensive rent", Mode.KEYWORD, []),
        ("expensive rent", Mode.HYBRID, ["a1", "a2", "b2", "b1"]),
        ("expensive -train", Mode.MEANING, ["a1", "a2"]),
        ("expensive -train", Mode.HYBRID, ["a1", "a2"]),
        ('"wrong train"', Mode.MEANING, ["b2"]),
        ('"wrong train"', Mode.HYBRID, ["b2"]),
        ("", Mode.MEANING, ["a1", "a2", "b2", "b1"]),
    ],
)
def test_modes_order_what_they_find(text: str, mode: Mode, expected: list[str]) -> None:
    """Words find by words, meaning by nearness, both by both; phrases and exclusions hold in each mode."""
    assert found(search(text, mode)) == expected


@pytest.mark.parametrize("mode", list(Mode))
def test_relevance_falls_with_the_rank(mode: Mode) -> None:
    """Relevance is from 0 to 1 and falls from result to result."""
    shares = [one.relevance for one in rank(search("invoice train", mode), Store(), Store()).results]

    assert all(0 <= share <= 1 for share in shares)
    assert shares == sorted(shares, reverse=True)


def test_a_dialogue_is_as_near_as_its_nearest_message() -> None:
    """Messages make their dialogue a hit by meaning, and are the evidence for it in their order."""
    [first, second] = rank(search("rent", Mode.HYBRID, SearchObject.DIALOGUE), Store(), Store()).results[:2]

    assert [first.ref, second.ref] == ["a", "b"]
    assert [one.ref for one in first.evidence] == ["a1", "a2"]


def test_other_orders_take_what_is_near_in() -> None:
    """Ordered by time, what is found by meaning is there, too."""
    query = replace(search("rent", Mode.HYBRID), order_by=OrderBy.CREATED)

    assert sorted(found(query)) == sorted(MESSAGES)


def test_pages_are_parts_of_one_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page goes on behind the last one, also when something nearer was written in between."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    query = search("invoice train", Mode.HYBRID, limit=2)
    ranking = rank(query, Store(), Store())
    whole = found(replace(query, limit=10))
    page: list[Ranked] = list(ranking.results[:2])
    held = SearchPage(now).behind(Found([], ranking.frequencies, page[-1].position), Mode.HYBRID)
    monkeypatch.setitem(MESSAGES, "c1", "money")
    monkeypatch.setitem(COSINE, "c1", 0.99)

    rest = found(open_page(held, now).apply(query))

    assert [str(one.ref) for one in page] + [name for name in rest if name != "c1"] == whole
