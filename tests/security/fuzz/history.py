"""What the server has answered in this round, as far as it decides what it may refuse later on."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

Place = tuple[str, str]
Filters = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it went over the wire."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    line: int
    """How many bytes the request line has."""

    @classmethod
    def of(cls, response: Any) -> Sent:
        """Return the request that a response answers."""
        request = response.request
        parts = urlsplit(request.url)
        body = request.body or b""
        return cls(
            method=request.method,
            path=parts.path,
            query=parse_qs(parts.query, keep_blank_values=True),
            headers={name.lower(): _text(value) for name, value in request.headers.items()},
            body=body.encode() if isinstance(body, str) else body,
            line=len(f"{request.method} {request.path_url} HTTP/1.1\r\n".encode()),
        )

    @property
    def place(self) -> Place:
        """The method and the path, which an ``Idempotency-Key`` belongs to."""
        return self.method, self.path

    @property
    def content(self) -> tuple[str, bytes]:
        """What a repeat under the same ``Idempotency-Key`` has to be equal in."""
        return repr(self.query), self.body

    @property
    def filters(self) -> Filters:
        """What a cursor is bound to: the parameters that say what is listed, and in which order."""
        bound = {name: values for name, values in self.query.items() if name not in ("next", "limit")}
        return frozenset((name, value) for name, values in bound.items() for value in values)


@dataclass(slots=True)
class History:
    """The cursors that lists gave, the requests that keys stand for, and of each case its namespace.

    ``replays`` are the cases whose answer was that of an earlier request, so that nothing was done.
    """

    cursors: dict[str, set[tuple[str, Filters]]] = field(default_factory=dict)
    keyed: dict[tuple[Place, str], set[tuple[str, bytes]]] = field(default_factory=dict)
    namespaces: dict[str, str | None] = field(default_factory=dict)
    replays: set[str] = field(default_factory=set)

    def note(self, case_id: str, response: Any) -> None:
        """Remember an exchange."""
        sent = Sent.of(response)
        self.namespaces[case_id] = sent.query.get("namespace", [None])[0]
        if "idempotent-replayed" in response.headers:
            self.replays.add(case_id)
        if not 200 <= response.status_code < 300:  # HTTP's successes
            return
        key = sent.headers.get("idempotency-key")
        if key is not None:
            self.keyed.setdefault((sent.place, key), set()).add(sent.content)
        cursor = _next(response) if sent.method == "GET" else None
        if cursor is not None:
            self.cursors.setdefault(cursor, set()).add((sent.path, sent.filters))

    def gave(self, sent: Sent) -> bool:
        """Whether the cursor of a request came from the same list with the same filters."""
        given = self.cursors.get(sent.query.get("next", [""])[0], set())
        return (sent.path, sent.filters) in given

    def knows_another(self, sent: Sent) -> bool:
        """Whether the request's ``Idempotency-Key`` stands for a request with other content."""
        key = sent.headers.get("idempotency-key", "")
        return bool(self.keyed.get((sent.place, key), set()) - {sent.content})


def _text(value: str | bytes) -> str:
    """Return a header as the server reads it: HTTP does not count spaces around a value."""
    return (value.decode("latin-1") if isinstance(value, bytes) else value).strip(" \t")


def _next(response: Any) -> str | None:
    try:
        body = json.loads(response.content)
    except ValueError:
        return None
    cursor = body.get("next") if isinstance(body, dict) else None
    return cursor if isinstance(cursor, str) else None
