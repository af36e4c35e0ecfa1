"""One request to an OpenAI-compatible ``/chat/completions`` endpoint, and its repeats.

The endpoint is trusted with the transcript and with nothing else: redirects are not followed, an
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

from ...waiting import blocking

ANSWER_BYTES = 1024 * 1024
PIECE = 64 * 1024
SUCCESS, TOO_MANY, SERVER_ERROR = 200, 429, 500
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
FORBIDDEN = dict.fromkeys((0, *range(0xD800, 0xE000)))


class EndpointError(Exception):
    """The endpoint gave no usable answer. The text is for a client: no secret, no foreign words."""


class _Passing(Exception):
    """Something that may pass: worth another try, after ``pause`` seconds if the endpoint said so."""

    def __init__(self, message: str, pause: float | None = None) -> None:
        super().__init__(message)
        self.pause = pause


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the model is. ``timeout`` is for one attempt, in seconds; ``retries`` come on top of it.

    The longest that ``complete`` takes is (retries + 1) * timeout plus pauses of at most 8 seconds.
    """

    base_url: str
    model: str
    key: str | None = field(default=None, repr=False)
    timeout: float = 30.0
    retries: int = 2
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def complete(self, messages: list[dict[str, str]], max_tokens: int) -> str:
        """Return the model's answer; raises EndpointError when there is none."""
        body = {"model": self.model, "messages": messages, "max_tokens": max_tokens, "temperature": 0}
        sent = json.dumps(body).encode()
        problem = ""
        for attempt in range(self.retries + 1):
            try:
                return _read_answer(self._post(sent))
            except _Passing as error:
                problem = str(error)
                if attempt < self.retries:
                    self.sleep(_pause(attempt, error.pause))
        raise EndpointError(f"{problem} ({self.retries + 1} attempts)")

    def _post(self, sent: bytes) -> bytes:
        if not self.base_url.startswith(("http://", "https://")):
            raise EndpointError("The model's endpoint has no valid address")
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        deadline = time.monotonic() + self.timeout
        try:
            with blocking(), urllib3.PoolManager(retries=False, timeout=self.timeout) as pool:
                response = pool.request(
                    "POST",
                    self.base_url.rstrip("/") + "/chat/completions",
                    body=sent,
                    headers=headers,
                    redirect=False,
                    preload_content=False,
                )
                try:
                    _check_status(response)
                    return _read_bounded(response, deadline)
                finally:
                    response.close()
        except urllib3.exceptions.LocationValueError as error:
            raise EndpointError("The model's endpoint has no valid address") from error
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _Passing(_explain(error)) from error


def _explain(error: Exception) -> str:
    # urllib3 counts a refused connection among the timeouts.
    late = isinstance(error, urllib3.exceptions.TimeoutError)
    if late and not isinstance(error, urllib3.exceptions.NewConnectionError):
        return "The model's endpoint did not answer in time"
    return "The model's endpoint cannot be reached or broke off"


def _check_status(response: urllib3.BaseHTTPResponse) -> None:
    status = response.status
    if status == SUCCESS:
        return
    message = f"The model's endpoint answered with status {status}"
    if status == TOO_MANY or status >= SERVER_ERROR:
        after = response.headers.get("Retry-After", "")
        raise _Passing(message, float(after) if after.isascii() and after.isdigit() else None)
    raise EndpointError(message)


def _read_bounded(response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    pieces, size = [], 0
    while piece := response.read1(PIECE, decode_content=False):
        size += len(piece)
        if size > ANSWER_BYTES:
            raise EndpointError("The model's endpoint answered with more than 1 MiB")
        if time.monotonic() > deadline:
            raise _Passing("The model's endpoint did not answer in time")
        pieces.append(piece)
    return b"".join(pieces)


def _pause(attempt: int, retry_after: float | None) -> float:
    if retry_after is not None:
        return min(retry_after, LONGEST_PAUSE)
    grown = min(FIRST_PAUSE * 2.0**attempt, LONGEST_PAUSE)
    return grown * random.uniform(0.5, 1.0)  # noqa: S311  spreads retries, guards nothing


def _read_answer(body: bytes) -> str:
    try:
        text = _find_text(json.loads(body))
    except (ValueError, RecursionError) as error:
        raise EndpointError("The model's endpoint did not answer with JSON") from error
    if not isinstance(text, str):
        raise EndpointError("The model's endpoint answered without choices[0].message.content")
    cleaned = text.translate(FORBIDDEN).strip()
    if not cleaned:
        raise EndpointError("The model's endpoint answered with an empty text")
    return cleaned


def _find_text(answer: Any) -> Any:
    try:
        return answer["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        return None
