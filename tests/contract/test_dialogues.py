"""Creating, reading and updating dialogues."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.conftest import Api

HELLO = {"role": "user", "content": "Hello"}


def test_creates_with_nothing(api: Api) -> None:
    """An empty object and an empty body both make an active, empty dialogue."""
    empty: list[dict[str, Any]] = [{"body": {}}, {"data": b""}]
    for options in empty:
        made = api.ok("POST", "/dialogue", **options)
        assert made["status"] == "active"
        assert made["projectId"] == "acme"
        assert (made["tags"], made["metadata"], made["state"], made["messages"]) == ([], {}, {}, [])
        assert made["totalMessages"] == made["threadCount"] == 0
        assert "namespace" not in made
        assert "lastMessageCreated" not in made


def test_creates_with_everything(api: Api) -> None:
    """What was sent is answered, in the order sent, and read back equal."""
    body = {
        "id": "my-id",
        "namespace": "user 1",
        "label": "L",
        "messages": [
            {
                "role": "user",
                "content": "Hi",
                "id": "m-1",
                "name": "greg",
                "created": "2026-01-01T00:00:00+02:00",
                "tags": ["b", "a", "b"],
                "metadata": {"a": 1},
            },
            {"role": "assistant", "content": [{"type": "text", "text": "Ünï"}]},
        ],
        "state": {"s": {"a.b": 1, "$x": 2}},
        "metadata": {"k": 1.5, "l": ["x"]},
        "tags": ["t", "t", "u,v"],
        "created": "2025-01-01",
    }
    made = api.ok("POST", "/dialogue", body)
    assert made["created"] == "2025-01-01T00:00:00.000Z"
    assert made["tags"] == ["t", "u,v"]
    assert made["namespace"] == "user 1"
    first, second = made["messages"]
    assert first["created"] == "2025-12-31T22:00:00.000Z"
    assert (first["name"], first["tags"], first["contentLength"]) == ("greg", ["b", "a"], 2)
    assert second["content"] == body["messages"][1]["content"]  # type: ignore[index]  # the body is of mixed types
    read = api.ok("GET", "/dialogue/my-id", query={"namespace": "user 1"})
    assert {key: read[key] for key in read if key != "messages"} == {
        key: made[key] for key in made if key != "messages"
    }
    assert [message["id"] for message in read["messages"]] == ["m-1", second["id"]]


def test_message_order_is_by_created_then_acceptance(api: Api) -> None:
    """The answer keeps the order sent; reading orders by time, ties by acceptance."""
    sent = [
        HELLO | {"id": "late", "created": "2026-01-03"},
        HELLO | {"id": "early", "created": "2026-01-01"},
        HELLO | {"id": "tie", "created": "2026-01-03"},
    ]
    made = api.ok("POST", "/dialogue", {"id": "d", "messages": sent})
    assert [message["id"] for message in made["messages"]] == ["late", "early", "tie"]
    read = api.ok("GET", "/dialogue/d")
    assert [message["id"] for message in read["messages"]] == ["early", "late", "tie"]
    assert read["lastMessageCreated"] == "2026-01-03T00:00:00.000Z"


def test_reads_the_last_ten_messages(api: Api) -> None:
    """GET answers the newest ten, oldest first, and the total says how many there are."""
    api.ok("POST", "/dialogue", {"id": "d"})
    for start in (0, 20):
        batch = [HELLO | {"id": f"m{number:02}"} for number in range(start, start + 20)]
        api.ok("POST", "/messages", batch, query={"dialogueId": "d"})
    read = api.ok("GET", "/dialogue/d")
    assert [message["id"] for message in read["messages"]] == [f"m{n}" for n in range(30, 40)]
    assert read["totalMessages"] == 40


def test_recent_messages_beyond_one_mebibyte_are_still_answered(api: Api) -> None:
    """Where the 1 MiB cap cuts the embedded messages, GET reads the rest."""
    big = {"role": "user", "content": "x" * 300_000}
    api.ok("POST", "/dialogue", {"id": "d"})
    for number in range(6):
        api.ok("POST", "/message", big | {"dialogueId": "d", "id": f"m{number}"})
    ended = api.ok("POST", "/dialogue/d/end")
    for read in (api.ok("GET", "/dialogue/d"), ended):
        assert [message["id"] for message in read["messages"]] == [f"m{n}" for n in range(6)]


def test_old_messages_do_not_enter_the_recent_ones(api: Api) -> None:
    """A late message with an old time takes its place in the list, not among the newest."""
    api.ok("POST", "/dialogue", {"id": "d", "messages": [HELLO | {"created": "2026-02-01"}] * 12})
    api.ok("POST", "/message", HELLO | {"dialogueId": "d", "id": "old", "created": "2020-01-01"})
    assert "old" not in [m["id"] for m in api.ok("GET", "/dialogue/d")["messages"]]
    listed = api.ok("GET", "/messages", query={"dialogueId": "d"})["items"]
    assert listed[0]["id"] == "old"
    assert len(listed) == 13


def test_namespace_is_part_of_the_identity(api: Api) -> None:
    """The same id in two namespaces is two dialogues; without its namespace one is not found."""
    api.ok("POST", "/dialogue", {"id": "d", "namespace": "a", "label": "in a"})
    api.refused(404, "DIALOGUE_NOT_FOUND", "GET", "/dialogue/d")
    api.ok("POST", "/dialogue", {"id": "d", "label": "in default"})
    assert api.ok("GET", "/dialogue/d")["label"] == "in default"
    assert api.ok("GET", "/dialogue/d", query={"namespace": "a"})["label"] == "in a"


def test_update_answers_the_whole_dialogue(api: Api) -> None:
    """PUT answers everything, the whole merged state included, and only the created messages."""
    api.ok("POST", "/dialogue", {"id": "d", "state": {"a": 1, "b": {"c": 2}}, "message": HELLO})
    body = {"tags": ["x"], "label": "L", "state": {"b": 3}, "message": HELLO | {"content": "more"}}
    updated = api.ok("PUT", "/dialogue/d", body)
    assert updated["state"] == {"a": 1, "b": 3}
    assert [message["content"] for message in updated["messages"]] == ["more"]
    assert (updated["label"], updated["tags"], updated["totalMessages"]) == ("L", ["x"], 2)
    assert api.ok("PUT", "/dialogue/d", {"label": None})["messages"] == []
    assert "label" not in api.ok("GET", "/dialogue/d")
    assert api.ok("PUT", "/dialogue/d", {"tags": []})["tags"] == []


def test_update_that_changes_nothing_moves_nothing(api: Api) -> None:
    """A PUT of what is already so keeps ``modified`` and the ETag."""
    api.ok("POST", "/dialogue", {"id": "d", "tags": ["t"], "state": {"a": 1}, "label": "L"})
    before = api.get("/dialogue/d")
    same = {"tags": ["t"], "state": {"a": 1}, "label": "L", "id": "d", "metadata": {}}
    after = api.put("/dialogue/d", same)
    assert after.headers["ETag"] == before.headers["ETag"]
    assert after.get_json()["modified"] == before.get_json()["modified"]


def test_update_by_the_older_spelling(api: Api) -> None:
    """PUT /dialogue takes the id from the body."""
    api.ok("POST", "/dialogue", {"id": "d", "namespace": "n"})
    updated = api.ok("PUT", "/dialogue", {"id": "d", "namespace": "n", "label": "L"})
    assert updated["label"] == "L"
    api.refused(400, "MISSING_PARAMETER", "PUT", "/dialogue", {"label": "L"})


@pytest.mark.parametrize("echoed", [{"id": "other"}, {"namespace": "other"}, {"metadata": {"other": 1}}])
def test_update_refuses_other_identity(api: Api, echoed: dict[str, Any]) -> None:
    """Repeated id, namespace and metadata are tolerated only when equal."""
    path = "/dialogue/d?namespace=n"
    api.ok("POST", "/dialogue", {"id": "d", "namespace": "n", "metadata": {"a": {"x": 1, "y": 2}}})
    api.ok("PUT", path, {"id": "d", "namespace": "n", "metadata": {"a": {"y": 2, "x": 1}}})
    error = api.refused(400, "INVALID_INPUT", "PUT", path, echoed)
    assert error["details"][0]["field"] == next(iter(echoed))


def test_both_message_and_messages_are_refused(api: Api) -> None:
    """One or the other, on creation and on update."""
    body = {"message": HELLO, "messages": [HELLO]}
    api.refused(400, "INVALID_INPUT", "POST", "/dialogue", body)
    api.ok("POST", "/dialogue", {"id": "d"})
    api.refused(400, "INVALID_INPUT", "PUT", "/dialogue/d", body)


def test_more_than_25_messages_are_refused(api: Api) -> None:
    """26 messages are TOO_MANY_MESSAGES wherever they are sent, and nothing is stored."""
    many = [HELLO] * 26
    api.refused(400, "TOO_MANY_MESSAGES", "POST", "/dialogue", {"id": "d", "messages": many})
    api.refused(404, "DIALOGUE_NOT_FOUND", "GET", "/dialogue/d")
    api.ok("POST", "/dialogue", {"id": "d", "messages": many[:25]})
    api.refused(400, "TOO_MANY_MESSAGES", "PUT", "/dialogue/d", {"messages": many})
    api.refused(400, "TOO_MANY_MESSAGES", "POST", "/messages", many, query={"dialogueId": "d"})
    assert api.ok("GET", "/dialogue/d")["totalMessages"] == 25


def test_several_dialogues_at_once(api: Api) -> None:
    """``ids`` answers those that exist, in the order asked, with what ``include`` names."""
    for name in ("a", "b", "c"):
        api.ok("POST", "/dialogue", {"id": name, "state": {"n": name}, "message": HELLO})
    bare = api.ok("GET", "/dialogue", query={"ids": "c,missing,a"})["items"]
    assert [item["id"] for item in bare] == ["c", "a"]
    assert "state" not in bare[0]
    full = api.ok("GET", "/dialogue", query={"ids": "b", "include": "messages,state"})["items"]
    assert full[0]["state"] == {"n": "b"}
    assert full[0]["messages"][0]["content"] == "Hello"
    api.refused(400, "INVALID_PARAMETER", "GET", "/dialogue", query={"include": "state"})
    assert "state" not in api.ok("GET", "/dialogue", query={"ids": "b", "include": ""})["items"][0]
    api.refused(400, "INVALID_PARAMETER", "GET", "/dialogue", query={"ids": ""})
    api.refused(400, "INVALID_PARAMETER", "GET", "/dialogue", query={"ids": "a", "status": "all"})
    too_many = ",".join(f"d{number}" for number in range(101))
    api.refused(400, "INVALID_PARAMETER", "GET", "/dialogue", query={"ids": too_many})


def test_both_prefixes_mean_the_same(api: Api) -> None:
    """What is written under /api/v1 is read at the root."""
    api.ok("POST", "/dialogue", {"id": "d"})
    api.prefix = "/api/v1"
    assert api.ok("GET", "/dialogue/d")["id"] == "d"
    assert api.get("/health").status_code == 404
