"""Answers to what never reaches the application: malformed HTTP, and requests that the worker turns away."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import Final

from ..domain.error_envelope import render_error, render_openai_error
from ..domain.errors import ColloquyError, InvalidInput, ServiceUnavailable
from ..domain.ids import id_of_request
from ..domain.paths import is_for_openai

_TARGET: Final = re.compile(rb"\A[!-~]+ (?:https?://[^/\s]*)?([!-~]+)")
_REQUEST_ID: Final = re.compile(rb"\r\nx-request-id:[ \t]*([!-~]+)[ \t]*\r\n", re.IGNORECASE)

ERRORS: Final[Mapping[str, Callable[[str], ColloquyError]]] = {
    "500": ColloquyError,
    "503": ServiceUnavailable,
}
"""The errors whose status is the server's fault; all others are the client's."""

log = logging.getLogger(__name__)


def refusal(head: bytes | bytearray, status: str, message: str) -> bytes:
    """Return a whole HTTP response to a request that was turned away, and log its id.

    ``head`` is what has come of the request's head, as far as it can be made out.
    """
    error = ERRORS.get(status[:3], InvalidInput)(message)
    request_id = id_of_request(_found(_REQUEST_ID, head))
    for_openai = is_for_openai(_found(_TARGET, head) or "")
    body = render_openai_error(error) if for_openai else render_error(error, request_id)
    headers = {"X-Request-Id": request_id, "Connection": "close", **error.headers}
    headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items())]
    log.info("request %s never reached the application: %s", request_id, status)
    return "\r\n".join([*lines, "", ""]).encode() + body


def _found(pattern: re.Pattern[bytes], head: bytes | bytearray) -> str | None:
    found = pattern.search(head)
    return None if found is None else found[1].decode("ascii")


class ErrorPage:
    """Stands in for a socket that gunicorn writes its own error page to: keeps only the status."""

    status = "500 Internal Server Error"

    @staticmethod
    def gettimeout() -> float:
        """Return the timeout of a socket that never waits."""
        return 0.0

    def sendall(self, page: bytes) -> None:
        """Keep the status of the page."""
        self.status = page.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")[2]
