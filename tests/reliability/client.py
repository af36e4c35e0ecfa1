"""A client that never repeats by itself: an answer is an answer, and no answer is None."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

TOO_MANY = 429
PATIENCE = 20.0
"""Seconds after which a request counts as unanswered."""


@dataclass(frozen=True)
class Request:
    """What is sent."""

    method: str
    path: str
    body: Any = None
    query: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def target(self) -> str:
        """The path with its query."""
        query = {name: value for name, value in self.query.items() if value not in (None, "")}
        return self.path + ("?" + urlencode(query, quote_via=quote) if query else "")

    def with_headers(self, **headers: str) -> Request:
        """Return the same request with further headers; underscores stand for hyphens."""
        added = {name.replace("_", "-"): value for name, value in headers.items()}
        return Request(self.method, self.path, self.body, self.query, self.headers | added)

    def without_header(self, name: str) -> Request:
        """Return the same request without a header."""
        kept = {other: value for other, value in self.headers.items() if other != name}
        return Request(self.method, self.path, self.body, self.query, kept)


@dataclass(frozen=True)
class Answer:
    """What came back, and after how many seconds."""

    status: int
    text: str
    headers: dict[str, str]
    seconds: float

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.text)

    @property
    def accepted(self) -> bool:
        """Whether the write was acknowledged."""
        return 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        """Whether the write was refused for good."""
        return 400 <= self.status < 500


class Client:
    """One persistent connection to the server, opened again whenever it breaks."""

    def __init__(self, port: int, key: str, patience: float = PATIENCE) -> None:
        self._port = port
        self._key = key
        self._patience = patience
        self._connection: http.client.HTTPConnection | None = None

    def send(self, request: Request) -> Answer | None:
        """Send a request once; None when the connection broke before the whole answer came."""
        began = time.monotonic()
        headers = {"Authorization": f"Bearer {self._key}", **request.headers}
        data = None if request.body is None else json.dumps(request.body)
        try:
            connection = self._connect()
            connection.request(request.method, request.target, data, headers)
            response = connection.getresponse()
            text = response.read().decode()
        except (OSError, http.client.HTTPException):
            self.close()
            return None
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, text, found, time.monotonic() - began)

    def send_until_answered(self, request: Request, seconds: float = PATIENCE) -> Answer:
        """Repeat a request while the server or its store is away, or too many wait; raises TimeoutError."""
        deadline = time.monotonic() + seconds
        answer = None
        while time.monotonic() < deadline:
            answer = self.send(request)
            if answer is not None and answer.status < 500 and answer.status != TOO_MANY:
                return answer
            time.sleep(0.05)
        seen = "no answer" if answer is None else f"{answer.status} {answer.text[:200]}"
        raise TimeoutError(f"{request.method} {request.target}: {seen} for {seconds:.0f} s")

    def read(self, path: str, **query: Any) -> Any:
        """Return the JSON of a GET, None for a 404; waits while the store comes back."""
        answer = self.send_until_answered(Request("GET", path, query=query), 60)
        if answer.status == 404:
            return None
        if not answer.accepted:
            raise AssertionError(f"GET {path}: {answer.status} {answer.text[:200]}")
        return answer.json

    def read_all(self, path: str, **query: Any) -> list[Any] | None:
        """Return every item of a list, page by page; None for a 404."""
        items: list[Any] = []
        cursor = None
        while True:
            page = self.read(path, **query, limit=500, next=cursor)
            if page is None:
                return None
            items += page["items"]
            cursor = page.get("next")
            if cursor is None:
                return items

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> http.client.HTTPConnection:
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._patience)
        return self._connection
