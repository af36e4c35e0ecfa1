"""Adding, reading, tagging and deleting messages, in every spelling."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.conftest import Api

HELLO = {"role": "user", "content": "Hello"}
IN_D = {"dialogueId": "d"}


@pytest.fixture(autouse=True)
def dialogue(api: Api) -> None:
    """A dialogue ``d`` to write to."""
    api.ok("POST", "/dialogue", {"id": "d"})


def test_adds_one_in_each_spelling(api: Api) -> None:
    """Three spellings add one message each and answer it."""
    first = api.ok("POST", "/message", HELLO | IN_D)
    second = api.ok("POST", "/dialogue/d/message", HELLO)
    third = api.ok("POST", "/dialogue/d/messages", HELLO)
    listed = api.ok("GET", "/messages", query=IN_D)["items"]
    assert [message["id"] for message in listed] == [m["id"] for m in (first, second, third)]
    assert first["dialogueId"] == "d"


def test_adds_many_in_each_spelling(api: Api) -> None:
    """An array in is an array out, in the same order; an empty one adds nothing."""
    batch = [HELLO | {"id": "b", "created": "2026-01-02"}, HELLO | {"id": "a", "created": "2026-01-01"}]
    assert [m["id"] for m in api.ok("POST", "/messages", batch, query=IN_D)] == ["b", "a"]
    assert api.ok("POST", "/dialogue/d/messages", [HELLO])[0]["content"] == "Hello"
    assert api.ok("POST", "/messages", [], query=IN_D) == []
    assert api.ok("GET", "/dialogue/d")["totalMessages"] == 3


@pytest.mark.parametrize("path", ["/message/m", "/dialogue/d/message/m"])
def test_reads_tags_and_deletes_one(api: Api, path: str) -> None:
    """One message is read, retagged and deleted under both spellings."""
    query = IN_D if path == "/message/m" else {}
    made = api.ok("POST", "/message", HELLO | IN_D | {"id": "m", "tags": ["x"]})
    assert api.ok("GET", path, query=query) == made
    tagged = api.ok("PUT", path, {"tags": ["q", "q"]}, query=query)
    assert tagged["tags"] == ["q"]
    assert api.ok("GET", "/dialogue/d")["messages"] == [tagged]
    assert api.ok("DELETE", path, query=query) == {"success": True, "id": "m"}
    api.refused(404, "MESSAGE_NOT_FOUND", "GET", path, query=query)
    api.refused(404, "MESSAGE_NOT_FOUND", "DELETE", path, query=query)
    assert api.ok("GET", "/dialogue/d")["totalMessages"] == 0


def test_deletes_by_the_plural_spelling(api: Api) -> None:
    """DELETE /dialogue/{id}/messages/{mid} is the same."""
    api.ok("POST", "/message", HELLO | IN_D | {"id": "m"})
    assert api.ok("DELETE", "/dialogue/d/messages/m")["success"] is True


def test_only_tags_can_change(api: Api) -> None:
    """Content, role and metadata are fixed."""
    api.ok("POST", "/message", HELLO | IN_D | {"id": "m"})
    api.refused(400, "INVALID_INPUT", "PUT", "/message/m", {"content": "x"}, query=IN_D)
    api.refused(400, "INVALID_INPUT", "PUT", "/message/m", {}, query=IN_D)


def test_same_tags_move_nothing(api: Api) -> None:
    """Setting the tags that are there keeps the ETag; other tags move it."""
    api.ok("POST", "/message", HELLO | IN_D | {"id": "m", "tags": ["x"]})
    before = api.get("/dialogue/d").headers["ETag"]
    api.ok("PUT", "/message/m", {"tags": ["x"]}, query=IN_D)
    assert api.get("/dialogue/d").headers["ETag"] == before
    api.ok("PUT", "/message/m", {"tags": []}, query=IN_D)
    assert api.get("/dialogue/d").headers["ETag"] != before


def test_deleting_refills_the_recent_messages(api: Api) -> None:
    """After a deletion the eleventh newest is embedded again and the counters agree."""
    batch = [HELLO | {"id": f"m{n:02}", "created": f"2026-01-{n + 1:02}"} for n in range(12)]
    api.ok("POST", "/messages", batch, query=IN_D)
    api.ok("DELETE", "/message/m11", query=IN_D)
    read = api.ok("GET", "/dialogue/d")
    assert [m["id"] for m in read["messages"]] == [f"m{n:02}" for n in range(1, 11)]
    assert read["totalMessages"] == 11
    assert read["lastMessageCreated"] == "2026-01-11T00:00:00.000Z"


CONTENTS: list[Any] = [
    {"type": "text", "text": "x"},
    {"content": None, "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]},
    [{"type": "text", "text": "a"}, {"type": "unknown_block", "z": [1, 2.5, None, True], "a": {"$b.c": 1}}],
    [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}],
    "emoji \U0001f600 and \u2028 and \\u0000 as text",
    {"n": 9223372036854775807, "f": 1e-7, "neg": -0.5, "": "empty key"},
]


@pytest.mark.parametrize("content", CONTENTS)
def test_content_is_answered_equal(api: Api, content: Any) -> None:
    """Content of any accepted form comes back equal, key order kept."""
    made = api.ok("POST", "/message", {"dialogueId": "d", "role": "tool", "content": content, "id": "m"})
    for read in (made, api.ok("GET", "/message/m", query=IN_D), api.ok("GET", "/dialogue/d")["messages"][0]):
        assert read["content"] == content
        assert list(read["content"]) == list(content)


@pytest.mark.parametrize("content", ["", [], [1], ["text"], None, 5, True])
def test_other_content_is_refused(api: Api, content: Any) -> None:
    """Empty text, empty arrays, arrays of anything but objects, null and scalars are 400."""
    error = api.refused(400, "INVALID_INPUT", "POST", "/message", HELLO | IN_D | {"content": content})
    assert error["details"][0]["field"] in {"content", "content[0]"}


def test_content_is_at_most_eight_mebibytes(api: Api) -> None:
    """A larger content is 413; the limit itself is accepted."""
    limit = 8 * 1024 * 1024
    api.ok("POST", "/message", HELLO | IN_D | {"content": "x" * (limit - 2)})
    api.refused(413, "PAYLOAD_TOO_LARGE", "POST", "/message", HELLO | IN_D | {"content": "x" * limit})


def test_missing_dialogues_and_parameters(api: Api) -> None:
    """Writing to nothing is 404, naming nothing is MISSING_PARAMETER."""
    api.refused(404, "DIALOGUE_NOT_FOUND", "POST", "/message", HELLO | {"dialogueId": "none"})
    api.refused(404, "DIALOGUE_NOT_FOUND", "GET", "/messages", query={"dialogueId": "none"})
    api.refused(400, "MISSING_PARAMETER", "GET", "/messages")
    api.refused(400, "MISSING_PARAMETER", "GET", "/messages", query={"dialogueId": ""})
    api.refused(400, "MISSING_PARAMETER", "POST", "/messages", [HELLO])
    api.refused(400, "MISSING_PARAMETER", "POST", "/message", HELLO)


def test_namespaces_apply_to_messages(api: Api) -> None:
    """A message of a namespaced dialogue carries the namespace and is found only with it."""
    api.ok("POST", "/dialogue", {"id": "d", "namespace": "n"})
    made = api.ok("POST", "/message", HELLO | IN_D | {"namespace": "n", "id": "m"})
    assert made["namespace"] == "n"
    api.refused(404, "MESSAGE_NOT_FOUND", "GET", "/message/m", query=IN_D)
    assert api.ok("GET", "/message/m", query=IN_D | {"namespace": "n"}) == made
