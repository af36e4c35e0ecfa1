"""What the words of a search mean, what shows where they stand, and pages of results; on every store."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.conftest import Api
from tests.contract.searching import every_object, find, put, search

IDENTIFIERS = [
    ("Order AB-1234-X shipped", ["AB-1234-X", "ab1234x", "ab 1234 x", "1234"]),
    ("set MAX_RETRY_COUNT now", ["max_retry_count", "MaxRetryCount", "retry"]),
    ("call getUserName() first", ["getUserName", "get_user_name", "user name"]),
    ("mail to anna.smith@example.org", ["anna.smith@example.org", "anna", "example.org"]),
    ("see https://wiki.example.com/runbook?x=1", ["https://wiki.example.com/runbook?x=1", "runbook"]),
    ("in /var/log/nginx.conf", ["/var/log/nginx.conf", "nginx"]),
    ("commit 9f8e7d6c5b4a3928", ["9f8e7d6c5b4a3928", "9F8E7D6C5B4A3928"]),
    ("it costs $1,299.00 today", ["$1,299.00", "1299"]),
    ("her e-mail bounced", ["email", "e-mail"]),
]
"""Texts with an identifier, each with queries that find it."""

LANGUAGES = [
    ("Wir suchen die Häuser am See", ["Haus", "hauser", "HÄUSER"]),
    ("Les chevaux sont dans la prairie", ["cheval", "chevaux"]),
    ("Me gustan las canciones de este disco", ["canción", "cancion"]),
    ("Книги лежат на столе", ["книга", "стол"]),
    ("Vorrei prenotare i biglietti per il museo", ["biglietto"]),
    ("मेरी किताबें मेज पर हैं", ["किताब"]),
    ("来週の東京行きの新幹線", ["東京", "新幹線"]),
]
"""Texts in many languages, each with queries in other forms that find it."""


@pytest.mark.parametrize(("text", "queries"), IDENTIFIERS)
def test_identifiers_are_found_whole_and_by_their_parts(api: Api, text: str, queries: list[str]) -> None:
    """However they are typed, and before what has only a part of them."""
    put(api, "memory", "it", text)
    put(api, "memory", "other", "a note about retry, user, anna, wiki, log and mail")
    for query in queries:
        assert find(api, "memory", query)[:1] == ["it"], query


@pytest.mark.parametrize(("text", "queries"), LANGUAGES)
def test_words_are_found_in_other_forms_in_their_language(api: Api, text: str, queries: list[str]) -> None:
    """Script and function words of the text tell its language; nothing is configured."""
    put(api, "memory", "it", text)
    for query in queries:
        assert find(api, "memory", query) == ["it"], query


@every_object
def test_a_guessed_stem_is_no_answer(api: Api, kind: str) -> None:
    """However often it occurs (some language stems "needle" to "need"): behind the word, less relevant."""
    put(api, kind, "guess", "need, need, need, need and need")
    (guess,) = search(api, kind, "needle")["results"]
    assert 0 < guess["relevance"] < 0.7
    put(api, kind, "word", "the needle is somewhere in all the hay that was brought in on that long evening")
    word, guess = search(api, kind, "needle")["results"]
    assert (word["item"]["id"], guess["item"]["id"]) == ("word", "guess")
    assert guess["relevance"] < 0.7


@every_object
def test_the_query_as_it_is_asked_comes_before_scattered_words(api: Api, kind: str) -> None:
    """With a function word between two others, and however often the scattered ones occur."""
    for number in range(8):
        put(api, kind, f"n{number}", "a table for two")
    put(api, kind, "exact", "Hi, I need to cancel my reservation.")
    put(
        api,
        kind,
        "other",
        "To cancel a reservation, name the reservation, and my colleague will cancel the reservation.",
    )
    put(api, kind, "often", "My plans changed: cancel this reservation, cancel that reservation.")
    assert find(api, kind, "cancel my reservation")[0] == "exact"


@every_object
def test_rarer_words_count_more(api: Api, kind: str) -> None:
    """A word that all have says little; one that few have decides."""
    for number in range(8):
        put(api, kind, f"c{number}", "a booking for a table today")
    put(api, kind, "rare", "the terrace, and much else that was said on that long evening")
    assert find(api, kind, "booking terrace")[0] == "rare"


@every_object
def test_words_side_by_side_count_more_than_scattered_ones(api: Api, kind: str) -> None:
    """The exact phrase first, then near words, then scattered ones."""
    put(api, kind, "scattered", "credit was given when the plastic and worn old card came")
    put(api, kind, "phrase", "the worn and old credit card came when plastic was given")
    put(api, kind, "near", "credit on a card was given when the old and plastic worn")
    assert find(api, kind, "credit card") == ["phrase", "near", "scattered"]


@every_object
def test_quoted_phrases_must_stand_there(api: Api, kind: str) -> None:
    """Word for word and side by side; other words only add to the rank."""
    put(api, kind, "it", "a Credit Card for you")
    put(api, kind, "other", "cards and credit, credit or card")
    assert find(api, kind, '"credit card"') == ["it"]
    assert find(api, kind, 'credit "CREDIT CARD" other') == ["it"]
    assert find(api, kind, '"card credit"') == []


@every_object
def test_a_dash_excludes(api: Api, kind: str) -> None:
    """A word in every form, and a quoted phrase; alone it finds nothing, inside a word it means nothing."""
    put(api, kind, "train", "a ticket for the train to Berlin")
    put(api, kind, "bus", "a ticket for the bus to Berlin")
    assert find(api, kind, "ticket -trains") == ["bus"]
    assert find(api, kind, 'ticket -"the bus"') == ["train"]
    assert find(api, kind, "-train") == []
    assert set(find(api, kind, "ticket-train")) == {"train", "bus"}


@every_object
def test_the_last_word_may_be_the_beginning_of_one(api: Api, kind: str) -> None:
    """Only when asked; the words before it are whole."""
    put(api, kind, "one", "a reservation for dinner")
    put(api, kind, "two", "resident parking")
    assert find(api, kind, "rese") == []
    assert find(api, kind, "rese", prefix=True) == ["one"]
    assert set(find(api, kind, "res", prefix=True)) == {"one", "two"}
    assert find(api, kind, "res park", prefix=True) == ["two"]
    answer = search(api, kind, "dinner reser", prefix=True)
    assert answer["request"]["prefix"] is True
    assert answer["results"][0]["item"]["id"] == "one"
    assert find(api, kind, "xyzzy", prefix=True) == []


def marked(highlights: list[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """Return the fields of highlights with the texts that are marked in them."""
    return [(one["field"], [one["text"][a:b] for a, b in one["ranges"]]) for one in highlights]


def test_results_show_where_the_words_stand(api: Api) -> None:
    """By field and range, in every form that was found; a whole identifier is one mark."""
    said = "We booked it. " + "Nothing more. " * 40 + "The booking AB-1234-X is 東京 日本."
    api.ok(
        "POST", "/dialogue", {"id": "d", "label": "Bookings", "message": {"role": "user", "content": said}}
    )
    (hit,) = search(api, "dialogue", "book ab1234x 東京")["results"]
    assert marked(hit["highlights"]) == [("label", ["Bookings"])]
    (match,) = hit["matches"]
    assert marked(match["highlights"]) == [("content", ["booked"])]
    (hit,) = search(api, "message", "ab1234x 東京")["results"]
    assert marked(hit["highlights"]) == [("content", ["AB-1234-X", "東京"])]
    assert len(hit["highlights"][0]["text"]) <= 200
    api.ok(
        "POST", "/memory", {"id": "m", "value": {"theme": ["Dark"]}, "tags": ["ui"], "description": "Look"}
    )
    (hit,) = search(api, "memory", "themes dark ui look")["results"]
    assert marked(hit["highlights"]) == [("description", ["Look"]), ("tags", ["ui"]), ("value", ["theme"])]
    (hit,) = search(api, "memory", "da", prefix=True)["results"]
    assert marked(hit["highlights"]) == [("value", ["Dark"])]


def walk(api: Api, kind: str, query: str, cursor: str | None = None, **fields: Any) -> list[str]:
    """Return the ids of all pages of a search, or of those behind a cursor."""
    found: list[str] = []
    while True:
        answer = search(api, kind, query, **fields, **({} if cursor is None else {"next": cursor}))
        found += [item["id"] for item in answer["items"]]
        if "next" not in answer:
            return found
        assert len(answer["items"]) == fields["limit"]
        cursor = answer["next"]


@every_object
@pytest.mark.parametrize("order", ["relevance", "created", "modified"])
def test_pages_follow_one_another(api: Api, kind: str, order: str) -> None:
    """All results once, in the order of one large page, also when others are written meanwhile."""
    for number in range(11):
        put(api, kind, f"n{number:02}", "a flight " + "to Rome " * (number % 4))
    whole = find(api, kind, "flight Rome", orderBy=order)
    assert len(whole) == 11
    assert walk(api, kind, "flight Rome", orderBy=order, limit=4) == whole
    assert walk(api, kind, "flight Rome", orderBy=order, limit=11) == whole
    first = search(api, kind, "flight Rome", orderBy="relevance", limit=4)
    put(api, kind, "new", "a flight to Rome, to Rome and to Rome again, all of Rome")
    rest = walk(api, kind, "flight Rome", first["next"], orderBy="relevance", limit=4)
    seen = [item["id"] for item in first["items"]] + rest
    assert len(seen) == len(set(seen))
    assert set(whole) <= set(seen)


def test_a_cursor_belongs_to_its_search(api: Api) -> None:
    """With other words or filters, altered or of a list, it is refused."""
    for number in range(3):
        put(api, "memory", f"n{number}", "flight")
    cursor = search(api, "memory", "flight", limit=1)["next"]
    listed = api.ok("GET", "/memory", query={"limit": 1})["next"]
    body = {"query": "flight", "object": "memory", "next": cursor}
    assert len(api.ok("POST", "/search", body)["items"]) == 2
    for wrong in ({"query": "flights"}, {"tags": ["x"]}, {"next": cursor[:-2] + "xx"}, {"next": listed}):
        refusal = api.refused(400, "INVALID_PARAMETER", "POST", "/search", body | wrong)
        assert "with the same query, filters and order" in refusal["message"]


def test_a_search_has_a_thousand_results_at_most(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then there is no next page, however many items match."""
    monkeypatch.setattr("app.search.paging.MOST_CANDIDATES", 7)
    for number in range(12):
        put(api, "memory", f"n{number:02}", "flight")
    assert len(walk(api, "memory", "flight", limit=1)) == 7


@every_object
def test_pathological_queries_are_answered(api: Api, kind: str) -> None:
    """Only function words, only punctuation, one letter, many words: each is a search like others."""
    put(api, kind, "it", "what is the matter with x of the who")
    assert find(api, kind, "the who is of") == ["it"]
    assert find(api, kind, "?!. --") == []
    assert find(api, kind, "x") == ["it"]
    assert find(api, kind, " ".join(f"w{number}" for number in range(150)) + " matter") == []
    assert find(api, kind, "matter " + "ก" * 900) == ["it"]
