"""Every filter and every order that a search can ask for."""

from __future__ import annotations

from typing import Any

from tests.contract.conftest import Api
from tests.contract.searching import every_object, find, put, search, timed_object


@every_object
def test_tags_filter(api: Api, kind: str) -> None:
    """An array means any; ``$in``, ``$all`` and ``$nin`` combine; ``filter.tags`` is the same."""
    put(api, kind, "red", "book", tags=["red", "hot"])
    put(api, kind, "blue", "book", tags=["blue", "a,b"])
    put(api, kind, "none", "book")
    cases: list[tuple[Any, set[str]]] = [
        (["red", "blue"], {"red", "blue"}),
        (["a,b"], {"blue"}),
        ([], {"red", "blue", "none"}),
        ({"$in": ["red", "other"]}, {"red"}),
        ({"$all": ["red", "hot"]}, {"red"}),
        ({"$all": ["red", "blue"]}, set()),
        ({"$nin": ["red"]}, {"blue", "none"}),
        ({"$in": ["red", "blue"], "$nin": ["hot"]}, {"blue"}),
    ]
    for tags, expected in cases:
        assert set(find(api, kind, "book", tags=tags)) == expected, tags
        assert set(find(api, kind, "book", filter={"tags": tags})) == expected, tags
    both = {"query": "book", "object": kind, "tags": ["a"], "filter": {"tags": ["a"]}}
    api.refused(400, "INVALID_INPUT", "POST", "/search", both)


@every_object
def test_metadata_filters(api: Api, kind: str) -> None:
    """Scalars, arrays and operators compare like with like; arrays of strings by element."""
    put(api, kind, "a", "book", metadata={"n": 1, "s": "x", "flag": True, "list": ["p", "q"], "a.b": 1})
    put(api, kind, "b", "book", metadata={"n": 2.5, "s": "y", "flag": False, "$odd": "z"})
    put(api, kind, "c", "book", metadata={"n": "1", "s": None})
    cases: list[tuple[dict[str, Any], set[str]]] = [
        ({"n": 1}, {"a"}),
        ({"n": "1"}, {"c"}),
        ({"s": ["x", "y"]}, {"a", "b"}),
        ({"s": None}, {"c"}),
        ({"flag": False}, {"b"}),
        ({"list": "q"}, {"a"}),
        ({"a.b": 1}, {"a"}),
        ({"$odd": "z"}, {"b"}),
        ({"s": {"$eq": "x"}}, {"a"}),
        ({"s": {"$ne": "x"}}, {"b", "c"}),
        ({"missing": {"$ne": 1}}, {"a", "b", "c"}),
        ({"n": {"$in": [1, 2.5]}}, {"a", "b"}),
        ({"n": {"$nin": [1]}}, {"b", "c"}),
        ({"n": {"$gt": 1}}, {"b"}),
        ({"n": {"$gte": 1, "$lt": 2.5}}, {"a"}),
        ({"n": {"$lte": 2.5}}, {"a", "b"}),
        ({"n": 1, "s": "y"}, set()),
    ]
    for metadata, expected in cases:
        assert set(find(api, kind, "book", metadata=metadata)) == expected, metadata


@timed_object
def test_date_filters(api: Api, kind: str) -> None:
    """A prefix, a phrase, or bounds; dates are meant in the time zone of the search."""
    put(api, kind, "old", "book", created="2025-12-31T23:30:00Z")
    put(api, kind, "new", "book", created="2026-01-15T12:00:00Z")
    put(api, kind, "now", "book")
    cases: list[tuple[Any, dict[str, str], set[str]]] = [
        ("2026-01", {}, {"new"}),
        ("2025", {}, {"old"}),
        ("2026-01-01", {"timezone": "Europe/Berlin"}, {"old"}),
        ("today", {}, {"now"}),
        ("last 5 minutes", {}, {"now"}),
        ("PAST  2   Hours", {}, {"now"}),
        ("since 2026-01-15", {}, {"new", "now"}),
        ({"gte": "2026-01-01", "lt": "2026-02-01"}, {}, {"new"}),
        ({"gt": "2025-12-31"}, {}, {"new", "now"}),
        ({"lte": "2025-12-31"}, {}, {"old"}),
        ({"gte": "2026-01-15T12:00:00.000Z", "lte": "2026-01-15T13:00:00+01:00"}, {}, {"new"}),
    ]
    for created, more, expected in cases:
        assert set(find(api, kind, "book", filter={"created": created}, **more)) == expected, created
    modified = {"gte": "2026-02-01"}
    assert set(find(api, kind, "book", filter={"modified": modified})) == {"old", "new", "now"}
    assert find(api, kind, "book", filter={"modified": "2025", "created": "2025"}) == []


def test_memories_are_filtered_by_date(api: Api) -> None:
    """Their times are the server's: today's, not last year's."""
    put(api, "memory", "k", "tea")
    assert find(api, "memory", "tea", filter={"created": "last 5 minutes", "modified": "last hour"}) == ["k"]
    assert find(api, "memory", "tea", filter={"created": "last year"}) == []


@timed_object
def test_order_by_time(api: Api, kind: str) -> None:
    """By created or by modified, newest first unless the order is asc."""
    put(api, kind, "middle", "book", created="2026-01-02")
    put(api, kind, "newest", "book and much else", created="2026-01-03")
    put(api, kind, "oldest", "book", created="2026-01-01")
    assert find(api, kind, "book", orderBy="created") == ["newest", "middle", "oldest"]
    assert find(api, kind, "book", orderBy="created", order="asc") == ["oldest", "middle", "newest"]
    assert find(api, kind, "book", orderBy="created", order="asc", limit=2) == ["oldest", "middle"]
    times = [item["modified"] for item in search(api, kind, "book", orderBy="modified")["items"]]
    assert times == sorted(times, reverse=True)
    again = search(api, kind, "book", orderBy="modified", order="asc")["items"]
    assert [item["modified"] for item in again] == times[::-1]


IMAGE = [
    {"type": "text", "text": "look at this receipt"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
]


def test_images_filter_messages(api: Api) -> None:
    """``hasImage`` tells messages with an image block from the others."""
    put(api, "message", "seen", "", content=IMAGE)
    put(api, "message", "said", "the receipt")
    assert find(api, "message", "receipt", filter={"hasImage": True}) == ["seen"]
    assert find(api, "message", "receipt", filter={"hasImage": False}) == ["said"]


def test_images_filter_dialogues(api: Api) -> None:
    """A dialogue has an image while one of its messages has."""
    api.ok("POST", "/dialogue", {"id": "d", "message": {"id": "m", "role": "user", "content": IMAGE}})
    put(api, "dialogue", "other", "a receipt")
    assert find(api, "dialogue", "receipt", filter={"hasImage": True}) == ["d"]
    assert find(api, "dialogue", "receipt", filter={"hasImage": False}) == ["other"]
    api.ok("DELETE", "/message/m", query={"dialogueId": "d"})
    assert find(api, "dialogue", "receipt", filter={"hasImage": True}) == []
