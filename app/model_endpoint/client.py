"""One request to an OpenAI-compatible endpoint, and its repeats.

The endpoint is trusted with what it is sent and with nothing else: redirects are not followed, an
answer is read up to a bound of bytes and of time, and no text of its own gets into an error.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import urllib3

from ..waiting import blocking
from .deadline import Deadline, pool_within

MEBIBYTE = 1024 * 1024
PIECE = 64 * 1024
SUCCESS, TOO_MANY, SERVER_ERROR = 200, 429, 500
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
LATE = "The model's endpoint did not answer in time"


class EndpointError(Exception):
    """The endpoint gave no usable answer. The text is for a client: no secret, no foreign words.

    ``status`` is that of an answer which no repeat can change, or None.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class _Passing(Exception):
    """Something that may pass: worth another try, after ``pause`` seconds if the endpoint said so."""

    def __init__(self, message: str, pause: float | None = None) -> None:
        super().__init__(message)
        self.pause = pause


@dataclass(frozen=True, slots=True)
class EndpointClient:
    """Where the model is. ``timeout`` is for one attempt, in seconds; ``retries`` come on top of it.

    The longest that ``post`` takes is (retries + 1) * timeout plus pauses of at most 8 seconds.
    """

    base_url: str
    key: str | None = field(default=None, repr=False)
    timeout: float = 30.0
    retries: int = 2
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)
    mebibytes: int = 1
    """How long an answer may be."""

    def post(self, path: str, body: object) -> Any:
        """Return the answer, parsed; raises EndpointError when there is none that is JSON."""
        sent = json.dumps(body).encode()
        problem = ""
        for attempt in range(self.retries + 1):
            try:
                return _parse(self._post(path, sent))
            except _Passing as error:
                problem = str(error)
                if attempt < self.retries:
                    self.sleep(_pause(attempt, error.pause))
        raise EndpointError(f"{problem} ({self.retries + 1} attempts)")

    def _post(self, path: str, sent: bytes) -> bytes:
        if not self.base_url.startswith(("http://", "https://")):
            raise EndpointError("The model's endpoint has no valid address")
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        address = self.base_url.rstrip("/") + path
        deadline = Deadline(self.timeout)
        try:
            with blocking(), deadline, pool_within(deadline, address) as pool:
                response = pool.request(
                    "POST",
                    urllib3.util.parse_url(address).request_uri,
                    body=sent,
                    headers=headers,
                    redirect=False,
                    preload_content=False,
                )
                try:
                    _check_status(response)
                    return self._read(response, deadline)
                finally:
                    response.close()
        except urllib3.exceptions.LocationValueError as error:
            raise EndpointError("The model's endpoint has no valid address") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _Passing(LATE if deadline.has_passed else _explain(error)) from error

    def _read(self, response: urllib3.BaseHTTPResponse, deadline: Deadline) -> bytes:
        pieces, size = [], 0
        while piece := response.read1(PIECE, decode_content=False):
            size += len(piece)
            if size > self.mebibytes * MEBIBYTE:
                raise EndpointError(f"The model's endpoint answered with more than {self.mebibytes} MiB")
            pieces.append(piece)
        if deadline.has_passed:
            raise _Passing(LATE)
        return b"".join(pieces)


def _explain(error: Exception) -> str:
    # urllib3 counts a refused connection among the timeouts.
    late = isinstance(error, urllib3.exceptions.TimeoutError)
    if late and not isinstance(error, urllib3.exceptions.NewConnectionError):
        return LATE
    return "The model's endpoint cannot be reached or broke off"


def _check_status(response: urllib3.BaseHTTPResponse) -> None:
    status = response.status
    if status == SUCCESS:
        return
    message = f"The model's endpoint answered with status {status}"
    if status == TOO_MANY or status >= SERVER_ERROR:
        after = response.headers.get("Retry-After", "")
        raise _Passing(message, float(after) if after.isascii() and after.isdigit() else None)
    raise EndpointError(message, status)


def _pause(attempt: int, retry_after: float | None) -> float:
    if retry_after is not None:
        return min(retry_after, LONGEST_PAUSE)
    grown = min(FIRST_PAUSE * 2.0**attempt, LONGEST_PAUSE)
    return grown * random.uniform(0.5, 1.0)  # noqa: S311  spreads retries, guards nothing


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise EndpointError("The model's endpoint did not answer with JSON") from error
