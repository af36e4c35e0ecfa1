"""Reading the body of a request, ahead of Connexion: its size, its declared type, its JSON.

Connexion alone answers 500 to invalid UTF-8, deep nesting and huge integers, and accepts what JSON does not
have. Here each is a 4xx that says what is wrong.
"""

from __future__ import annotations

import logging
from threading import BoundedSemaphore
from typing import Any

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from ..domain.errors import InvalidInput, PayloadTooLarge, ServiceUnavailable, UnsupportedMediaType, quote
from ..domain.limits import describe_bytes
from ..domain.strict_json import parse_json
from ..waiting import blocking
from .request_context import context

LARGE_BYTES = 1024 * 1024
"""A body of so many bytes waits for its turn."""

LARGE_BODIES = BoundedSemaphore(1)
"""The turn of large bodies in one worker: two would need twice the memory, and be no faster."""

LONGEST_TURN = 60
"""How many seconds a large body waits for its turn."""

log = logging.getLogger(__name__)


def read_json(request: Request, limit: int, *, required: bool) -> Any:
    """Return the parsed body; an empty one is ``{}`` where it may be.

    Raises a 413, 415 or 400 of ours; ``limit`` is the largest body, in bytes.
    """
    with blocking():
        body = _read(request, limit)
    _require_json_type(request)
    if body:
        return parse_json(body) if len(body) < LARGE_BYTES else _parse_in_turn(body)
    if required:
        raise InvalidInput("The request needs a body: send JSON.")
    return {}


def _parse_in_turn(body: bytes) -> Any:
    """Parse a large body when it is its turn, which lasts until the request is over.

    A large body is in memory several times while its request is worked on. Raises ServiceUnavailable.
    """
    with blocking():
        if not LARGE_BODIES.acquire(timeout=LONGEST_TURN):
            raise ServiceUnavailable("Too many large requests are being worked on; repeat this one shortly.")
    current = context()
    current.release = LARGE_BODIES.release
    return parse_json(body, current.parts.heavy_requests.rests.in_steps())


def _read(request: Request, limit: int) -> bytes:
    declared = request.content_length
    if declared is not None and declared > limit:
        raise _too_large(limit)
    try:
        body = request.get_data(cache=True)
        whole = declared is None or len(body) == declared
        # What a limited stream leaves unread is told from its end by one more byte.
        excess = len(body) >= limit and request.environ["wsgi.input"].read(1)
    except RequestEntityTooLarge:
        raise _too_large(limit) from None
    except Exception as error:  # noqa: BLE001  # whatever the server raises for a broken transfer
        log.info("a body could not be read: %s", type(error).__name__)
        raise _broken() from None
    if excess:
        raise _too_large(limit)
    if not whole:
        raise _broken()
    return body


def _broken() -> InvalidInput:
    return InvalidInput(
        "The body did not arrive whole: it broke off, came too slowly or is badly chunked.",
        headers={"Connection": "close"},
    )


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(
        f"The request body is larger than {describe_bytes(limit)}.", headers={"Connection": "close"}
    )


def _require_json_type(request: Request) -> None:
    environ = request.environ
    if environ.get("CONTENT_TYPE") == "application/json" and "HTTP_CONTENT_ENCODING" not in environ:
        return
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedMediaType("Compressed bodies are not supported: send the JSON as it is.")
    mimetype = request.mimetype
    if mimetype in ("", "application/json", "text/plain") or mimetype.endswith("+json"):
        return
    raise UnsupportedMediaType(
        f"The body is declared as {quote(mimetype)}; send JSON with Content-Type: application/json."
    )
