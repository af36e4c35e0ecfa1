"""Reading our own format back, as ``writers.colloquy`` writes it, and as earlier releases wrote it.

What is derived (counts, projectId, contentLength) is not read back. Messages are in the order in
which they were accepted.
"""

from __future__ import annotations

from typing import Any

from ..domain import timestamps
from ..domain.errors import quote
from ..domain.records import Status, Timestamp
from .conversation import BadLine, Conversation, Fields, Part
from .origin import ORIGIN, ORIGIN_MESSAGE, read_origin, read_uid, require_text
from .writers.colloquy import DERIVED, MARK, VERSION

PARTS = frozenset({"export", "project", "key", "end"})
_SENT = ("id", "namespace", "threadOf", "label", "tags", "metadata", "state", "created", "expiresAt")
_RESTORED = frozenset({MARK, "type", "messages", "summaries", "status", "modified", "endedAt", "archivedAt"})
_SENT_MESSAGE = ("id", "role", "content", "name", "tags", "metadata", "created")
_DERIVED_MESSAGE = frozenset({"dialogueId", "namespace", "contentLength", "modified"})
_OWN_MEMORY = frozenset({MARK, "type", "created", "modified", "hash"})


def read(fields: Fields) -> Conversation | Part:
    """Return what a line holds; raises BadLine."""
    version = fields[MARK]
    if isinstance(version, bool) or version not in range(1, VERSION + 1):
        raise BadLine(f"The export has version {quote(version)}; this program reads up to version {VERSION}.")
    kind = "dialogue" if version == 1 else fields.get("type")
    if kind in PARTS:
        return Part(kind, {name: value for name, value in fields.items() if name not in (MARK, "type")})
    if kind == "memory":
        return _memory(fields)
    if "id" not in fields:
        raise BadLine("id is missing.")
    if kind == "deleted":
        return _deleted(fields)
    if kind != "dialogue":
        raise BadLine(f"type is none that an export has: {quote(kind)}.")
    return _dialogue(fields, version)


def _dialogue(fields: Fields, version: int) -> Conversation:
    _refuse_unknown(fields, DERIVED.union(_SENT, _RESTORED, ORIGIN), "")
    messages = _messages(fields.get("messages"))
    return Conversation(
        dialogue={name: fields[name] for name in _SENT if name in fields},
        messages=_bodies(messages),
        exact=True,
        modified=tuple(_required_time(item, "modified") for item in messages),
        status=_status(fields.get("status")),
        ended_at=_time(fields, "endedAt"),
        archived_at=_time(fields, "archivedAt"),
        last_modified=_time(fields, "modified"),
        origin=None if version == 1 else read_origin(fields, messages),
    )


def _deleted(fields: Fields) -> Conversation:
    messages = _messages(fields.get("messages"))
    return Conversation(
        dialogue={name: fields[name] for name in ("id", "namespace") if name in fields},
        messages=_bodies(messages),
        exact=True,
        modified=tuple(_required_time(item, "modified") for item in messages),
        origin=read_origin({"nextSeq": 0, "createHash": "", "createdCount": 0} | fields, messages)
        | {"uid": read_uid(fields)},
        fate="purged" if fields.get("purged") is True else "kept",
    )


def _memory(fields: Fields) -> Conversation:
    body = {name: value for name, value in fields.items() if name not in _OWN_MEMORY}
    times = {name: _required_time(fields, name) for name in ("created", "modified")}
    return Conversation(
        {}, memories=[body], exact=True, origin=times | {"hash": require_text(fields, "hash")}
    )


def _bodies(messages: list[Fields]) -> list[Fields]:
    return [{name: item[name] for name in _SENT_MESSAGE if name in item} for item in messages]


def _messages(items: Any) -> list[Fields]:
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise BadLine("messages is not an array of objects.")
    known = _DERIVED_MESSAGE.union(_SENT_MESSAGE, ORIGIN_MESSAGE)
    for place, item in enumerate(items):
        _refuse_unknown(item, known, f"messages[{place}].")
        _required_time(item, "created")
        if "id" not in item:
            raise BadLine(f"messages[{place}].id is missing.")
    return items


def _refuse_unknown(fields: Fields, known: frozenset[str], where: str) -> None:
    for name in fields:
        if name not in known:
            raise BadLine(f"{quote(where + name)} is not a field of an exported conversation.")


def _status(value: Any) -> Status:
    try:
        return Status(value)
    except ValueError:
        raise BadLine(f"status must be active, ended or archived, not {quote(value)}.") from None


def _required_time(fields: Fields, name: str) -> Timestamp:
    time = _time(fields, name)
    if time is None:
        raise BadLine(f"{name} is missing in the conversation or one of its messages.")
    return time


def _time(fields: Fields, name: str) -> Timestamp | None:
    value = fields.get(name)
    if value is None:
        return None
    try:
        return timestamps.parse_time(value)
    except (TypeError, ValueError):
        raise BadLine(f"{name} is not a time: {quote(value)}.") from None
