"""Answers that are made before the application sees a request."""

from __future__ import annotations

import json
import logging

import pytest

from app.server.refusals import refusal
from tests.unit.test_request_buffer import buffered


def parsed(answer: bytes) -> tuple[str, dict[str, str], dict[str, object]]:
    """Return the status line, the headers and the error of an answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert headers["Content-Length"] == str(len(body))
    assert headers["Connection"] == "close"
    assert headers["Content-Type"] == "application/json"
    return status, headers, json.loads(body)["error"]


def test_they_look_like_those_of_the_application(caplog: pytest.LogCaptureFixture) -> None:
    """Who is to come back is told when, and what to quote: the id is in the log."""
    caplog.set_level(logging.INFO)
    status, headers, error = parsed(refusal(b"", "503 Service Unavailable", "Too many large requests wait."))
    assert status == "HTTP/1.1 503 Service Unavailable"
    assert headers["Retry-After"] == "1"
    assert set(error) == {"code", "message", "type", "details", "requestId", "timestamp"}
    assert error["code"] == "SERVICE_UNAVAILABLE"
    assert error["requestId"] == headers["X-Request-Id"]
    assert f"request {headers['X-Request-Id']} never reached the application: 503" in caplog.text


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("500 Internal Server Error", "INTERNAL_ERROR"),
        ("431 Request Header Fields Too Large", "INVALID_INPUT"),
    ],
)
def test_the_status_says_whose_fault_it_is(status: str, code: str) -> None:
    """What is not the server's is the client's."""
    assert parsed(refusal(b"GET / HTTP/1.1\r\n", status, "No."))[2]["code"] == code


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        (b"X-Request-Id: of-mine.1", True),
        (b"x-request-id:of-mine.1\t", True),
        (b"X-Request-Id: of mine", False),
        (b"X-Request-Id: <of-mine>", False),
        (b"X-Request-Id: " + b"a" * 129, False),
        (b"Y-X-Request-Id: of-mine.1", False),
    ],
)
def test_a_sane_id_of_the_client_is_kept(line: bytes, *, kept: bool) -> None:
    """Others are never repeated."""
    _, headers, error = parsed(refusal(b"GET / HTTP/1.1\r\n%b\r\n\r\n" % line, "400 Bad Request", "No."))
    assert (headers["X-Request-Id"] == "of-mine.1") == kept
    assert error["requestId"] == headers["X-Request-Id"]
    assert len(headers["X-Request-Id"]) == (9 if kept else 24)


@pytest.mark.parametrize(
    ("target", "openai"),
    [
        (b"/v1/conversations", True),
        (b"/api/v1/v1/conversations?a=b", True),
        (b"http://a/v1/conversations", True),
        (b"/api/v1/dialogue", False),
        (b"/dialogue/v1/", False),
    ],
)
def test_openais_libraries_get_their_envelope(target: bytes, *, openai: bool) -> None:
    """Below /v1, with and without the prefix, as from the application."""
    _, headers, error = parsed(refusal(b"POST %b HTTP/1.1\r\n" % target, "503 Service Unavailable", "Later."))
    assert set(error) == (
        {"message", "type", "param", "code"}
        if openai
        else {"code", "message", "type", "details", "requestId", "timestamp"}
    )
    assert error["type"] == ("server_error" if openai else "service_unavailable")
    assert headers["X-Request-Id"]


def test_the_head_is_all_that_is_kept_of_a_request() -> None:
    """The body is not searched for ids, also where the head has not come whole."""
    assert bytes(buffered(b"GET / HTTP/1.1\r\nA: b\r\n\r\nbody").head) == b"GET / HTTP/1.1\r\nA: b\r\n\r\n"
    assert bytes(buffered(b"GET / HTTP/1.1\r\nA").head) == b"GET / HTTP/1.1\r\nA"
