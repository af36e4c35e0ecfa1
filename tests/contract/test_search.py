"""Searching dialogues, messages and memories: the same on every store, and never behind the data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.stores import Backend
from tests.contract.conftest import Api, make_key
from tests.contract.searching import every_object, find, put, search

FORMS = [
    ("Booking a flight", "book"),
    ("we booked it", "BOOKINGS"),
    ("Résumé of a café", "resume cafe"),
    ("resume", "RÉSUMÉ"),
    ("Straße", "strasse"),
    ("ﬁnal answer", "final"),
    ("the user's password", "user"),
    ("order-4711 is late", "4711"),
    ("東京へ行きたい", "東京"),
    ("le château d'eau", "EAU"),
    ("C++ and C#", "c"),
]
"""Texts, each with a query that finds it."""


@every_object
def test_words_are_found_in_other_forms(api: Api, kind: str) -> None:
    """Word forms, capitals, accents and compatibility forms do not matter."""
    for number, (text, _) in enumerate(FORMS):
        put(api, kind, f"t{number}", text)
    for number, (_, query) in enumerate(FORMS):
        assert f"t{number}" in find(api, kind, query), query
    assert find(api, kind, "strasse") == ["t4"]
    assert find(api, kind, "nowhere") == []


@every_object
def test_any_word_may_match_and_the_best_comes_first(api: Api, kind: str) -> None:
    """More of the words first, then the briefer text; relevance falls with the order."""
    put(api, kind, "both", "flight to Berlin")
    put(api, kind, "brief", "berlin")
    put(api, kind, "long", "Berlin in the long and cold winter of the north")
    put(api, kind, "none", "a train to Rome")
    results = search(api, kind, "flights berlin")["results"]
    assert [result["item"]["id"] for result in results] == ["both", "brief", "long"]
    relevance = [result["relevance"] for result in results]
    assert relevance == sorted(set(relevance), reverse=True)
    assert find(api, kind, "flights berlin", order="asc") == ["long", "brief", "both"]
    assert find(api, kind, "flights berlin", limit=1) == ["both"]
    assert search(api, kind, "berlin", limit=1)["results"][0]["relevance"] == 1


OPERATORS = [
    '"',
    "'",
    "*",
    "(",
    "flight AND",
    "NOT flight",
    "flight OR -train",
    '"flight" NEAR(train, 2)',
    "label:flight",
    "flight*",
    "^flight",
    "-flight",
    "{flight : train} + $where",
    "$text",
    "%",
    "_",
    ";--",
    "\\",
    "\u200b",
    "🛫",
    "flight " * 140,
]
"""What some query language would read as more than words."""


@every_object
def test_special_characters_are_harmless(api: Api, kind: str) -> None:
    """What a query language would read as an operator is a separator, quotes and a leading dash apart."""
    put(api, kind, "it", "a flight")
    for query in OPERATORS:
        asks = "flight" in query and query != "-flight"
        assert find(api, kind, query) == (["it"] if asks else []), query


@pytest.mark.parametrize(
    "content",
    [
        "the ticket",
        {"type": "text", "text": "the ticket"},
        [{"type": "text", "text": "hello"}, {"type": "text", "text": "the ticket"}],
        {"content": None, "tool_calls": [{"function": {"name": "buy", "arguments": '{"what":"ticket"}'}}]},
        [{"type": "tool_use", "id": "t", "name": "buy", "input": {"what": "a ticket"}}],
        [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "tickets"}]}],
    ],
)
def test_messages_are_found_by_all_that_they_say(api: Api, content: Any) -> None:
    """Text, text parts, tool calls and tool results are read in the shapes of the model APIs."""
    put(api, "message", "it", "", content=content)
    put(api, "message", "url", "", content=[{"type": "image_url", "image_url": {"url": "ticket"}}])
    assert find(api, "message", "ticket") == ["it"]


def test_memories_are_found_by_label_description_and_value(api: Api) -> None:
    """Wherever in the value a text stands, its keys included; by tags too."""
    api.ok("POST", "/memory", {"id": "label", "value": None, "label": "Colours"})
    api.ok("POST", "/memory", {"id": "description", "value": 1, "description": "which colour"})
    api.ok("POST", "/memory", {"id": "value", "value": [{"deep": [{"er": "colour"}]}]})
    api.ok("POST", "/memory", {"id": "key", "value": {"colour": "blue"}})
    api.ok("POST", "/memory", {"id": "tags", "value": 1, "tags": ["colour"]})
    everywhere = {"label", "description", "value", "key", "tags"}
    assert set(find(api, "memory", "colours")) == everywhere


def test_dialogues_show_the_messages_that_matched(api: Api) -> None:
    """Label, tags, metadata values and messages find a dialogue; up to three messages are evidence."""
    texts = ["refund", "the refund", "a refund for you", "refunds and everything else", "bye"]
    batch = [{"id": f"m{n}", "role": "user", "content": text} for n, text in enumerate(texts)]
    api.ok("POST", "/dialogue", {"id": "said", "messages": batch})
    api.ok("POST", "/dialogue", {"id": "tagged", "tags": ["refunds"]})
    api.ok("POST", "/dialogue", {"id": "noted", "metadata": {"topic": {"deep": ["one refund"]}}})
    found = {result["item"]["id"]: result for result in search(api, "dialogue", "refund")["results"]}
    assert set(found) == {"said", "tagged", "noted"}
    matches = found["said"]["matches"]
    assert [match["item"]["id"] for match in matches] == ["m0", "m1", "m2"]
    assert matches[0]["item"]["content"] == "refund"
    assert {match["object"] for match in matches} == {"message"}
    assert 1 == matches[0]["relevance"] >= matches[1]["relevance"] > matches[2]["relevance"] > 0
    assert "matches" not in found["tagged"]
    assert not {"state", "messages"} & set(found["said"]["item"])


@every_object
def test_a_search_stays_in_its_namespace_and_project(api: Api, backend: Backend, kind: str) -> None:
    """Without a namespace it covers the project, with one only that; never another project."""
    put(api, kind, "mine", "book")
    put(api, kind, "annas", "book", namespace="anna")
    stranger = make_key(backend, "globex")
    assert set(find(api, kind, "book")) == {"mine", "annas"}
    assert find(api, kind, "book", namespace="anna") == ["annas"]
    assert find(api, kind, "book", metadata={"namespace": "anna"}) == ["annas"]
    assert find(api, kind, "book", namespace="ben") == []
    body = {"query": "book", "object": kind}
    assert api.ok("POST", "/search", body, key=stranger)["items"] == []
    bound = make_key(backend, namespace="anna")
    assert [item["id"] for item in api.ok("POST", "/search", body, key=bound)["items"]] == ["annas"]
    api.refused(403, "FORBIDDEN", "POST", "/search", body | {"namespace": "ben"}, key=bound)
    two = body | {"namespace": "anna", "metadata": {"namespace": "ben"}}
    api.refused(400, "INVALID_INPUT", "POST", "/search", two)


@every_object
def test_what_was_understood_is_echoed(api: Api, kind: str) -> None:
    """Defaults are filled in and phrases resolved; the echo is itself a search that finds the same."""
    put(api, kind, "it", "book", tags=["t"], metadata={"n": 1})
    sent: dict[str, Any] = {"tags": ["t"], "filter": {"created": "last 2 days"}, "metadata": {"n": 1}}
    before = datetime.now(UTC) - timedelta(days=2)
    answer = search(api, kind, "books", **sent)
    echo = answer["request"]
    start = datetime.fromisoformat(echo["filter"]["created"].pop("gte"))
    assert abs(start - before) < timedelta(minutes=1)
    assert echo == {
        "query": "books",
        "object": kind,
        "limit": 20,
        "mode": "keyword",
        "tags": {"$in": ["t"]},
        "filter": {"created": {}},
        "metadata": {"n": {"$eq": 1}},
        "timezone": "UTC",
        "candidateOrderBy": "relevance",
        "orderBy": "relevance",
        "order": "desc",
    }
    echo["filter"]["created"]["gte"] = start.isoformat()
    assert api.ok("POST", "/search", echo)["results"] == answer["results"]


WRONG: list[dict[str, Any]] = [
    {"query": ""},
    {"object": "project"},
    {"limit": 0},
    {"limit": 501},
    {"orderBy": "size"},
    {"order": "up"},
    {"filter": {"created": "some day"}},
    {"filter": {"created": "last 0 days"}},
    {"filter": {"created": {}}},
    {"filter": {"created": {"gte": "2026-02-30"}}},
    {"filter": {"hasImage": "yes"}},
    {"filter": {"size": 1}},
    {"metadata": {"n": {"$regex": "x"}}},
    {"metadata": {"n": {"$gt": {}}}},
    {"metadata": {"n": []}},
    {"metadata": {"$where": {"$ne": {"x": 1}}}},
    {"tags": {"$or": ["x"]}},
    {"timezone": "Mars/Base"},
    {"timezone": "../../etc/passwd"},
    {"querry": "x"},
]
"""What no search may say, each beside a valid query."""


def test_what_cannot_be_understood_is_refused(api: Api) -> None:
    """A search that breaks a rule is INVALID_INPUT, and says where."""
    for wrong in WRONG:
        body = {"query": "x", "object": "message"} | wrong
        assert api.refused(400, "INVALID_INPUT", "POST", "/search", body)["details"], wrong


def test_messages_are_found_and_forgotten_at_once(api: Api, backend: Backend) -> None:
    """What was acknowledged is found by the next search, and what was deleted is not."""
    put(api, "message", "m", "unicorn")
    here = {"dialogueId": "d"}
    assert find(api, "message", "unicorn") == ["m"]
    api.ok("PUT", "/message/m", {"tags": ["rare"]}, query=here)
    assert find(api, "message", "unicorn", tags=["rare"]) == ["m"]
    api.ok("DELETE", "/message/m", query=here)
    assert find(api, "message", "unicorn") == []
    put(api, "message", "n", "unicorn")
    api.ok("DELETE", "/dialogue/d")
    assert find(api, "message", "unicorn") == ["n"]
    put(api, "message", "o", "unicorn")
    api.ok("DELETE", "/dialogue/d", query={"cascade": "true"})
    assert find(api, "message", "unicorn") == ["n"]
    while backend.sweep():
        pass
    assert find(api, "message", "unicorn") == ["n"]


def test_dialogues_are_found_and_forgotten_at_once(api: Api) -> None:
    """By their label, tags and messages as they are now."""
    put(api, "dialogue", "d", "unicorn")
    assert find(api, "dialogue", "unicorn") == ["d"]
    api.ok("PUT", "/dialogue/d", {"label": "horse"})
    assert (find(api, "dialogue", "unicorn"), find(api, "dialogue", "horse")) == ([], ["d"])
    api.ok("PUT", "/dialogue/d", {"label": "", "tags": ["dragon"]})
    assert (find(api, "dialogue", "horse"), find(api, "dialogue", "dragons")) == ([], ["d"])
    api.ok("PUT", "/dialogue/d", {"message": {"id": "m", "role": "user", "content": "a griffin"}})
    assert find(api, "dialogue", "griffin") == ["d"]
    api.ok("POST", "/dialogue/d/archive")
    assert find(api, "dialogue", "griffin") == ["d"]
    api.ok("DELETE", "/message/m", query={"dialogueId": "d"})
    assert find(api, "dialogue", "griffin") == []
    api.ok("DELETE", "/dialogue/d")
    assert find(api, "dialogue", "dragons") == []
    api.ok("POST", "/dialogue", {"id": "d"})
    assert find(api, "dialogue", "dragons griffin") == []


def test_memories_are_found_and_forgotten_at_once(api: Api) -> None:
    """By the value, label and description that they have now."""
    put(api, "memory", "k", "coffee")
    assert find(api, "memory", "coffee") == ["k"]
    api.ok("PUT", "/memory/k", {"value": "tea"})
    assert (find(api, "memory", "coffee"), find(api, "memory", "tea")) == ([], ["k"])
    api.ok("PUT", "/memory/k", {"label": "Drinks", "tags": ["hot"]})
    assert find(api, "memory", "drink", tags=["hot"]) == ["k"]
    api.ok("DELETE", "/memory/k")
    assert find(api, "memory", "tea drink") == []


@every_object
def test_erased_namespaces_are_forgotten_at_once(api: Api, backend: Backend, kind: str) -> None:
    """Before the sweep as well as after it."""
    put(api, kind, "annas", "book", namespace="anna")
    put(api, kind, "bens", "book", namespace="ben")
    api.ok("DELETE", "/namespace/anna")
    assert find(api, kind, "book") == ["bens"]
    while backend.sweep():
        pass
    assert find(api, kind, "book") == ["bens"]
