"""Highlights: what is marked in a text, and that nothing is left out for being quick."""

from __future__ import annotations

import random

import pytest

from app.search.analysis import message_terms
from app.search.highlights import LONGEST_PIECE, Highlighter
from app.search.keywords import read_keywords
from app.search.languages import SCRIPTS, TAKE_BEGINNINGS, Languages, stem
from app.search.scoring import Scoring
from app.search.words import fold

INDONESIAN = "saya membaca buku itu dengan mereka"
SYLLABLES = (
    *("ge", "be", "me", "mem", "ber", "di", "ter", "un", "bh", "ch", "mh", "n", "h", "t", "g", "ee", "ij"),
    *("a", "e", "i", "o", "u", "y", "sch", "ing", "en", "er", "ed", "lar", "ul", "s"),
)


def marked(query: str, text: str) -> list[str]:
    """Return the words of a text that are marked."""
    found = Highlighter(read_keywords(query)).mark([("content", text)])
    return [piece["text"][start:end] for piece in found for start, end in piece["ranges"]]


@pytest.mark.parametrize(
    ("query", "text", "expected"),
    [
        ("refund", "Refunds, REFUND and a refunded order; no fund.", ["Refunds", "REFUND", "refunded"]),
        ("order refund", "No order, no refund; no border.", ["order", "refund"]),
        ("1234", "See AB-1234 and ab1234.", ["1234", "1234"]),
        ("getName", "call getName or get_name", ["getName", "get_name"]),
        ("cafe", "The Café\u2019s open, CAFE.", ["Café\u2019s", "CAFE"]),
        ("untuk baca", INDONESIAN, ["membaca"]),
    ],
)
def test_what_matches_is_marked(query: str, text: str, expected: list[str]) -> None:
    """In every spelling, and also where the stem of a word does not begin as the word does."""
    assert marked(query, text) == expected


def test_a_word_is_scored_whose_stem_begins_otherwise() -> None:
    """Indonesian prefixes are taken away."""
    keywords = read_keywords("untuk baca")
    scoring = Scoring(keywords, [1] * len(keywords.words), 1000)

    assert scoring.score(message_terms(INDONESIAN)) is not None
    assert scoring.score(message_terms("the books on that shelf")) is None


def test_a_piece_shows_all_matches_that_are_in_it() -> None:
    """Up to its end, wherever the text goes on to."""
    text = "refund " + "x" * 100 + " refund " + "y " * (LONGEST_PIECE // 2) + "refund " * 50
    (piece,) = Highlighter(read_keywords("refund")).mark([("content", text)])

    assert piece["ranges"] == [(0, 6), (108, 114)]
    assert len(piece["text"]) <= LONGEST_PIECE


@pytest.mark.parametrize("language", [name for name in SCRIPTS["latin"] if name not in TAKE_BEGINNINGS])
def test_stems_begin_as_their_words(language: str) -> None:
    """In all languages in Latin letters but those that are named."""
    chance = random.Random(language)  # noqa: S311 - the same words each time
    words = ["".join(chance.choices(SYLLABLES, k=chance.randint(1, 5))) for _ in range(3000)]
    languages = Languages(latin=language)

    assert [word for word in words if fold(stem(word, languages))[:1] != word[0]] == []


@pytest.mark.parametrize("language", sorted(TAKE_BEGINNINGS - {"turkish"}))
def test_some_stems_begin_otherwise(language: str) -> None:
    """Which is why these languages are named; of Turkish only "dime" is known, whose stem is "t"."""
    chance = random.Random(language)  # noqa: S311 - the same words each time
    words = ["".join(chance.choices(SYLLABLES, k=chance.randint(1, 5))) for _ in range(3000)]
    languages = Languages(latin=language)

    assert any(stem(word, languages)[:1] != word[0] for word in words)
