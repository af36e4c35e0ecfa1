"""Requests and answers: attempts, errors, and the version that an answer names."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from colloquy_client.connections import Connections
from colloquy_client.errors import ConnectionFailed, NotModified, UnexpectedAnswer, make_error
from colloquy_client.requests import UNSET
from colloquy_client.retries import Retries


@dataclass(frozen=True)
class Answer:
    """A success: its JSON (or text), and its headers."""

    data: Any
    headers: Mapping[str, str]

    @property
    def etag(self) -> str | None:
        """The version of the dialogue, where the answer has one."""
        return self.headers.get("ETag")


class Transport:
    """Sends requests, and sends them again when that is safe and may help."""

    def __init__(self, connections: Connections, namespace: str | None, retries: Retries) -> None:
        self._connections = connections
        self._retries = retries
        self.namespace = namespace

    def choose_namespace(self, namespace: str | None) -> str | None:
        """Return the namespace given, or else this client's own."""
        return self.namespace if namespace is None else namespace

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = UNSET,
    ) -> Answer:
        """Send a request until it succeeds, is refused for good, or the attempts are used up.

        A write has to be safe to repeat: by ids in its body, or by an ``Idempotency-Key``. Raises
        ``ApiError``, ``ConnectionFailed``, ``NotModified`` or ``UnexpectedAnswer``.
        """
        arguments: dict[str, Any] = {} if body is UNSET else {"json": body}
        if isinstance(body, bytes):
            arguments = {"content": body}
        repeats = 0
        while True:
            try:
                response = self._connections.current().request(
                    method, path, params=dict(query or {}), headers=headers, **arguments
                )
            except httpx.TransportError as failure:
                wait = self._retries.wait_after_silence(repeats)
                if wait is None or isinstance(failure, (httpx.UnsupportedProtocol, httpx.LocalProtocolError)):
                    raise ConnectionFailed(f"{method} {path}: {failure!r}") from failure
            else:
                if response.is_success:
                    return _read_answer(response)
                if response.status_code == httpx.codes.NOT_MODIFIED:
                    raise NotModified(path)
                error = make_error(response.status_code, _read_json(response), _read_wait(response))
                wait = self._retries.wait_after_error(repeats, error)
                if wait is None:
                    raise error
            repeats += 1
            time.sleep(wait)


def _read_answer(response: httpx.Response) -> Answer:
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip()
    if kind != "application/json" and not kind.endswith("+json"):
        return Answer(response.text, response.headers)
    try:
        return Answer(response.json(), response.headers)
    except ValueError as failure:
        raise UnexpectedAnswer(f"{response.url}: the answer is not JSON") from failure


def _read_json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _read_wait(response: httpx.Response) -> float | None:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else None
