"""Repeats, conditions and idempotency keys."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.conftest import Api

HELLO = {"role": "user", "content": "Hello"}
IN_D = {"dialogueId": "d"}


def test_repeated_creation_answers_the_dialogue_as_it_is(api: Api) -> None:
    """The same request again is 200 with what still exists, even after the dialogue ended."""
    body = {"id": "d", "messages": [HELLO | {"id": "a"}, HELLO], "state": {"x": 1, "y": 2}}
    api.ok("POST", "/dialogue", body)
    api.ok("POST", "/message", HELLO | IN_D | {"id": "later"})
    api.ok("DELETE", "/message/a", query=IN_D)
    api.ok("PUT", "/dialogue/d", {"tags": ["t"]})
    api.ok("POST", "/dialogue/d/end")
    again = api.ok("POST", "/dialogue", body | {"state": {"y": 2, "x": 1}})
    assert (again["status"], again["tags"], again["totalMessages"]) == ("ended", ["t"], 2)
    assert len(again["messages"]) == 1


def test_message_and_messages_of_one_are_the_same_request(api: Api) -> None:
    """Defaults filled in and the spelling of a single message do not make a difference."""
    api.ok("POST", "/dialogue", {"id": "d", "message": HELLO})
    api.ok("POST", "/dialogue", {"id": "d", "messages": [HELLO | {"tags": []}], "metadata": {}, "label": ""})
    assert api.ok("GET", "/dialogue/d")["totalMessages"] == 1


@pytest.mark.parametrize(
    "other",
    [{"label": "x"}, {"tags": ["x"]}, {"metadata": {"a": 1}}, {"state": {"a": 1}}, {"message": HELLO}],
)
def test_other_creation_under_the_same_id_is_refused(api: Api, other: dict[str, Any]) -> None:
    """Different content under a used id is DUPLICATE_ID."""
    api.ok("POST", "/dialogue", {"id": "d"})
    api.refused(409, "DUPLICATE_ID", "POST", "/dialogue", {"id": "d"} | other)


def test_repeated_messages(api: Api) -> None:
    """An equal message under the same id is a repeat, also on an ended dialogue; another is 409."""
    api.ok("POST", "/dialogue", {"id": "d"})
    message = HELLO | IN_D | {"id": "m", "tags": ["a"]}
    made = api.ok("POST", "/message", message)
    api.ok("PUT", "/message/m", {"tags": ["b"]}, query=IN_D)
    api.ok("POST", "/dialogue/d/end")
    again = api.ok("POST", "/message", message, headers={"If-Match": '"old"'})
    assert (again["id"], again["tags"], again["created"]) == ("m", ["b"], made["created"])
    api.refused(409, "DUPLICATE_ID", "POST", "/message", message | {"content": "other"})
    assert api.ok("GET", "/dialogue/d")["totalMessages"] == 1


def test_repeated_batches(api: Api) -> None:
    """A batch repeats as a whole or not at all, and a clash stores nothing."""
    api.ok("POST", "/dialogue", {"id": "d"})
    batch = [HELLO | {"id": "a"}, HELLO | {"id": "b"}]
    first = api.ok("POST", "/messages", batch, query=IN_D)
    assert api.ok("POST", "/messages", batch, query=IN_D) == first
    for clash in (
        [*batch, HELLO | {"id": "c"}],
        [batch[0], HELLO],
        [batch[0], HELLO | {"id": "b", "name": "n"}],
    ):
        api.refused(409, "DUPLICATE_ID", "POST", "/messages", clash, query=IN_D)
    twice = [HELLO | {"id": "z"}, HELLO | {"id": "z"}]
    api.refused(400, "INVALID_INPUT", "POST", "/messages", twice, query=IN_D)
    assert api.ok("GET", "/dialogue/d")["totalMessages"] == 2


def test_repeated_put_with_messages(api: Api) -> None:
    """A PUT whose messages are there already is a repeat and answers them."""
    api.ok("POST", "/dialogue", {"id": "d"})
    body = {"tags": ["t"], "message": HELLO | {"id": "m"}}
    api.ok("PUT", "/dialogue/d", body)
    api.ok("POST", "/dialogue/d/end")
    again = api.ok("PUT", "/dialogue/d", body, headers={"If-Match": '"old"'})
    assert [message["id"] for message in again["messages"]] == ["m"]
    api.refused(409, "DIALOGUE_ENDED", "PUT", "/dialogue/d", body | {"tags": ["other"]})


def test_etag_changes_with_every_change(api: Api) -> None:
    """Messages, tags, state, status, threads and deletions each give a new ETag."""
    api.ok("POST", "/dialogue", {"id": "d"})
    seen = {api.get("/dialogue/d").headers["ETag"]}
    steps: list[tuple[str, str, Any, dict[str, Any]]] = [
        ("POST", "/message", HELLO | IN_D | {"id": "m"}, {}),
        ("PUT", "/message/m", {"tags": ["t"]}, {"query": IN_D}),
        ("PUT", "/dialogue/d", {"label": "L"}, {}),
        ("PUT", "/dialogue/d/state", {"a": 1}, {}),
        ("POST", "/dialogue", {"id": "child", "threadOf": "d"}, {}),
        ("DELETE", "/dialogue/child", None, {}),
        ("DELETE", "/message/m", None, {"query": IN_D}),
        ("POST", "/dialogue/d/end", {}, {}),
        ("POST", "/dialogue/d/reopen", {}, {}),
    ]
    for method, path, body, options in steps:
        api.ok(method, path, body, **options)
        etag = api.get("/dialogue/d").headers["ETag"]
        assert etag not in seen, (method, path)
        seen.add(etag)
    api.ok("DELETE", "/dialogue/d")
    assert api.post("/dialogue", {"id": "d"}).headers["ETag"] not in seen


def test_if_none_match(api: Api) -> None:
    """A current ETag is 304 without a body; another, or a change, is 200."""
    etag = api.post("/dialogue", {"id": "d"}).headers["ETag"]
    for header in (etag, "*", f'"x", W/{etag}'):
        answer = api.get("/dialogue/d", headers={"If-None-Match": header})
        assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", etag)
    assert api.get("/dialogue/d", headers={"If-None-Match": '"x"'}).status_code == 200
    api.refused(400, "INVALID_PARAMETER", "GET", "/dialogue/d", headers={"If-None-Match": "x"})


WRITES: list[tuple[str, str, Any]] = [
    ("PUT", "/dialogue/d", {"label": "L"}),
    ("POST", "/message", HELLO | IN_D),
    ("POST", "/messages?dialogueId=d", [HELLO]),
    ("PUT", "/dialogue/d/state", {"a": 1}),
    ("PATCH", "/dialogue/d/state", {"a": 1}),
    ("PUT", "/message/m?dialogueId=d", {"tags": ["t"]}),
    ("DELETE", "/message/m?dialogueId=d", None),
    ("POST", "/dialogue/d/end", {}),
    ("POST", "/dialogue/d/archive", {}),
    ("POST", "/dialogue/d/reopen", {}),
    ("DELETE", "/dialogue/d", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_if_match_guards_every_write(api: Api, method: str, path: str, body: Any) -> None:
    """A stale ETag is 412 and changes nothing; the current one, a list with it, or * is accepted."""
    etag = api.post("/dialogue", {"id": "d", "message": HELLO | {"id": "m"}}).headers["ETag"]
    before = api.ok("GET", "/dialogue/d")
    api.refused(412, "PRECONDITION_FAILED", method, path, body, headers={"If-Match": '"stale"'})
    assert api.ok("GET", "/dialogue/d") == before
    api.ok(method, path, body, headers={"If-Match": f'"stale", {etag}'})


def test_idempotency_key_replays(api: Api) -> None:
    """The same request with the same key is answered again and done once."""
    api.ok("POST", "/dialogue", {"id": "d"})
    headers = {"Idempotency-Key": "k 1"}
    first = api.post("/message", HELLO | IN_D, headers=headers)
    again = api.post("/message", HELLO | IN_D, headers=headers)
    assert again.get_json() == first.get_json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert api.ok("GET", "/dialogue/d")["totalMessages"] == 1
    api.refused(
        422, "IDEMPOTENCY_KEY_REUSED", "POST", "/message", HELLO | IN_D | {"name": "n"}, headers=headers
    )
    other_path = api.post("/dialogue/d/message", HELLO, headers=headers)
    assert "Idempotent-Replayed" not in other_path.headers


def test_idempotency_key_compares_bodies_byte_by_byte(api: Api) -> None:
    """The same values in another order of keys are another request."""
    api.ok("POST", "/dialogue", {"id": "d"})
    headers = {"Idempotency-Key": "k"}
    first, other = b'{"role":"user","content":"x"}', b'{"content":"x","role":"user"}'
    statuses = [
        api.post("/dialogue/d/message", data=body, headers=headers).status_code
        for body in (first, other, first)
    ]
    assert statuses == [200, 422, 200]
    assert api.ok("GET", "/dialogue/d")["totalMessages"] == 1


def test_idempotency_keeps_only_successes(api: Api) -> None:
    """A refused request leaves its key free."""
    headers = {"Idempotency-Key": "k"}
    api.refused(404, "DIALOGUE_NOT_FOUND", "DELETE", "/dialogue/d", headers=headers)
    api.ok("POST", "/dialogue", {"id": "d"})
    api.ok("DELETE", "/dialogue/d", headers=headers)
    assert api.delete("/dialogue/d", headers=headers).headers["Idempotent-Replayed"] == "true"
    api.refused(400, "INVALID_PARAMETER", "POST", "/dialogue", {}, headers={"Idempotency-Key": "x" * 256})
