"""Words: how a text is cut, folded and stemmed."""

# ruff: noqa: RUF001 (letters of many scripts are the subject)

from __future__ import annotations

import sqlite3
from contextlib import closing
from threading import Thread
from unicodedata import category

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.domain.records import Scope
from app.search.forms import described, forms_of, make_forms, pair_form
from app.search.languages import ASSUMED_LANGUAGES, BY_FUNCTION_WORD, SCRIPTS, Languages, stem
from app.search.tokens import index_text, index_tokens, mark_tokens, marked_text
from app.search.words import (
    LONGEST_WORD,
    MOST_WORDS,
    chunks_in,
    fold,
    read_words,
    words_in,
)

TEXT = st.text(max_size=200)
LATIN = SCRIPTS["latin"]


def plain(text: str) -> list[str]:
    """Return the plain forms of a text's words; those of whole compounds are marked."""
    return [word[: len(word) - len(word.lstrip("="))] + forms_of(word)[0] for word in read_words(text)]


def stems(text: str) -> list[str]:
    """Return the stems of a text's words, without the wholes of compounds."""
    return [forms_of(word)[-1] for word in read_words(text) if word[0] != "="]


def tokens_of(texts: list[str]) -> list[str]:
    """Return the tokens that the index makes of texts, in its order."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(
            "CREATE VIRTUAL TABLE words USING fts5(text, tokenize = \"ascii tokenchars '!_'\")"
        )
        connection.execute("CREATE VIRTUAL TABLE tokens USING fts5vocab('words', 'instance')")
        connection.executemany("INSERT INTO words VALUES (?)", [(text,) for text in texts])
        return [term for (term,) in connection.execute("SELECT term FROM tokens ORDER BY doc, offset")]


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
        ("книги", "книг"),
        ("ich suche die Häuser", "ich suche die Haus"),
        ("quiero las canciones", "quiero las canción"),
        ("les chevaux sont dans le pré", "les cheval sont dans le pré"),
    ],
)
def test_forms_of_a_word_share_their_stem(one: str, other: str) -> None:
    """Word forms, case, accents and compatibility forms make no difference, in each text's language."""
    assert stems(one) == stems(other) != []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" -- !? \n", []),
        ("BA-117", ["=ba117", "ba", "117"]),
        ("b_a.117", ["=ba117", "b", "a", "117"]),
        ("getUserName()", ["=getusername", "get", "user", "name"]),
        ("HTTPServer PDFs iPhone", ["=httpserver", "http", "server", "pdfs", "=iphone", "i", "phone"]),
        ("AB1234 3f2a9c", ["=ab1234", "ab", "1234", "3f2a9c"]),
        ("$1,299.00", ["=129900", "1299", "00"]),
        ("1,2,3", ["=123", "1", "2", "3"]),
        ("anna@example.org", ["=annaexampleorg", "anna", "example", "org"]),
        ("/var/log/x", ["=varlogx", "var", "log", "x"]),
        ("cat cats cat", ["cat", "cats", "cat"]),
        ("l'avion d\u2019or", ["l", "avion", "d", "or"]),
        ("'sample'", ["sample"]),
        ("it's 'it''S", ["it", "it"]),
        ("naïve\u2014plan", ["naive", "plan"]),
        ("1\ufe0f\u20e3 ☎️ ok", ["1", "ok"]),
        ("日本", ["日本", "本"]),
        ("犬", ["犬"]),
        ("abc日本def", ["abc", "日本", "本", "def"]),
        ("ไทย", ["ไท", "ทย", "ย"]),
        ("กิน", ["กน", "น"]),
        ("की", ["की"]),
    ],
)
def test_text_is_cut_into_words(text: str, words: list[str]) -> None:
    """Compounds give their whole and their parts; scripts without spaces give pairs and the last one."""
    assert plain(text) == words


def test_a_pair_is_found_by_its_first_character() -> None:
    """So that one character of an unspaced script is found wherever it stands."""
    assert forms_of("日本") == ("日本", "日")


def test_different_vowel_signs_make_different_words() -> None:
    """Vowel signs of Indian scripts are letters of the word, though Unicode calls them marks."""
    assert plain("किताब") != plain("कतबा")
    assert len(plain("किताब मेज")) == 2


@pytest.mark.parametrize("letter", ["a", "é", "я", "𞤢"])
def test_a_long_word_is_cut(letter: str) -> None:
    """A word has at most 64 characters."""
    (word,) = plain(letter * 1000)
    assert len(word) <= LONGEST_WORD
    assert plain(letter * 1000) == plain(letter * 999)


