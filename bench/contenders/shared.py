"""What the contenders share, so that only their frameworks differ: the key check, the store, ids, times."""

from __future__ import annotations

import hashlib
import hmac
import os
import time
import uuid
from datetime import UTC, datetime
from typing import Any

KEY_CACHE_SECONDS = 2.0
ROLES = ("system", "developer", "user", "assistant", "tool", "function")
ID_PATTERN = "^[A-Za-z0-9._~:@-]{1,128}$"

MESSAGE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["role", "content"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "pattern": ID_PATTERN},
        "role": {"type": "string", "enum": list(ROLES)},
        "content": {
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "object"},
                {"type": "array", "minItems": 1, "items": {"type": "object"}},
            ]
        },
        "name": {"type": "string", "minLength": 1, "maxLength": 128},
        "tags": {
            "type": "array",
            "maxItems": 10,
            "items": {"type": "string", "minLength": 1, "maxLength": 64},
        },
        "metadata": {"type": "object"},
    },
}

DIALOGUE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "pattern": ID_PATTERN},
        "label": {"type": "string", "maxLength": 128},
        "tags": MESSAGE_SCHEMA["properties"]["tags"],
        "metadata": {"type": "object"},
        "state": {"type": "object"},
        "messages": {"type": "array", "maxItems": 25, "items": MESSAGE_SCHEMA},
    },
}


class NotFoundError(Exception):
    """There is no such dialogue."""


class EndedError(Exception):
    """The dialogue takes no more messages."""


class UnauthorizedError(Exception):
    """The key is not one of ours."""


def open_store() -> Any:
    """Return the store that BENCH_STORE names."""
    url = os.environ["BENCH_STORE"]
    if url.startswith("sqlite:///"):
        from bench.contenders.sqlite_store import SqliteStore

        return SqliteStore(url.removeprefix("sqlite:///"))
    from bench.contenders.mongo_store import MongoStore

    return MongoStore(url)


class Keys:
    """Finds the project of a Bearer key by its SHA-256, trusting a look-up for two seconds."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self._known: dict[str, tuple[str, float]] = {}

    def project_of(self, header: str | None) -> str:
        """Return the project; raises UnauthorizedError."""
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise UnauthorizedError
        digest = hashlib.sha256(token.encode()).hexdigest()
        known = self._known.get(digest)
        if known is not None and known[1] > time.monotonic():
            return known[0]
        found = self._store.find_key(digest)
        if found is None or not hmac.compare_digest(found[0], digest) or found[2] is not None:
            raise UnauthorizedError
        self._known[digest] = (found[1], time.monotonic() + KEY_CACHE_SECONDS)
        project: str = found[1]
        return project


def new_id() -> str:
    """Return a fresh id."""
    return uuid.uuid4().hex


def now() -> str:
    """Return the time as the API writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def new_message(sent: dict[str, Any], dialogue_id: str, when: str) -> dict[str, Any]:
    """Return the message that is stored and answered for one that was sent."""
    content = sent["content"]
    message = {
        "id": sent.get("id") or new_id(),
        "dialogueId": dialogue_id,
        "role": sent["role"],
        "content": content,
        "contentLength": len(content.encode()) if isinstance(content, str) else 0,
        "tags": sent.get("tags") or [],
        "metadata": sent.get("metadata") or {},
        "created": when,
        "modified": when,
    }
    if sent.get("name"):
        message["name"] = sent["name"]
    return message
