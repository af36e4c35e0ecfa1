"""The rules that excuse a refusal in a fuzz run: each excuses a request that breaks it, and no other."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from tests.security.fuzz.history import History
from tests.security.fuzz.rules import explained

RejectedPositiveData = type("RejectedPositiveData", (), {})
UseAfterFree = type("UseAfterFree", (), {"deleted_case_id": "gone"})
ServerError = type("ServerError", (), {})


def answer(
    method: str,
    url: str,
    body: Any = None,
    *,
    status: int = 400,
    headers: dict[str, str] | None = None,
    replayed: bool = False,
    **said: Any,
) -> Any:
    """Return a response as schemathesis gives it, with the request that it answers."""
    request = SimpleNamespace(
        method=method,
        url="http://127.0.0.1" + url,
        path_url=url,
        headers=headers or {},
        body=None if body is None else json.dumps(body).encode(),
    )
    content = said.pop("content", {"error": {"details": []} | said})
    answered = SimpleNamespace(status_code=status, request=request, content=json.dumps(content).encode())
    answered.headers = {"idempotent-replayed": ["true"]} if replayed else {}
    return answered


def excused(response: Any, history: History | None = None) -> bool:
    """Whether a rule explains that a request was refused."""
    return explained(RejectedPositiveData(), None, response, history or History()) is not None


def refused(code: str, *fields: str) -> dict[str, Any]:
    """Return the parts of an error."""
    return {"code": code, "details": [{"field": field} for field in fields], "message": ""}


DEEP = json.loads('{"a":' * 17 + "1" + "}" * 17)

SMALLEST = {"message": "maxTokens is too small for the last user message: it must be at least 495."}

BROKEN = [
    ("POST", "/dialogue", {"message": {}, "messages": []}, refused("INVALID_INPUT")),
    ("POST", "/messages", [{"id": "a"}, {"id": "a"}], refused("INVALID_INPUT")),
    ("POST", "/dialogue", {"forkAt": "a"}, refused("INVALID_INPUT", "threadOf")),
    ("POST", "/dialogue", {"forkAt": "a", "threadOf": "b"}, refused("INVALID_INPUT", "forkAt")),
    ("PUT", "/dialogue/a", {"id": "b"}, refused("INVALID_INPUT", "id")),
    ("PUT", "/dialogue/a?namespace=x", {"namespace": "y"}, refused("INVALID_INPUT", "namespace")),
    ("POST", "/memory", {"value": {"a\0": 1}}, refused("INVALID_JSON")),
    ("POST", "/message", {"role": "user", "content": ""}, refused("INVALID_INPUT", "content")),
    (
        "POST",
        "/messages",
        [{"role": "user", "tool_calls": []}],
        refused("INVALID_INPUT", "messages[0].content"),
    ),
    ("POST", "/memory", {"value": 2**63}, refused("INVALID_JSON")),
    ("POST", "/memory", {"metadata": DEEP}, refused("INVALID_INPUT", "metadata")),
    ("POST", "/search", {"metadata": {"namespace": ["a", "b"]}}, refused("INVALID_INPUT")),
    ("POST", "/search", {"namespace": "a", "metadata": {"namespace": "b"}}, refused("INVALID_INPUT")),
    ("POST", "/search", {"tags": [], "filter": {"tags": []}}, refused("INVALID_INPUT")),
    ("POST", "/summary", {"template": "poem"}, refused("INVALID_INPUT")),
    ("POST", "/dialogue/a/dance", None, refused("INVALID_ACTION")),
    ("GET", "/dialogue?ids=a&limit=1", None, refused("INVALID_PARAMETER")),
    ("GET", "/dialogue?include=state", None, refused("INVALID_PARAMETER")),
    ("GET", "/dialogue?next=made-up", None, refused("INVALID_PARAMETER", "next")),
    ("GET", "/dialogue/a/context?maxTokens=494", None, refused("INVALID_PARAMETER", "maxTokens") | SMALLEST),
]
KEPT = [
    ("POST", "/memory", {"value": "a\0"}, refused("INVALID_JSON")),
    ("POST", "/message", {"role": "user", "refusal": "No"}, refused("INVALID_INPUT", "content")),
    ("POST", "/dialogue", {"message": {}}, refused("INVALID_INPUT")),
    ("POST", "/messages", [{"id": "a"}, {"id": "b"}], refused("INVALID_INPUT")),
    ("POST", "/dialogue", {"forkAt": "a", "threadOf": "b"}, refused("INVALID_INPUT", "threadOf")),
    ("PUT", "/dialogue/a", {"id": "a"}, refused("INVALID_INPUT", "id")),
    ("PUT", "/dialogue", {"id": "a", "namespace": "y"}, refused("INVALID_INPUT", "namespace")),
    ("POST", "/memory", {"value": -(2**63)}, refused("INVALID_JSON")),
    ("POST", "/memory", {"metadata": DEEP["a"]}, refused("INVALID_INPUT", "metadata")),
    (
        "POST",
        "/search",
        {"namespace": "a", "metadata": {"namespace": {"$in": ["a", "a"]}}},
        refused("INVALID_INPUT"),
    ),
    ("POST", "/search", {"filter": {"created": "today"}}, refused("INVALID_INPUT", "filter.created")),
    ("POST", "/summary", {"template": "facts"}, refused("INVALID_INPUT")),
    ("POST", "/dialogue/a/end", None, refused("INVALID_ACTION")),
    ("GET", "/dialogue?ids=a&include=state", None, refused("INVALID_PARAMETER")),
    ("GET", "/dialogue?created=2026-02-28", None, refused("INVALID_PARAMETER", "created")),
    ("GET", "/dialogue/a/context?maxTokens=495", None, refused("INVALID_PARAMETER", "maxTokens") | SMALLEST),
    ("GET", "/dialogue/a/context", None, refused("INVALID_PARAMETER", "maxTokens") | SMALLEST),
    ("GET", "/dialogue/a/context?maxTokens=256", None, refused("INVALID_PARAMETER", "maxTokens")),
]


@pytest.mark.parametrize(("method", "url", "body", "error"), BROKEN)
def test_a_broken_rule_excuses_its_own_error(method: str, url: str, body: Any, error: dict[str, Any]) -> None:
    """A request that breaks a rule may be refused with the error of that rule, and with no other."""
    assert excused(answer(method, url, body, **error))
    assert not excused(answer(method, url, body, **error | {"code": "DIALOGUE_ENDED"}))


@pytest.mark.parametrize(("method", "url", "body", "error"), KEPT)
def test_a_kept_rule_excuses_nothing(method: str, url: str, body: Any, error: dict[str, Any]) -> None:
    """The refusal of a request that keeps the rules is a failure, whatever the answer says."""
    assert not excused(answer(method, url, body, **error))


def test_a_cursor_that_was_given_has_to_be_taken() -> None:
    """A cursor is excused on another list or with other filters only."""
    history, error = History(), refused("INVALID_PARAMETER", "next")
    history.note("1", answer("GET", "/dialogue?limit=1&status=all", status=200, content={"next": "abc"}))

    assert not excused(answer("GET", "/dialogue?status=all&limit=9&next=abc", **error), history)
    assert excused(answer("GET", "/dialogue?status=ended&next=abc", **error), history)
    assert excused(answer("GET", "/memory?status=all&next=abc", **error), history)


def test_an_idempotency_key_has_to_be_taken_for_the_same_request() -> None:
    """A key is excused when it stands for another request on the same path only."""
    history, key = History(), {"Idempotency-Key": " k"}
    history.note("1", answer("POST", "/dialogue", {"label": "a"}, status=200, headers=key))
    error: dict[str, Any] = {"headers": {"Idempotency-Key": "k"}} | refused("IDEMPOTENCY_KEY_REUSED")

    assert excused(answer("POST", "/dialogue", {"label": "b"}, **error), history)
    assert not excused(answer("POST", "/dialogue", {"label": "a"}, **error), history)
    assert not excused(answer("POST", "/memory", {"label": "b"}, **error), history)


def test_a_version_is_excused_unless_any_will_do() -> None:
    """412 is excused for ETags and not for ``*``."""
    error = refused("PRECONDITION_FAILED")

    assert excused(answer("PUT", "/dialogue/a", {}, headers={"If-Match": '"a"'}, **error))
    assert not excused(answer("PUT", "/dialogue/a", {}, headers={"If-Match": "*"}, **error))
    assert not excused(answer("PUT", "/dialogue/a", {}, **error))


def test_a_deleted_resource_is_excused_in_another_namespace() -> None:
    """What is read after a deletion is another resource only when the namespaces differ."""
    history, failure = History(), UseAfterFree()
    history.note("gone", answer("DELETE", "/memory/a?namespace=x", status=200, content={}))
    for case, url in (("same", "/memory/a?namespace=x"), ("other", "/memory/a")):
        history.note(case, answer("GET", url, status=200, content={}))

    found = [explained(failure, SimpleNamespace(id=case), None, history) for case in ("same", "other")]

    assert [rule is not None for rule in found] == [False, True]


def test_a_replayed_deletion_excuses_what_is_still_there() -> None:
    """A DELETE that was answered by replay has deleted nothing that was made since."""
    history, failure = History(), UseAfterFree()
    history.note("gone", answer("DELETE", "/memory/a", status=200, content={}, replayed=True))
    history.note("read", answer("GET", "/memory/a", status=200, content={}))

    assert explained(failure, SimpleNamespace(id="read"), None, history) is not None


def test_a_long_request_line_alone_is_excused() -> None:
    """414 is excused above 8,190 bytes, and other failures never are."""
    undefined = type("UndefinedStatusCode", (), {})()

    def found(length: int) -> str | None:
        path = "/" + "a" * (length - len("GET / HTTP/1.1"))
        return explained(undefined, None, answer("GET", path, status=414), History())

    assert found(8191) is not None
    assert found(8190) is None
    assert explained(ServerError(), None, answer("GET", "/", status=500), History()) is None