def test_a_long_piece_without_spaces_is_read_whole() -> None:
    """A paragraph of Chinese is one piece, and all of it is found."""
    assert "検索" in plain("日本語の文章です。" * 20 + "検索できる")


@given(TEXT)
@example("İ ǅ ℃ ﷺ ʼn")
@settings(max_examples=300)
def test_words_are_written_without_spaces_and_reading_is_repeatable(text: str) -> None:
    """Written words stand between spaces in the store."""
    words = read_words(text)
    assert words == read_words(text) == " ".join(words).split()
    assert all(form and len(form) <= 4 * LONGEST_WORD for word in words for form in forms_of(word))


@given(
    st.lists(st.from_regex(r"[a-z]{1,12}|[а-я]{1,12}|[一-龥]{1,6}", fullmatch=True), min_size=1, max_size=8)
)
def test_each_word_of_a_text_is_found_as_it_is_written(words: list[str]) -> None:
    """Whatever language the text is taken for, the plain forms of its words are among its forms."""
    forms = {form for word in read_words(" ".join(words)) for form in forms_of(word)}
    assert {form for word in words for form in plain(word)} <= forms


@given(TEXT)
@settings(max_examples=300)
def test_a_form_is_one_token_of_the_index(text: str) -> None:
    """The tokenizer of the index takes each form as it stands."""
    forms = [form for word in read_words(text) for form in forms_of(word)]
    assert tokens_of([" ".join(forms)]) == forms


def test_every_character_gives_forms_that_are_one_token() -> None:
    """No character of Unicode, alone or between others, gives a form that the index would split or fold."""
    characters = [chr(code) for code in range(0x110000) if category(chr(code)) not in {"Cn", "Co", "Cs"}]
    texts = [f"б{character}б {character}" for character in characters]
    blocks = (" ".join(texts[start : start + 5000]) for start in range(0, len(texts), 5000))
    forms = list(
        dict.fromkeys(form for block in blocks for word in read_words(block) for form in forms_of(word))
    )
    assert len(forms) > 20_000
    found = tokens_of([" ".join(forms)])
    assert [pair for pair in zip(found, forms, strict=True) if pair[0] != pair[1]] == []


@given(st.lists(st.text(max_size=30) | st.from_regex(r"[A-Za-z]{1,20}", fullmatch=True), max_size=20))
@settings(max_examples=300)
def test_what_is_remembered_of_words_is_what_would_be_worked_out(texts: list[str]) -> None:
    """A text gives the same words and tokens whether its words were met before or not."""
    text = " ".join(texts)
    known = read_words(text)
    tokens = marked_text(index_text(" ".join(known), "d/m"), Scope("p", "n"))
    assert tokens.split() == mark_tokens(index_tokens(" ".join(known), "d/m"), Scope("p", "n"))
    chunks_in.cache_clear()
    described.clear()
    assert read_words(text) == known
    assert marked_text(index_text(" ".join(known), "d/m"), Scope("p", "n")) == tokens
    assert [forms_of(word) for word in known] == [make_forms(word) for word in known]
    assert [described[word] for word in known] == [(make_forms(word), pair_form(word)) for word in known]


@given(st.from_regex(r"[a-z]{1,30}", fullmatch=True), st.sampled_from(LATIN))
def test_a_plain_word_is_written_with_its_whole_stem(word: str, language: str) -> None:
    """What a Latin word is found by is its stem, folded, however little was done to write it."""
    (written,) = words_in(word, ASSUMED_LANGUAGES._replace(latin=language))
    expected = word if word in BY_FUNCTION_WORD else fold(stem(word, Languages(latin=language)))
    assert forms_of(written) == ((word,) if expected in {word, ""} else (word, expected))


def test_threads_stem_alike() -> None:
    """Stemming in several threads at once gives what one gives."""
    words = " ".join(f"running{'x' * (number % 9)}ings walked" for number in range(500))
    results: list[list[str]] = []
    threads = [Thread(target=lambda: results.append(read_words(words))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [read_words(words)] * 4


def test_the_words_of_one_item_are_bounded() -> None:
    """The first 20,000 words are kept; of those behind them each new one once, as many again."""
    words = plain(" ".join(["again"] * 10 + [f"n{number}x" for number in range(3 * MOST_WORDS)] + ["again"]))
    assert len(words) == 2 * MOST_WORDS
    assert words[:11] == ["again"] * 10 + ["n0x"]
    assert words.count("again") == 10


def test_characters_that_expand_are_read_to_a_bound() -> None:
    """A megabyte of a character that decomposes into 18 is read in part, and found."""
    assert plain("\ufdfa" * 340_000)[:2] == plain("\ufdfa")[:2]
