"""Limits at and just beyond their edge, and where a namespace is named."""

from __future__ import annotations

import json

import pytest

from app.services import fork
from app.stores import Backend
from tests.contract.conftest import Api

HELLO = {"role": "user", "content": "Hello"}
IN_D = {"dialogueId": "d"}


@pytest.mark.parametrize(("limit", "value"), [("FORK_MESSAGES", 3), ("FORK_BYTES", 700)])
def test_forks_beyond_their_limits_are_refused(
    api: Api, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    """Too many messages or bytes up to the named one are 400, and no thread is made."""
    batch = [HELLO | {"id": f"m{number}", "content": "ü" * 20} for number in range(5)]
    api.ok("POST", "/dialogue", {"id": "p", "messages": batch})
    monkeypatch.setattr(fork, limit, value)
    error = api.refused(400, "INVALID_INPUT", "POST", "/dialogue", {"threadOf": "p", "forkAt": "m4"})
    problem = "asks for too much: a fork copies at most 10,000 messages or 64 MiB"
    assert error["message"] == f"forkAt {problem}."
    assert error["details"] == [{"field": "forkAt", "message": problem, "code": "INVALID"}]
    assert api.ok("GET", "/dialogue/p")["threadCount"] == 0
    assert api.ok("GET", "/dialogue", query={"threadOf": "p"}) == {"items": []}
    assert api.ok("POST", "/dialogue", {"threadOf": "p", "forkAt": "m1"})["totalMessages"] == 2


def test_the_limits_of_a_fork_are_those_promised() -> None:
    """10,000 messages and 64 MiB."""
    assert (fork.FORK_MESSAGES, fork.FORK_BYTES) == (10_000, 67_108_864)


def test_a_fork_of_large_messages_answers_its_recent_ones(api: Api) -> None:
    """The last ten, though fewer are embedded."""
    for number in range(3):
        large = {"id": f"m{number}", "role": "user", "content": "x" * 600_000}
        api.ok("POST", "/dialogue", {"id": "d"})
        api.ok("POST", "/message", IN_D | large)
    forked = api.ok("POST", "/dialogue", {"id": "f", "threadOf": "d", "forkAt": "m2"})
    assert len(forked["messages"]) == 3
    assert api.ok("GET", "/dialogue/f")["messages"] == forked["messages"]


def test_several_dialogues_at_once_are_limited_by_their_bytes(api: Api) -> None:
    """More than 8 MiB of UTF-8 together is 413, though they are fewer characters."""
    names = [f"d{number}" for number in range(9)]
    for name in names:
        api.ok("POST", "/dialogue", {"id": name, "state": {"s": "ü" * 500_000}})
    query = {"ids": ",".join(names), "include": "state"}
    api.refused(413, "PAYLOAD_TOO_LARGE", "GET", "/dialogue", query=query)
    eight = api.ok("GET", "/dialogue", query=query | {"ids": ",".join(names[:8])})
    assert len(eight["items"]) == 8
    assert len(api.ok("GET", "/dialogue", query={"ids": ",".join(names)})["items"]) == 9


def test_pages_of_memories_end_early_at_eight_mebibytes(api: Api) -> None:
    """With a cursor for the rest."""
    for number in range(10):
        api.ok("POST", "/memory", {"id": f"k{number}", "value": "x" * 1_000_000})
    first = api.ok("GET", "/memory")
    assert 1 <= len(first["items"]) <= 8
    rest = api.ok("GET", "/memory", query={"next": first["next"]})
    assert {item["id"] for item in first["items"] + rest["items"]} == {f"k{n}" for n in range(10)}
    assert "next" not in rest


def test_what_is_just_within_the_limits_is_accepted(api: Api) -> None:
    """Lengths, counts and depths at their limit."""
    identifier = "aZ0._~:@-" + "x" * 119
    message = HELLO | {"id": identifier, "name": "n" * 128, "tags": ["t" * 64]}
    body = {
        "id": identifier,
        "namespace": "ü" * 128,
        "label": "l" * 128,
        "tags": [f"{number}" + "," * 63 for number in range(10)],
        "metadata": json.loads('{"a":' * 15 + "{}" + "}" * 15) | {"b": "x" * 65_400},
        "messages": [message],
    }
    made = api.ok("POST", "/dialogue", body)
    for field in ("id", "namespace", "label", "tags", "metadata"):
        assert made[field] == body[field], field
    query = {"namespace": body["namespace"]}
    assert api.ok("GET", f"/dialogue/{identifier}/message/{identifier}", query=query)["name"] == "n" * 128


def test_a_space_is_read_as_the_plus_that_was_meant(api: Api) -> None:
    """An offset whose ``+`` was not escaped in a query is understood."""
    api.ok("POST", "/dialogue", {"id": "d", "created": "2026-01-15T11:30:00Z"})
    for start, found in (("2026-01-15T12:00:00 01:00", 1), ("2026-01-15T13:00:00 01:00", 0)):
        listed = api.ok("GET", "/dialogue", query={"startDate": start})
        assert len(listed["items"]) == found


def test_several_dialogues_at_once_are_of_one_namespace(api: Api) -> None:
    """The default one when none is named."""
    api.ok("POST", "/dialogue", {"id": "d", "label": "default"})
    api.ok("POST", "/dialogue", {"id": "d", "label": "n", "namespace": "n"})
    assert [item["label"] for item in api.ok("GET", "/dialogue", query={"ids": "d,d"})["items"]] == [
        "default"
    ]
    inside = api.ok("GET", "/dialogue", query={"ids": "d", "namespace": "n"})["items"]
    assert [item["label"] for item in inside] == ["n"]


def test_an_idempotency_key_holds_across_namespaces(api: Api) -> None:
    """It is scoped to project, method and path: another namespace makes it another request."""
    headers = {"Idempotency-Key": "k"}
    api.ok("POST", "/dialogue", {"namespace": "a"}, headers=headers)
    api.refused(422, "IDEMPOTENCY_KEY_REUSED", "POST", "/dialogue", {"namespace": "b"}, headers=headers)
    api.ok("POST", "/memory", {"namespace": "b", "value": 1}, headers=headers)


def test_if_match_names_no_version_of_a_deleted_dialogue(api: Api) -> None:
    """Its messages are still written and deleted, but not under a condition."""
    etag = api.post("/dialogue", {"id": "d", "message": HELLO | {"id": "m"}}).headers["ETag"]
    api.ok("DELETE", "/dialogue/d")
    for header in (etag, "*"):
        options = {"query": IN_D, "headers": {"If-Match": header}}
        api.refused(412, "PRECONDITION_FAILED", "PUT", "/message/m", {"tags": ["t"]}, **options)
        api.refused(412, "PRECONDITION_FAILED", "DELETE", "/message/m", **options)
    assert api.ok("GET", "/message/m", query=IN_D)["tags"] == []


def test_threads_are_counted_again_after_a_sweep(api: Api, backend: Backend) -> None:
    """A parent deleted with its messages and made again has the threads that are still there."""
    api.ok("POST", "/dialogue", {"id": "p", "message": HELLO})
    api.ok("POST", "/dialogue", {"id": "c", "threadOf": "p"})
    api.ok("DELETE", "/dialogue/p", query={"cascade": "true"})
    while backend.sweep():
        pass
    assert api.ok("POST", "/dialogue", {"id": "p"})["threadCount"] == 1
    api.ok("DELETE", "/dialogue/c")
    assert api.ok("GET", "/dialogue/p")["threadCount"] == 0


def test_a_thread_moves_its_parents_etag_but_not_modified(api: Api) -> None:
    """``modified`` moves with the dialogue and its messages, and with nothing else."""
    api.ok("POST", "/dialogue", {"id": "p"})
    before = api.get("/dialogue/p")
    api.ok("POST", "/dialogue", {"id": "c", "threadOf": "p"})
    after = api.get("/dialogue/p")
    assert after.get_json()["modified"] == before.get_json()["modified"]
    assert after.headers["ETag"] != before.headers["ETag"]


def test_an_update_is_done_wholly_or_not_at_all(api: Api) -> None:
    """A part that is refused takes the others with it."""
    api.ok("POST", "/dialogue", {"id": "d", "message": HELLO | {"id": "m"}, "state": {"a": "x" * 600_000}})
    before = api.ok("GET", "/dialogue/d")
    clash = {"tags": ["t"], "label": "L", "messages": [HELLO, HELLO | {"id": "m", "name": "other"}]}
    api.refused(409, "DUPLICATE_ID", "PUT", "/dialogue/d", clash)
    large = {"tags": ["t"], "message": HELLO, "state": {"b": "x" * 600_000}}
    api.refused(413, "PAYLOAD_TOO_LARGE", "PUT", "/dialogue/d", large)
    assert api.ok("GET", "/dialogue/d") == before


def test_cursors_of_messages_are_bound_to_their_dialogue(api: Api) -> None:
    """Another dialogue, order, date or namespace, or a dialogue made anew, is another list."""
    for body in ({"id": "d"}, {"id": "e"}, {"id": "d", "namespace": "n"}):
        api.ok("POST", "/dialogue", body | {"messages": [HELLO, HELLO]})
    query = IN_D | {"limit": 1}
    cursor = {"next": api.ok("GET", "/messages", query=query)["next"]}
    for other in ({"dialogueId": "e"}, {"order": "desc"}, {"created": "2026"}, {"namespace": "n"}):
        api.refused(400, "INVALID_PARAMETER", "GET", "/messages", query=IN_D | cursor | other)
    assert len(api.ok("GET", "/dialogue/d/messages", query=cursor)["items"]) == 1
    api.ok("DELETE", "/dialogue/d")
    assert len(api.ok("GET", "/messages", query=IN_D | cursor)["items"]) == 1
    api.ok("POST", "/dialogue", {"id": "d", "messages": [HELLO, HELLO]})
    api.refused(400, "INVALID_PARAMETER", "GET", "/messages", query=IN_D | cursor)
