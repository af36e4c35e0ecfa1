"""The search analyser: which terms a text gives."""

# ruff: noqa: RUF001 (letters of many scripts are the subject)

from __future__ import annotations

import sqlite3
from contextlib import closing
from threading import Thread
from unicodedata import category

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.domain.records import JsonText
from app.search.analysis import (
    LONGEST_WORD,
    MOST_TERMS,
    dialogue_terms,
    has_image,
    memory_terms,
    message_terms,
    stem_words,
)

TEXT = st.text(max_size=200)


def tokens_of(text: str) -> list[str]:
    """Return the tokens that FTS5 makes of a text, in its order."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(
            "CREATE VIRTUAL TABLE words USING fts5(text, tokenize = 'unicode61 remove_diacritics 0')"
        )
        connection.execute("CREATE VIRTUAL TABLE tokens USING fts5vocab('words', 'instance')")
        connection.execute("INSERT INTO words VALUES (?)", (text,))
        return [term for (term,) in connection.execute("SELECT term FROM tokens ORDER BY offset")]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("booking", "Books"),
        ("RUNNING", "runs"),
        ("Résumé", "resume"),
        ("re\u0301sume\u0301", "resume"),
        ("straße", "STRASSE"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("ёж", "ЕЖ"),
        ("\ufb01le", "file"),
        ("ＡＢＣ", "abc"),
        ("customer's", "customers"),
        ("Customer\u2019s", "customer"),
        ("co\u00adoperate", "cooperate"),
        ("می\u200cخواهم", "میخواهم"),
        ("שָׁלוֹם", "שלום"),
        ("ＣＵＳＴＯＭＥＲ", "customers"),
        ("ｱ", "ア"),
    ],
)
def test_forms_of_a_word_share_their_term(one: str, other: str) -> None:
    """Word forms, case, accents and compatibility forms make no difference."""
    assert stem_words(one) == stem_words(other) != []


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        (" -- !? \n", []),
        ("BA-117, b_a.117", ["ba", "117", "b", "a"]),
        ("cat Cats cat", ["cat"]),
        ("l'avion d\u2019or", ["l", "avion", "d", "or"]),
        ("'sample'", ["sampl"]),
        ("it's 'it''S", ["it"]),
        ("naïve\u2014plan", ["naiv", "plan"]),
        ("1\ufe0f\u20e3 ☎️ ok", ["1", "ok"]),
        ("日本", ["日", "本", "日本"]),
        ("犬", ["犬"]),
        ("abc日本def", ["abc", "日", "本", "日本", "def"]),
        ("ไทย", ["ไ", "ท", "ย", "ไท", "ทย"]),
        ("กิน", ["ก", "น", "กน"]),
        ("𞤀", [f"z{ord('𞤢')}"]),
        ("की", [f"कz{ord(chr(0x940))}"]),
    ],
)
def test_text_is_split_into_terms(text: str, terms: list[str]) -> None:
    """Words are runs of letters and digits; scripts without spaces give characters and pairs."""
    assert stem_words(text) == terms


def test_different_vowel_signs_make_different_words() -> None:
    """Vowel signs of Indian scripts are letters of the word, though Unicode calls them marks."""
    assert stem_words("किताब") != stem_words("कतबा")
    assert len(stem_words("किताब मेज")) == 2


@pytest.mark.parametrize("letter", ["a", "é", "я", "𞤢"])
def test_a_long_word_is_cut(letter: str) -> None:
    """A word gives one term of at most 64 characters."""
    (term,) = stem_words(letter * 1000)
    assert len(term) <= LONGEST_WORD
    assert stem_words(letter * 1000) == stem_words(letter * 999)


def test_a_long_piece_without_spaces_is_read_whole() -> None:
    """A paragraph of Chinese is one piece, and all of it is found."""
    assert set(stem_words("検索")) < set(stem_words("日本語の文章です。" * 20 + "検索できる"))


@given(TEXT)
@example("İ ǅ ℃ ﷺ ʼn")
@settings(max_examples=300)
def test_terms_are_distinct_and_analysing_is_repeatable(text: str) -> None:
    """A text gives each term once, and its capitals the same terms when case folding is reversible."""
    terms = stem_words(text)
    assert len(terms) == len(set(terms))
    assert terms == stem_words(text)
    assert all(terms)


@given(
    st.lists(st.from_regex(r"[a-z]{1,12}|[а-я]{1,12}|[一-龥]{1,6}", fullmatch=True), min_size=1, max_size=8)
)
def test_each_word_of_a_text_is_found_by_itself(words: list[str]) -> None:
    """The terms of a word are among the terms of every text that has the word."""
    terms = set(stem_words(" ".join(words)))
    assert all(set(stem_words(word)) <= terms for word in words)


@given(TEXT)
@settings(max_examples=300)
def test_a_term_is_one_token_of_the_index(text: str) -> None:
    """The unicode61 tokenizer takes each term as it stands."""
    terms = stem_words(text)
    assert tokens_of(" ".join(terms)) == terms


def test_every_character_gives_terms_that_are_one_token() -> None:
    """No character of Unicode, alone or between others, gives a term that the index would split or fold."""
    characters = [chr(code) for code in range(0x110000) if category(chr(code)) not in {"Cn", "Co", "Cs"}]
    texts = [f"б{character}б {character}" for character in characters]
    blocks = (" ".join(texts[start : start + 5000]) for start in range(0, len(texts), 5000))
    terms = list(dict.fromkeys(term for block in blocks for term in stem_words(block)))
    assert len(terms) > 130_000
    assert [pair for pair in zip(tokens_of(" ".join(terms)), terms, strict=True) if pair[0] != pair[1]] == []


def test_threads_stem_alike() -> None:
    """Stemming in several threads at once gives what one gives."""
    words = [f"running{number}ings" for number in range(500)]
    results: list[list[str]] = []
    threads = [Thread(target=lambda: results.append(stem_words(" ".join(words)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [stem_words(" ".join(words))] * 4


def test_a_dialogue_is_found_by_label_tags_and_metadata_values() -> None:
    """Keys of metadata, true, false and null give no terms."""
    metadata = JsonText(
        '{"customer":"Ada","order":4711,"deep":{"list":["Boat",{"x":1.5}]},"vip":true,"no":null}'
    )
    assert dialogue_terms("Billing issue", ["urgent"], metadata) == "bill issu urgent ada 4711 boat 1 5"
    assert dialogue_terms(None, [], JsonText("{}")) == ""


def test_parts_never_join_into_a_word() -> None:
    """Two texts side by side stay two words, in scripts without spaces too."""
    assert dialogue_terms("日", ["本"], JsonText("{}")) == "日 本"


@pytest.mark.parametrize(
    ("content", "terms"),
    [
        ("Cancel my bookings", "cancel my book"),
        ([{"type": "text", "text": "Hello"}, {"type": "input_text", "text": "world"}], "hello world"),
        ([{"type": "output_text", "text": "Answer"}], "answer"),
        ({"text": "bare"}, "bare"),
        ({"role": "user", "content": [{"type": "text", "text": "whole message"}]}, "whole messag"),
        ({"parts": [{"text": "part"}]}, "part"),
        (
            {
                "content": None,
                "tool_calls": [
                    {
                        "id": "c1",
                        "type": "function",
                        "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'},
                    }
                ],
            },
            "get weather citi pari",
        ),
        ({"content": "Sunny", "tool_call_id": "secret7"}, "sunni"),
        ({"content": "", "tool_calls": [{"name": "lookup", "arguments": {"q": "Oslo"}}]}, "lookup oslo"),
        ([{"type": "tool_use", "id": "t1", "name": "find", "input": {"where": ["Rome", 3]}}], "find rome 3"),
        (
            [{"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "Found"}]}],
            "found",
        ),
        ([{"type": "tool_result", "content": "Plain"}], "plain"),
        ([{"type": "function_call", "name": "f", "arguments": '"x"'}], "f x"),
        ([{"type": "function_call_output", "output": "done"}], "done"),
        ({"role": "assistant", "function_call": {"name": "old", "arguments": "{}"}}, "old"),
        ([{"type": "image", "source": {"data": "aGVsbG8="}, "name": "picture"}], ""),
        ([{"type": "text", "text": 5}, {"type": "unknown", "payload": "hidden"}], ""),
        ({"tool_calls": "none", "function": "none"}, ""),
        ({"tool_calls": [None, {"function": {"name": 5, "arguments": "kept"}}]}, "kept"),
    ],
)
def test_content_gives_the_terms_of_what_is_said(content: object, terms: str) -> None:
    """Text, tool names and arguments count in every known shape; ids and data do not."""
    assert message_terms(content) == terms


def test_text_nested_too_deep_is_left_out() -> None:
    """Looking for text and images ends at a depth, whatever the content."""
    content: object = {"type": "image", "text": "deep"}
    value: object = "deep"
    for _ in range(100):
        content, value = [content], [value]
    assert message_terms(content) == ""
    assert not has_image(content)
    assert memory_terms("top", None, value) == "top"


def test_a_memory_is_found_by_label_description_and_texts_of_its_value() -> None:
    """All texts and numbers of the value count, its keys do not."""
    value = {"theme": "Dark pages", "list": ["serif", 12, True, None]}
    assert memory_terms("Layout", "How it looks", value) == "layout how it look dark page serif 12"
    assert memory_terms(None, None, None) == ""


def test_the_terms_of_one_item_are_bounded() -> None:
    """At most 20,000 distinct terms of an item are kept: the first."""
    terms = message_terms(" ".join(f"n{number}" for number in range(MOST_TERMS + 100))).split()
    assert len(terms) == MOST_TERMS
    assert terms[-1] == f"n{MOST_TERMS - 1}"


def test_characters_that_expand_are_read_to_a_bound() -> None:
    """A megabyte of a character that decomposes into 18 is read in part, and found."""
    assert stem_words("\ufdfa" * 340_000)[:2] == stem_words("\ufdfa")[:2]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("an image_url in words", False),
        ({"type": "text", "text": "image"}, False),
        ([{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}], True),
        ([{"type": "text", "text": "see"}, {"type": "image", "source": {}}], True),
        ([{"type": "input_image", "file_id": "f"}], True),
        ({"content": [{"type": "image"}], "tool_call_id": "c"}, True),
        ([{"type": "tool_result", "content": [{"type": "image"}]}], True),
        ([{"type": ["image"]}], False),
        ([], False),
        (None, False),
    ],
)
def test_images_are_seen_anywhere(content: object, expected: bool) -> None:  # noqa: FBT001
    """An image block counts wherever it stands in structured content."""
    assert has_image(content) is expected
