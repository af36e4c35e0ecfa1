"""Where the namespace may stand, and what a miss says about it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.conftest import Api, make_key

IN_N = {"namespace": "n"}

WRITES: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/dialogue", {"id": "e"}),
    ("PUT", "/dialogue/d", {"label": "L"}),
    ("PUT", "/dialogue", {"id": "d", "label": "L"}),
    ("POST", "/dialogue/d/end", {}),
    ("PUT", "/dialogue/d/end", {}),
    ("POST", "/dialogue/d/archive", {}),
    ("POST", "/dialogue/d/reopen", {}),
    ("POST", "/dialogue/d/compact", {}),
    ("POST", "/message", {"dialogueId": "d", "role": "user", "content": "x"}),
    ("POST", "/dialogue/d/message", {"role": "user", "content": "x"}),
    ("POST", "/dialogue/d/messages", {"role": "user", "content": "x"}),
    ("PUT", "/message/m?dialogueId=d", {"tags": ["x"]}),
    ("PUT", "/dialogue/d/message/m", {"tags": ["x"]}),
    ("POST", "/memory", {"id": "l", "value": 1}),
    ("PUT", "/memory/k", {"tags": ["x"]}),
    ("POST", "/summary", {"dialogueId": "d"}),
]


@pytest.fixture
def stored(api: Api) -> Api:
    """A dialogue, a message and a memory in the namespace ``n`` and in no other."""
    message = {"id": "m", "role": "user", "content": "Hello"}
    api.ok("POST", "/dialogue", {"id": "d", "message": message} | IN_N)
    api.ok("POST", "/memory", {"id": "k", "value": 1} | IN_N)
    return api


def with_query(path: str, namespace: str) -> str:
    """Return a path with the namespace in its query."""
    return f"{path}{'&' if '?' in path else '?'}namespace={namespace}"


@pytest.mark.parametrize(("method", "path", "body"), WRITES, ids=[f"{w[0]} {w[1]}" for w in WRITES])
@pytest.mark.parametrize("place", ["body", "query", "both"])
def test_the_namespace_of_a_write(
    stored: Api, method: str, path: str, body: dict[str, Any], place: str
) -> None:
    """It may stand in the body, in the query, or alike in both."""
    sent = body | IN_N if place != "query" else body
    answer = stored.ok(method, with_query(path, "n") if place != "body" else path, sent)
    assert answer["namespace"] == "n"


@pytest.mark.parametrize(("method", "path", "body"), WRITES, ids=[f"{w[0]} {w[1]}" for w in WRITES])
def test_two_namespaces_are_refused(stored: Api, method: str, path: str, body: dict[str, Any]) -> None:
    """Body and query that differ are 400, and nothing is written in either."""
    error = stored.refused(400, "INVALID_INPUT", method, with_query(path, "other"), body | IN_N)
    assert error["details"][0]["field"] == "namespace"
    assert stored.ok("GET", "/stats?namespace=other")["dialogues"]["total"] == 0
    assert stored.ok("GET", "/stats?namespace=n")["messages"] == 1


def test_a_field_of_the_state_is_no_namespace(stored: Api) -> None:
    """The body of a state is the state, whatever its keys are called."""
    assert stored.ok("PUT", "/dialogue/d/state?namespace=n", {"namespace": "x"}) == {"namespace": "x"}
    assert stored.ok("PATCH", "/dialogue/d/state?namespace=n", {"namespace": None}) == {}


MISSES = [
    ("GET", "/dialogue/d", None, "DIALOGUE_NOT_FOUND"),
    ("PUT", "/dialogue/d", {"label": "L"}, "DIALOGUE_NOT_FOUND"),
    ("DELETE", "/dialogue/d", None, "DIALOGUE_NOT_FOUND"),
    ("GET", "/messages?dialogueId=d", None, "DIALOGUE_NOT_FOUND"),
    ("GET", "/message/m?dialogueId=d", None, "MESSAGE_NOT_FOUND"),
    ("POST", "/message", {"dialogueId": "d", "role": "user", "content": "x"}, "DIALOGUE_NOT_FOUND"),
    ("POST", "/dialogue", {"threadOf": "d"}, "PARENT_DIALOGUE_NOT_FOUND"),
    ("GET", "/memory/k", None, "MEMORY_NOT_FOUND"),
    ("GET", "/summary/s", None, "SUMMARY_NOT_FOUND"),
    ("GET", "/dialogue/d/context", None, "DIALOGUE_NOT_FOUND"),
]
HINT = "The default namespace was searched; ?namespace=NAME names another."


@pytest.mark.parametrize(("method", "path", "body", "code"), MISSES)
def test_a_miss_says_where_it_was_looked_for(
    stored: Api, method: str, path: str, body: Any, code: str
) -> None:
    """In the default namespace the message names it and says how to name one; elsewhere it need not."""
    assert HINT in stored.refused(404, code, method, path, body)["message"]
    elsewhere = stored.refused(404, code, method, with_query(path, "other"), body)
    assert HINT not in elsewhere["message"]


def test_a_bound_key_is_told_of_no_namespace(api: Api) -> None:
    """Whoever sees one namespace only has no other to name."""
    bound = make_key(api.app.extensions["colloquy"].backend, namespace="n")
    error = api.refused(404, "DIALOGUE_NOT_FOUND", "GET", "/dialogue/d", key=bound)
    assert HINT not in error["message"]
