"""Lists: order, filters, pages, cursors."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.conftest import Api

HELLO = {"role": "user", "content": "Hello"}


def walk(api: Api, path: str, **query: Any) -> list[dict[str, Any]]:
    """Return every item of a list, page by page."""
    items: list[dict[str, Any]] = []
    page = api.ok("GET", path, query=query)
    items += page["items"]
    while "next" in page:
        page = api.ok("GET", path, query=query | {"next": page["next"]})
        assert page["items"], "a page with a cursor before it is never empty here"
        items += page["items"]
    return items


@pytest.fixture
def seven(api: Api) -> None:
    """Seven dialogues in two namespaces, four of them at the same instant."""
    days = ["2026-01-01", "2026-01-15T12:00:00Z", "2026-01-15T12:00:00Z", "2026-02-01", "2025-12-31"]
    for number, day in enumerate(days):
        api.ok("POST", "/dialogue", {"id": f"d{number}", "created": day, "tags": [f"t{number % 2}", "all"]})
    for number in (1, 2):
        api.ok("POST", "/dialogue", {"id": f"d{number}", "created": days[1], "namespace": "n"})


@pytest.mark.usefixtures("seven")
@pytest.mark.parametrize("limit", [1, 2, 3, 500])
def test_pages_cover_everything_once(api: Api, limit: int) -> None:
    """Pages of any size give each item once, in order, equal times and ids included."""
    ascending = [
        (d["created"], d.get("namespace", ""), d["id"])
        for d in walk(api, "/dialogue", limit=limit, order="asc")
    ]
    assert ascending == sorted(ascending)
    assert len(set(ascending)) == 7
    descending = [
        (d["created"], d.get("namespace", ""), d["id"]) for d in walk(api, "/dialogue", limit=limit)
    ]
    assert descending == ascending[::-1]


@pytest.mark.usefixtures("seven")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"namespace": "n"}, {"d1", "d2"}),
        ({"created": "2026"}, {"d0", "d1", "d2", "d3"}),
        ({"created": "2026-01"}, {"d0", "d1", "d2"}),
        ({"created": "2026-01-15"}, {"d1", "d2"}),
        ({"startDate": "2026-01-15"}, {"d1", "d2", "d3"}),
        ({"endDate": "2026-01-15"}, {"d0", "d1", "d2", "d4"}),
        ({"endDate": "2026-01-15T12:00:00Z", "startDate": "2026-01-15T12:00:00Z"}, {"d1", "d2"}),
        ({"endDate": "2026-01-15T11:59:59.999Z"}, {"d0", "d4"}),
        ({"created": "2026-01", "startDate": "2026-01-10"}, {"d1", "d2"}),
        ({"created": "2026", "endDate": "2025-12-31"}, set()),
        ({"tag": "t1"}, {"d1", "d3"}),
        ({"tag": ["t1", "all"]}, {"d1", "d3"}),
        ({"tag": ["t1", "t0"]}, set()),
        ({"status": "ended"}, set()),
        ({"status": "active", "created": "2026-02"}, {"d3"}),
    ],
)
def test_filters(api: Api, query: dict[str, Any], expected: set[str]) -> None:
    """Every filter holds, alone and with others."""
    assert {item["id"] for item in walk(api, "/dialogue", limit=2, **query)} == expected


@pytest.mark.usefixtures("seven")
def test_list_items_carry_no_state_and_no_messages(api: Api) -> None:
    """Lists are light."""
    for item in api.ok("GET", "/dialogue")["items"]:
        assert not {"state", "messages"} & set(item)


@pytest.mark.usefixtures("seven")
@pytest.mark.parametrize(
    "change", [{"order": "asc"}, {"namespace": "n"}, {"created": "2026"}, {"tag": "all"}, {"status": "all"}]
)
def test_cursors_are_bound_to_their_filters(api: Api, change: dict[str, str]) -> None:
    """A cursor used with another order or filter is INVALID_PARAMETER."""
    cursor = api.ok("GET", "/dialogue", query={"limit": 1})["next"]
    api.refused(400, "INVALID_PARAMETER", "GET", "/dialogue", query={"next": cursor} | change)


def walk_on(api: Api, path: str, first: dict[str, Any], rest: dict[str, Any]) -> list[str]:
    """Return the ids of all pages, the first asked for with one query and the others with another."""
    page = api.ok("GET", path, query=first)
    ids = [item["id"] for item in page["items"]]
    while "next" in page:
        page = api.ok("GET", path, query=rest | {"next": page["next"]})
        ids += [item["id"] for item in page["items"]]
    return ids


@pytest.mark.usefixtures("seven")
@pytest.mark.parametrize(
    "query",
    [
        {},
        {"order": "asc"},
        {"status": "all"},
        {"order": "asc", "status": "all", "startDate": "2000-01-01", "endDate": "2999-01-01"},
        {"created": "20", "order": "asc"},
    ],
)
def test_next_alone_continues_a_list(api: Api, query: dict[str, Any]) -> None:
    """The cursor remembers filters, order and limit; repeating all or some of them is the same."""
    if query.get("created"):
        query = query | {"created": "2026"}
    whole = walk_on(api, "/dialogue", query, query)
    assert len(whole) > 2
    assert walk_on(api, "/dialogue", query | {"limit": 2}, {}) == whole
    assert walk_on(api, "/dialogue", query | {"limit": 2}, query) == whole
    assert walk_on(api, "/dialogue", query | {"limit": 1}, {"limit": 2}) == whole
    for name, value in query.items():
        assert walk_on(api, "/dialogue", query | {"limit": 2}, {name: value}) == whole


def test_next_alone_continues_every_list(api: Api) -> None:
    """Messages in both spellings, memories, summaries and threads, in a namespace too."""
    for namespace in ({}, {"namespace": "n"}):
        api.ok("POST", "/dialogue", {"id": "d", **namespace})
        messages = [{"role": "user", "content": "x", "id": f"m{number}"} for number in range(5)]
        api.ok("POST", "/messages", messages, query={"dialogueId": "d", **namespace})
        for number in range(5):
            api.ok("POST", "/memory", {"id": f"k{number}", "value": 1, "tags": ["t"], **namespace})
            api.ok("POST", "/summary", {"id": f"s{number}", "dialogueId": "d", **namespace})
            api.ok("POST", "/dialogue", {"id": f"t{number}", "threadOf": "d", **namespace})
        expected = [f"m{number}" for number in reversed(range(5))]
        query = {"order": "desc", "limit": 2, **namespace}
        assert walk_on(api, "/dialogue/d/messages", query, {}) == expected
        assert walk_on(api, "/messages", query | {"dialogueId": "d"}, {"dialogueId": "d"}) == expected
        assert walk_on(api, "/messages", query | {"dialogueId": "d"}, {}) == expected
        assert len(walk_on(api, "/summaries", query | {"dialogueId": "d"}, {"dialogueId": "d"})) == 5
        assert len(walk_on(api, "/dialogue", query | {"threadOf": "d"}, {})) == 5
        assert len(walk_on(api, "/memory", query | {"tag": "t"}, {})) == 5


def test_a_query_too_long_for_a_cursor_is_repeated(api: Api) -> None:
    """Where the filters do not fit the cursor, it goes on with them and is refused without them."""
    tags = ["\U0001f600" * 60 + str(number) for number in range(10)]
    for name in "ab":
        api.ok("POST", "/memory", {"id": name, "value": 1, "tags": tags})
    query = {"tag": tags, "limit": 1}
    cursor = api.ok("GET", "/memory", query=query)["next"]
    assert len(api.ok("GET", "/memory", query=query | {"next": cursor})["items"]) == 1
    api.refused(400, "INVALID_PARAMETER", "GET", "/memory", query={"next": cursor})


@pytest.mark.usefixtures("seven")
def test_altered_and_foreign_cursors_are_refused(api: Api) -> None:
    """So is one that was altered, made up, or made for another list."""
    cursor = api.ok("GET", "/dialogue", query={"limit": 1})["next"]
    altered = cursor[:-2] + ("AA" if cursor[-2:] != "AA" else "BB")
    for wrong in (altered, "tok_2", "x" * 3000, "ü", cursor[:10], ""):
        api.refused(400, "INVALID_PARAMETER", "GET", "/dialogue", query={"next": wrong})
    api.refused(400, "INVALID_PARAMETER", "GET", "/memory", query={"next": cursor})


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "501"},
        {"limit": "1_0"},
        {"limit": " 1"},
        {"limit": "-1"},
        {"limit": "9" * 30},
        {"order": "up"},
        {"status": "open"},
        {"created": "2026-1"},
        {"created": "yesterday"},
        {"startDate": "2026-02-30"},
        {"endDate": "null"},
        {"unknown": "1"},
        {"namespace": ""},
        {"namespace": "a\nb"},
        {"namespace": "x" * 129},
        {"limit": ["1", "2"]},
    ],
)
def test_bad_parameters_are_refused(api: Api, query: dict[str, Any]) -> None:
    """A parameter that breaks a rule is named in an INVALID_PARAMETER."""
    error = api.refused(400, "INVALID_PARAMETER", "GET", "/dialogue", query=query)
    assert next(iter(query)) in error["message"] + error["details"][0]["field"]


def test_null_is_a_namespace_like_any_other(api: Api) -> None:
    """The text ``null`` is not a missing value."""
    api.ok("POST", "/dialogue", {"id": "d", "namespace": "null"})
    assert api.ok("GET", "/dialogue/d", query={"namespace": "null"})["namespace"] == "null"
    api.refused(404, "DIALOGUE_NOT_FOUND", "GET", "/dialogue/d")


@pytest.mark.parametrize("path", ["/messages", "/dialogue/d/messages"])
def test_message_pages(api: Api, path: str) -> None:
    """Messages are walked in both orders with equal times, and filtered by date."""
    api.ok("POST", "/dialogue", {"id": "d"})
    days = ["2026-01-02", "2026-01-01", "2026-01-02", "2026-01-02", "2026-01-03"]
    batch = [HELLO | {"id": f"m{n}", "created": day} for n, day in enumerate(days)]
    api.ok("POST", "/messages", batch, query={"dialogueId": "d"})
    query = {"dialogueId": "d"} if path == "/messages" else {}
    forward = [m["id"] for m in walk(api, path, limit=2, **query)]
    assert forward == ["m1", "m0", "m2", "m3", "m4"]
    assert [m["id"] for m in walk(api, path, limit=2, order="desc", **query)] == forward[::-1]
    assert [m["id"] for m in walk(api, path, created="2026-01-02", **query)] == ["m0", "m2", "m3"]
    assert [m["id"] for m in walk(api, path, startDate="2026-01-03", **query)] == ["m4"]


def test_pages_end_early_at_eight_mebibytes(api: Api) -> None:
    """A page of large messages is cut by size, with a cursor for the rest."""
    api.ok("POST", "/dialogue", {"id": "d"})
    for number in range(10):
        body = {"dialogueId": "d", "role": "user", "content": "x" * 1_000_000, "id": f"m{number}"}
        api.ok("POST", "/message", body)
    first = api.ok("GET", "/messages", query={"dialogueId": "d"})
    assert 1 <= len(first["items"]) <= 8
    assert "next" in first
    assert len(walk(api, "/messages", dialogueId="d")) == 10


def test_memory_pages(api: Api) -> None:
    """Memories are listed like dialogues."""
    for number in range(5):
        api.ok("POST", "/memory", {"id": f"k{number}", "value": number, "tags": [f"t{number % 2}"]})
    api.ok("POST", "/memory", {"id": "k0", "value": 0, "namespace": "n"})
    assert len(walk(api, "/memory", limit=2)) == 6
    assert {m["id"] for m in walk(api, "/memory", limit=1, tag="t1")} == {"k1", "k3"}
    assert [m["value"] for m in walk(api, "/memory", namespace="n")] == [0]
