"""Lists that a chat application shows: by activity, without threads, by metadata."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from app.stores import Backend
from app.stores.sqlite import dialogue_lists
from tests.contract.conftest import Api, make_key
from tests.contract.test_lists import walk
from tests.contract.test_walks import clock_at

HELLO = {"role": "user", "content": "Hello"}
ORDERS = ("created", "modified", "lastMessageCreated")


def said(created: str) -> dict[str, str]:
    """Return a message of a time."""
    return HELLO | {"created": created}


@pytest.fixture
def chats(api: Api) -> None:
    """Five dialogues in two namespaces, one a thread, one without messages, changed in their own order."""
    dialogues: list[dict[str, Any]] = [
        {
            "id": "a",
            "created": "2026-01-01",
            "message": said("2026-03-05"),
            "metadata": {"plan": "pro", "seats": 5},
        },
        {"id": "b", "created": "2026-01-02", "metadata": {"plan": "pro", "seats": "5", "beta": True}},
        {
            "id": "c",
            "created": "2026-01-03",
            "message": said("2025-03-01"),
            "metadata": {"plan": "free", "x": None},
        },
        {"id": "d", "created": "2026-01-04", "message": said("2026-03-02"), "threadOf": "a"},
        {"id": "a", "created": "2026-01-05", "message": said("2026-03-02"), "namespace": "n", "tags": ["t"]},
    ]
    for minute, body in enumerate(dialogues):
        with clock_at(f"2026-06-01T12:0{minute}:00.000Z"):
            api.ok("POST", "/dialogue", body)
    for minute, name in enumerate(("d", "c")):
        with clock_at(f"2026-06-01T13:0{minute}:00.000Z"):
            api.ok("PUT", f"/dialogue/{name}/state", {"touched": True})


def listed(api: Api, **query: Any) -> list[str]:
    """Return the names in a list, those of the namespace n with it before them."""
    return [
        "/".join(filter(None, (item.get("namespace"), item["id"])))
        for item in walk(api, "/dialogue", **query)
    ]


@pytest.mark.usefixtures("chats")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"orderBy": "created"}, ["n/a", "d", "c", "b", "a"]),
        ({"orderBy": "modified"}, ["c", "d", "n/a", "b", "a"]),
        ({"orderBy": "lastMessageCreated"}, ["a", "n/a", "d", "b", "c"]),
        ({"orderBy": "lastMessageCreated", "roots": "true"}, ["a", "n/a", "b", "c"]),
        ({"orderBy": "modified", "roots": "true"}, ["c", "n/a", "b", "a"]),
        ({"roots": "true"}, ["n/a", "c", "b", "a"]),
        ({"roots": "false"}, ["n/a", "d", "c", "b", "a"]),
        ({"roots": "true", "threadOf": "a"}, []),
        ({"threadOf": "a", "orderBy": "modified"}, ["d"]),
        ({"orderBy": "lastMessageCreated", "namespace": "n"}, ["n/a"]),
        ({"orderBy": "lastMessageCreated", "tag": "t"}, ["n/a"]),
        ({"orderBy": "modified", "status": "ended"}, []),
        (
            {"orderBy": "lastMessageCreated", "startDate": "2026-01-02", "endDate": "2026-01-04"},
            ["d", "b", "c"],
        ),
        ({"orderBy": "modified", "created": "2026-01-03"}, ["c"]),
        ({"metadata.plan": "pro"}, ["b", "a"]),
        ({"metadata.plan": "pro", "orderBy": "lastMessageCreated"}, ["a", "b"]),
        ({"metadata.plan": "pro", "orderBy": "modified", "order": "asc"}, ["a", "b"]),
        ({"metadata.plan": "pro", "namespace": "n"}, []),
        ({"metadata.seats": "5"}, ["b", "a"]),
        ({"metadata.seats": "5.0"}, ["a"]),
        ({"metadata.seats": "5", "metadata.beta": "true"}, ["b"]),
        ({"metadata.seats": "6"}, []),
        ({"metadata.beta": "true"}, ["b"]),
        ({"metadata.x": "null"}, ["c"]),
        ({"metadata.plan": ""}, []),
        ({"metadata.": "x"}, []),
        ({"metadata.plan": "free", "roots": "true", "startDate": "2026-01-01", "orderBy": "modified"}, ["c"]),
    ],
)
def test_orders_and_filters(
    api: Api, query: dict[str, str], expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every order, alone and filtered, in pages of any size, both ways, also where nothing may be sorted."""
    backward = {"asc": "desc", "desc": "asc"}[query.get("order", "desc")]
    for most, limit in product((dialogue_lists.MOST_GATHERED, -1), (1, 2, 500)):
        monkeypatch.setattr(dialogue_lists, "MOST_GATHERED", most)
        assert listed(api, limit=limit, **query) == expected, (most, limit)
        assert listed(api, limit=limit, **query | {"order": backward}) == expected[::-1], (most, limit)


@pytest.mark.usefixtures("chats")
def test_a_message_moves_its_dialogue_to_the_front(api: Api) -> None:
    """By both orders of activity; taking the last message away leaves the dialogue where it was created."""
    api.ok("POST", "/message", {"dialogueId": "b", "id": "m"} | said("2026-04-01"))
    assert listed(api, orderBy="lastMessageCreated")[0] == "b"
    assert listed(api, orderBy="modified")[0] == "b"
    api.ok("DELETE", "/message/m", query={"dialogueId": "b"})
    assert listed(api, orderBy="lastMessageCreated") == ["a", "n/a", "d", "b", "c"]
    assert "lastMessageCreated" not in api.ok("GET", "/dialogue/b")
    assert listed(api, orderBy="modified")[0] == "b"


