"""The limit of gunicorn itself: 5 KB that nobody has to read or make."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

BODY = b'{"content":"' + b"x" * 4986 + b'"}'
HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))]


def app(_: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer the same bytes to everything."""
    start_response("200 OK", HEADERS)
    return (BODY,)
