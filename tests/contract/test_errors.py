"""One envelope for every error, from whatever layer, in the contract's order of checks."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.stores import Backend
from tests.contract.conftest import Api, check_envelope
from tests.records import close_project

HELLO = {"role": "user", "content": "Hello"}


def test_order_of_checks(api: Api) -> None:
    """Route and method come before the key, the key before the body."""
    nobody = {"Authorization": "Bearer wrong-key-of-nobody"}
    api.refused(404, "ROUTE_NOT_FOUND", "GET", "/nowhere", headers=nobody)
    api.refused(405, "METHOD_NOT_ALLOWED", "PATCH", "/dialogue", headers=nobody)
    api.refused(401, "UNAUTHORIZED", "POST", "/dialogue", data=b"{", headers=nobody)
    api.refused(
        413,
        "PAYLOAD_TOO_LARGE",
        "POST",
        "/dialogue",
        data=b"x" * (16 * 1024 * 1024 + 1),
        headers={"Content-Type": "image/png"},
    )
    api.refused(
        415, "UNSUPPORTED_MEDIA_TYPE", "POST", "/dialogue", data=b"{", headers={"Content-Type": "image/png"}
    )


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic abc", "Bearer no-such-key-anywhere", "Bearer k\u00fc", "x" * 5000],
)
def test_every_bad_key_gets_the_same_401(api: Api, header: str) -> None:
    """Missing, malformed and unknown keys are answered alike, with WWW-Authenticate."""
    response = api.get("/dialogue", headers={"Authorization": header})
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    error = response.get_json()["error"]
    missing = api.client.get("/dialogue").get_json()["error"]
    for varying in ("requestId", "timestamp"):
        error.pop(varying)
        missing.pop(varying)
    assert error == missing


def test_a_removed_project_is_not_found(api: Api, backend: Backend) -> None:
    """A valid key of a project that was removed is PROJECT_NOT_FOUND."""
    close_project(backend)
    api.refused(404, "PROJECT_NOT_FOUND", "GET", "/dialogue")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "GET"])
@pytest.mark.parametrize(
    "path", ["/dialogue//end", "/dialogue/", "/message/", "/memory/", "/api/v1/dialogue//messages"]
)
def test_empty_ids_are_missing_parameters(api: Api, method: str, path: str) -> None:
    """An empty id is 400 where the method exists, never a redirect, and strangers get 401."""
    response = api.client.open(path, method=method, headers={"Authorization": f"Bearer {api.key}"})
    assert response.status_code in (400, 405)
    check_envelope(response)
    if response.status_code == 400:
        assert response.get_json()["error"]["code"] == "MISSING_PARAMETER"
        assert api.client.open(path, method=method).status_code == 401


BAD_JSON = [
    b"{",
    b"[1,]",
    b"\xff",
    b"\xef\xbb\xbf{}",
    b'{"label": NaN}',
    b'{"label": Infinity}',
    b'{"label": 1e999}',
    b'{"label": "\\ud800"}',
    b'{"\\u0000": 1}',
    b'{"label": "a", "label": "b"}',
    b'{"state": {"a": 1, "a": 1}}',
    b'{"state": {"n": 9223372036854775808}}',
    b'{"state": {"n": -9223372036854775809}}',
    b'{"state": {"n": ' + b"9" * 5000 + b"}}",
    b'{"state": {"n": ' + b"[" * 64 + b"]" * 64 + b"}}",
    b"[" * 10_000 + b"]" * 10_000,
    b"[" * 100_000,
    b"null 1",
]


@pytest.mark.parametrize("body", BAD_JSON, ids=lambda body: repr(body[:24]))
def test_bad_json_is_explained(api: Api, body: bytes) -> None:
    """What JSON allows too much of is INVALID_JSON."""
    error = api.refused(400, "INVALID_JSON", "POST", "/dialogue", data=body)
    assert len(error["message"]) <= 300


@pytest.mark.parametrize(
    "body",
    [
        b'{"label": "\\ud83d\\ude00 \\\\u0000"}',
        b'{"state": {"n": 9223372036854775807, "m": -9223372036854775808}}',
        b'{"state": ' + b'{"a":' * 61 + b"1" + b"}" * 61 + b"}",
        b' \r\n{"label": "\xc3\xbc"}\t',
    ],
)
def test_good_json_is_accepted(api: Api, body: bytes) -> None:
    """The limits themselves are within."""
    assert api.post("/dialogue", data=body).status_code == 200


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain;charset=UTF-8", "application/json", "application/problem+json", "Application/JSON"],
)
def test_json_under_any_of_its_types(api: Api, content_type: str | None) -> None:
    """A missing type, text/plain and every +json mean JSON."""
    headers = {} if content_type is None else {"Content-Type": content_type}
    made = api.ok("POST", "/dialogue", data=b'{"label": "L"}', headers=headers)
    assert made["label"] == "L"


def test_compressed_bodies_are_refused(api: Api) -> None:
    """A content coding is 415, not garbage."""
    api.refused(
        415, "UNSUPPORTED_MEDIA_TYPE", "POST", "/dialogue", data=b"x", headers={"Content-Encoding": "gzip"}
    )


INPUTS: list[tuple[Any, str]] = [
    ({"id": "a/b"}, "id"),
    ({"id": ".."}, "id"),
    ({"id": ""}, "id"),
    ({"id": "x" * 129}, "id"),
    ({"id": "a\n"}, "id"),
    ({"id": 5}, "id"),
    ({"namespace": ""}, "namespace"),
    ({"namespace": "a\u0007"}, "namespace"),
    ({"label": "x" * 129}, "label"),
    ({"tags": ["x"] * 11}, "tags"),
    ({"tags": [""]}, "tags[0]"),
    ({"tags": ["x" * 65]}, "tags[0]"),
    ({"tags": "x"}, "tags"),
    ({"metadata": []}, "metadata"),
    ({"metadata": {"a": "x" * 70_000}}, "metadata"),
    ({"metadata": json.loads('{"a":' * 17 + "1" + "}" * 17)}, "metadata"),
    ({"state": []}, "state"),
    ({"created": "2026-02-30"}, "created"),
    ({"created": "tomorrow"}, "created"),
    ({"created": 5}, "created"),
    ({"messages": [HELLO, {"role": "robot", "content": "x"}]}, "messages[1].role"),
    ({"messages": [{"role": "user"}]}, "messages[0].content"),
    ({"messages": [HELLO | {"created": "x"}]}, "messages[0].created"),
    ({"message": HELLO | {"name": ""}}, "message.name"),
    ({"message": HELLO | {"contents": ""}}, "message.contents"),
    ({"labels": "x"}, "labels"),
]


@pytest.mark.parametrize(("body", "field"), INPUTS)
def test_bad_input_is_named(api: Api, body: Any, field: str) -> None:
    """INVALID_INPUT says which field is wrong, and unknown ones get a hint."""
    error = api.refused(400, "INVALID_INPUT", "POST", "/dialogue", body)
    assert error["details"][0]["field"] == field
    if field == "labels":
        assert "label" in error["details"][0]["message"]


@pytest.mark.parametrize("identifier", ["a%0A", "a%20b", "%C3%BC", "x" * 129, "a%00"])
def test_bad_ids_in_the_path_are_refused(api: Api, identifier: str) -> None:
    """An id that no resource can have is INVALID_PARAMETER."""
    api.refused(400, "INVALID_PARAMETER", "GET", f"/dialogue/{identifier}")


def test_bodies_of_the_wrong_shape(api: Api) -> None:
    """An array where an object is meant, and the other way round, are INVALID_INPUT."""
    wrong: list[Any] = [[], "text", 5, None, True]
    for body in wrong:
        api.refused(400, "INVALID_INPUT", "POST", "/dialogue", data=json.dumps(body).encode())
    api.refused(400, "INVALID_INPUT", "POST", "/messages", {}, query={"dialogueId": "d"})


def test_request_ids_are_kept_when_sane(api: Api) -> None:
    """A sane incoming id is answered, another is replaced."""
    assert api.get("/dialogue", headers={"X-Request-Id": "abc-1"}).headers["X-Request-Id"] == "abc-1"
    replaced = api.get("/dialogue", headers={"X-Request-Id": "a b" * 100}).headers["X-Request-Id"]
    assert len(replaced) == 24


def test_head_and_options(api: Api) -> None:
    """HEAD is GET without a body; OPTIONS needs no key and answers Allow."""
    api.ok("POST", "/dialogue", {"id": "d"})
    head = api.call("HEAD", "/dialogue/d")
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["ETag"]
    options = api.client.options("/dialogue/d")
    assert options.status_code == 200
    assert options.data == b""
    assert {"GET", "PUT", "DELETE"} <= set(options.headers["Allow"].replace(" ", "").split(","))


def test_405_lists_what_is_allowed(api: Api) -> None:
    """``Allow`` is part of every 405."""
    response = api.patch("/dialogue/d", {})
    assert response.status_code == 405
    assert "PUT" in response.headers["Allow"]