@pytest.mark.usefixtures("chats")
def test_a_dialogue_without_messages_shows_no_time_of_one(api: Api) -> None:
    """It is placed by its own, but says nothing else than before."""
    items = {item["id"]: item for item in api.ok("GET", "/dialogue", query={"namespace": "n"})["items"]}
    assert items["a"]["lastMessageCreated"] == "2026-03-02T00:00:00.000Z"
    assert all(
        "lastMessageCreated" not in item for item in walk(api, "/dialogue", **{"metadata.beta": "true"})
    )


@pytest.mark.usefixtures("chats")
@pytest.mark.parametrize("order_by", ORDERS)
def test_next_alone_goes_on_in_the_order_that_made_it(api: Api, order_by: str) -> None:
    """And with the filters; other ones beside it are refused."""
    query = {"orderBy": order_by, "roots": "true", "metadata.plan": "pro"}
    whole = listed(api, **query)
    page = api.ok("GET", "/dialogue", query=query | {"limit": 1})
    rest = api.ok("GET", "/dialogue", query={"next": page["next"]})
    assert [item["id"] for item in page["items"] + rest["items"]] == whole
    assert "next" not in rest
    others = [{"orderBy": other} for other in ORDERS if other != order_by]
    for change in (*others, {"roots": "false"}, {"metadata.plan": "free"}, {"metadata.seats": "5"}):
        api.refused(400, "INVALID_PARAMETER", "GET", "/dialogue", query={"next": page["next"]} | change)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({"orderBy": "label"}, "orderBy"),
        ({"orderBy": ["created", "modified"]}, "orderBy"),
        ({"roots": "yes"}, "roots"),
        ({"metadata": "x"}, "metadata"),
        ({"metadata.plan": ["pro", "free"]}, "metadata.plan"),
        ({f"metadata.k{number}": "x" for number in range(11)}, "metadata"),
        ({"ids": "a", "roots": "true"}, "roots"),
        ({"ids": "a", "orderBy": "modified"}, "orderBy"),
        ({"ids": "a", "metadata.plan": "pro"}, "metadata"),
    ],
)
def test_bad_orders_and_filters_are_refused(api: Api, query: dict[str, Any], named: str) -> None:
    """Each is named."""
    error = api.refused(400, "INVALID_PARAMETER", "GET", "/dialogue", query=query)
    assert named in error["message"] + error["details"][0]["field"]


@pytest.mark.parametrize(
    "text",
    [
        "$where",
        '{"$gt":""}',
        "[1]",
        "a\0b",
        "9223372036854775808",
        "18446744073709551616",
        "1e400",
        " 5",
        "\ud7ff",
        "x" * 3000,
    ],
)
def test_values_are_only_ever_values(api: Api, text: str) -> None:
    """Whatever a value looks like, it is compared, and found where it is stored."""
    if len(text) < 1000:
        api.ok("POST", "/dialogue", {"id": "d", "metadata": {"$where": text, "k.l": 5}})
    found = ["d"] if len(text) < 1000 else []
    assert listed(api, **{"metadata.$where": text}) == found
    assert listed(api, **{"metadata.k.l": "5"}) == found
    assert listed(api, **{"metadata.k": text}) == []


@pytest.mark.parametrize(
    ("stored", "matching", "other"),
    [
        (1, "1", "true"),
        (1.0, "1", "01"),
        (1.5, "1.5", "1,5"),
        (1e3, "1000", "1e 3"),
        (True, "true", "1"),
        (False, "false", "0"),
        ("true", "true", '"true"'),
        (9007199254740993, "9007199254740993", "9007199254740992"),
        (-0.0, "0", ""),
        ("ü", "ü", "u"),
        ({"a": 1}, None, '{"a":1}'),
        (["a"], None, "a"),
    ],
)
def test_scalars_are_compared_by_their_value(api: Api, stored: Any, matching: str | None, other: str) -> None:
    """As JSON writes them; what is no scalar is never found."""
    api.ok("POST", "/dialogue", {"id": "d", "metadata": {"k": stored}})
    if matching is not None:
        assert listed(api, **{"metadata.k": matching}) == ["d"]
    assert listed(api, **{"metadata.k": other}) == []


def test_another_projects_metadata_is_not_seen(api: Api, backend: Backend) -> None:
    """In no order, and neither is that of another namespace by a key that is bound to one."""
    other = Api(api.app, make_key(backend, "other"))
    bound = Api(api.app, make_key(backend, "other", namespace="n"))
    other.ok("POST", "/dialogue", {"id": "d", "metadata": {"k": "v"}, "message": HELLO})
    for order_by in ORDERS:
        assert listed(api, **{"metadata.k": "v", "orderBy": order_by}) == []
        assert listed(other, **{"metadata.k": "v", "orderBy": order_by}) == ["d"]
        assert listed(bound, **{"metadata.k": "v", "orderBy": order_by}) == []


def test_a_deleted_dialogue_is_gone_from_every_order(api: Api, backend: Backend) -> None:
    """And one that takes its id is listed as itself."""
    api.ok("POST", "/dialogue", {"id": "d", "metadata": {"k": "v"}, "message": HELLO})
    api.ok("DELETE", "/dialogue/d")
    api.ok("POST", "/dialogue", {"id": "d", "metadata": {"k": "w"}})
    for order_by in ORDERS:
        assert listed(api, **{"metadata.k": "v", "orderBy": order_by}) == []
        assert listed(api, **{"metadata.k": "w", "orderBy": order_by}) == ["d"]
    assert backend.index_problems("acme") == []
