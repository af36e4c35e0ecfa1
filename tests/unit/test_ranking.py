"""Ranking: the work of a search is bounded, and what it weighs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest

from app.domain.records import ScopeFilter
from app.search.analysis import dialogue_terms, message_terms
from app.search.counting import SAMPLE, count_frequencies
from app.search.keywords import read_keywords
from app.search.query import OrderBy, SearchObject, SearchQuery
from app.search.ranking import (
    COMMON,
    MOST_CANDIDATES,
    MOST_POSTINGS,
    Candidate,
    Frequencies,
    Look,
    Ref,
    TermIndex,
)
from app.search.results import rank
from app.search.scoring import Scoring
from app.search.tokens import IMPACTS, LEVELS, index_tokens

SAID = message_terms("the flight to Rome was booked with a gold card, please refund the late hotel booking")


class Everything(TermIndex):
    """An index of so many items, each of which has every word; it counts what is asked of it."""

    is_filtered = False

    def __init__(self, items: int) -> None:
        self.items = items
        self.commands = 0
        self.looks = 0
        self.entries = 0
        self.scored = 0

    def _take(self, found: int) -> int:
        self.looks += 1
        self.entries += found
        return found

    def count(self, looks: Sequence[Look]) -> list[int]:
        """Count the items, or those of a sample."""
        self.commands += 1
        one_in = [dict(LEVELS).get(one.tokens[0][0], 1) for one in looks]
        return [
            self._take(min(one.limit, self.items // each)) for one, each in zip(looks, one_in, strict=True)
        ]

    def walk(self, looks: Sequence[Look], *, oldest: bool = False) -> list[list[Ref]]:
        """Return the newest items, which have all tokens."""
        assert all(one.tokens for one in looks)
        self.commands += 1
        found = [self._take(min(one.limit, self.items)) for one in looks]
        return [list(range(n) if oldest else range(self.items, self.items - n, -1)) for n in found]

    def complete(self, beginning: str, limit: int) -> list[str]:
        """Return as many tokens as may be."""
        self.commands += 1
        return [f"{beginning}{number}" for number in range(self._take(limit))]

    def read(self, refs: Sequence[Ref]) -> Iterable[Candidate]:
        """Return the items, which all say the same."""
        self.scored += len(refs)
        moment = "2026-01-01T00:00:00.000Z"
        return [Candidate(ref, SAID, moment, moment, (str(ref),), parent=str(ref)) for ref in refs]


class Written(TermIndex):
    """An index of a few texts, the last one the newest, which is read as those of the stores are."""

    is_filtered = False

    def __init__(self, texts: Sequence[str]) -> None:
        self._written = [message_terms(text) for text in texts]
        self._tokens = [set(index_tokens(written, str(n))) for n, written in enumerate(self._written)]

    def index(self, kind: SearchObject, *, filtered: bool) -> Written:
        """Open the index itself, whatever is searched."""
        assert kind is SearchObject.MESSAGE
        assert filtered
        return self

    def count(self, looks: Sequence[Look]) -> list[int]:
        """Count the texts that each look finds."""
        return list(map(len, self.walk(looks)))

    def walk(self, looks: Sequence[Look], *, oldest: bool = False) -> list[list[Ref]]:
        """Return the numbers of the texts that each look finds."""
        places = range(len(self._tokens)) if oldest else range(len(self._tokens) - 1, -1, -1)
        return [self._having(one, places) for one in looks]

    def _having(self, look: Look, places: Iterable[int]) -> list[Ref]:
        found: list[Ref] = [n for n in places if not self._tokens[n].isdisjoint(look.tokens)]
        return found[: look.limit]

    def read(self, refs: Sequence[Ref]) -> Iterable[Candidate]:
        """Return the texts, a millisecond between two."""
        moments = [f"2026-01-01T00:00:{n // 1000:02}.{n % 1000:03}Z" for n in range(len(self._written))]
        asked = set(refs)
        return [
            Candidate(n, self._written[n], moment, moment, (str(n),))
            for n, moment in enumerate(moments)
            if n in asked
        ]

    def complete(self, beginning: str, limit: int) -> list[str]:
        """Return nothing: no beginnings are asked for."""
        raise NotImplementedError


class Site:
    """Opens one index for each kind."""

    def __init__(self, items: int) -> None:
        self.indexes: list[Everything] = []
        self._items = items

    def index(self, kind: SearchObject, *, filtered: bool) -> Everything:
        """Open an index; nothing is filtered."""
        assert kind
        assert filtered in {True, False}
        self.indexes.append(Everything(self._items))
        return self.indexes[-1]


MOST_COMMANDS = 3 + len(LEVELS) + 1 + len(IMPACTS) + 1 + 2 + MOST_POSTINGS // COMMON
"""For counts, endings, rare words, each impact, guesses and pairs, and where these have to be shared out."""

TEXTS = (
    "rome",
    "the",
    "please refund the late flight to Rome that was booked with a gold card for the hotel",
    " ".join(f"flight{number}x" for number in range(64)),
    "flight refund " * 60,
    "東京へ行きたいです" * 40,
    '"gold card" -train booked',
)


def work(text: str, items: int, kind: SearchObject, order_by: OrderBy) -> tuple[int, int, int, int]:
    """Return the commands, the looks, the entries and the scored items of a search."""
    site = Site(items)
    query = SearchQuery(ScopeFilter("p"), kind, read_keywords(text, prefix=True), 20, order_by=order_by)
    rank(query, site)
    found = [(one.commands, one.looks, one.entries, one.scored) for one in site.indexes]
    commands, looks, entries, scored = map(sum, zip(*found, strict=True))
    return commands, looks, entries, scored


@pytest.mark.parametrize("order_by", OrderBy)
@pytest.mark.parametrize("kind", SearchObject)
@pytest.mark.parametrize("text", TEXTS)
def test_a_search_does_no_more_in_a_larger_store(text: str, kind: SearchObject, order_by: OrderBy) -> None:
    """As much for 1,000,000,000 items as for 10,000,000, and all within bounds."""
    small, large = (work(text, items, kind, order_by) for items in (10_000_000, 1_000_000_000))
    assert small == large
    commands, looks, entries, scored = large
    indexes = 2 if kind is SearchObject.DIALOGUE else 1
    words = 1 + len(read_keywords(text).words)
    assert commands <= indexes * MOST_COMMANDS
    assert looks <= indexes * 10 * words
    assert entries <= indexes * (MOST_POSTINGS + words * (2 * SAMPLE + 4096) + 4 * 32)
    assert scored <= 3 * indexes * MOST_POSTINGS
    if order_by is OrderBy.RELEVANCE:
        assert scored <= (4 if indexes > 1 else 1) * MOST_CANDIDATES


@pytest.mark.parametrize(
    ("query", "words"), [("", 0), ("the train to Rome", 2), ("how are you", 3), ('"late train" refund', 3)]
)
def test_words_that_say_something_are_counted(query: str, words: int) -> None:
    """Function words are no such, unless there are no others."""
    keywords = read_keywords(query)

    assert Scoring(keywords, [10] * len(keywords.words), 1000).telling == words


def score(query: str, written: str) -> float:
    """Return the score of an item, 0 when it is no hit; all words are alike rare."""
    keywords = read_keywords(query)
    scoring = Scoring(keywords, [10] * len(keywords.words), 1000)
    found = scoring.score(written)
    return 0.0 if found is None else found.total


def test_a_score_grows_with_occurrences_and_falls_with_length() -> None:
    """Each occurrence adds less than the one before."""
    once, twice, thrice = (score("rome", message_terms("rome " * n + "x " * (9 - n))) for n in (1, 2, 3))
    assert once < twice < thrice
    assert thrice - twice < twice - once
    assert score("rome", message_terms("rome " + "x " * 99)) < once


def test_labels_and_tags_weigh_more_than_text() -> None:
    """In an item of the same words."""
    label = dialogue_terms("rome hotel", [], "{}")  # type: ignore[arg-type]  # JSON text
    assert score("rome", label) > score("rome", message_terms("rome hotel x"))


def test_exact_forms_weigh_more_than_stems_and_guesses() -> None:
    """A form as it is written, then by its stem, then by the stem of another language."""
    exact, stem = (score("booked", message_terms(text)) for text in ("booked", "booking"))
    assert exact > stem > 0
    assert 0 < score("Häuser", message_terms("ein Haus")) < score("Häuser", message_terms("zwei Häuser"))


@pytest.mark.parametrize("order_by", OrderBy)
def test_what_is_written_is_found_however_many_items_have_a_guessed_stem(order_by: OrderBy) -> None:
    """The Hungarian stem of "event" is "even", which every other text has, more often and later."""
    texts = ["we look forward to the event in the park, where there is room for all the children"]
    texts += [f"even now, even then, even number {n}" for n in range(COMMON + 500)]
    keywords = read_keywords("event")
    assert "even" in keywords.words[0].guesses

    query = SearchQuery(ScopeFilter("p"), SearchObject.MESSAGE, keywords, 2000, order_by=order_by)
    found = [one.ref for one in rank(query, Written(texts)).results]

    assert 0 in found
    assert len(found) == COMMON


def test_no_stem_is_guessed_that_stands_for_something_else() -> None:
    """A function word or a letter: most texts have these, and none of them for the sake of the stem."""
    for word in ("area", "one", "user", "meet", "Canada", "time", "fine"):
        assert not {"are", "on", "us", "me", "can", "t", "f"} & set(read_keywords(word).words[0].guesses)
    assert "haus" in read_keywords("Häuser").words[0].guesses


def test_what_is_rare_is_told_by_samples() -> None:
    """A word in few items is counted, one in many is estimated from the samples."""
    for items in (50, 3_000, 40_000, 3_000_000):
        site = Site(items)
        ranking = rank(SearchQuery(ScopeFilter("p"), SearchObject.MESSAGE, read_keywords("rome"), 5), site)
        (found,) = ranking.frequencies.words
        assert abs(found - items) <= items * 0.1
        assert ranking.frequencies == Frequencies(found, (found,))


def test_one_item_in_sixteen_is_in_the_sample() -> None:
    """The identity decides, so that every store samples the same items."""
    sampled = [identity for identity in map(str, range(4000)) if "a" in index_tokens("x", identity)]
    assert 150 < len(sampled) < 350
    assert all("ax" in index_tokens("x", identity) for identity in sampled)


@pytest.mark.parametrize(("words", "are_kept"), [(10, True), (11, False)])
def test_no_more_rare_items_are_kept_than_can_be_candidates(words: int, *, are_kept: bool) -> None:
    """A database would have to send them all; then they are only counted."""
    asked = " ".join(f"{letter}zk" for letter in "abcdefghijk"[:words])
    frequencies, (found,) = count_frequencies([Everything(1000)], read_keywords(asked))

    assert frequencies == Frequencies(1000, (1000,) * words)
    assert {number: len(refs) for number, refs in found.items()} == dict.fromkeys(
        range(words if are_kept else 0), 1000
    )
