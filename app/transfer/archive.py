"""Reading our own format back: one dialogue a line, as ``writers.colloquy`` writes it.

What is derived (counts, projectId, contentLength) is not read back. Messages are in the order in
which they were accepted.
"""

from __future__ import annotations

from typing import Any

from ..domain import timestamps
from ..domain.errors import quote
from ..domain.records import Status, Timestamp
from .conversation import BadLine, Conversation, Fields
from .writers.colloquy import DERIVED, MARK, VERSION

_SENT = ("id", "namespace", "threadOf", "label", "tags", "metadata", "state", "created")
_RESTORED = frozenset({MARK, "messages", "status", "modified", "endedAt", "archivedAt"})
_SENT_MESSAGE = ("id", "role", "content", "name", "tags", "metadata", "created")
_DERIVED_MESSAGE = frozenset({"dialogueId", "namespace", "contentLength", "modified"})


def read(fields: Fields) -> Conversation:
    """Return the conversation that ``writers.colloquy`` wrote; raises BadLine."""
    if fields[MARK] != VERSION or isinstance(fields[MARK], bool):
        raise BadLine(f"The export has version {quote(fields[MARK])}; this program reads version {VERSION}.")
    _refuse_unknown(fields, DERIVED.union(_SENT, _RESTORED), "")
    if "id" not in fields:
        raise BadLine("id is missing.")
    messages = _messages(fields.get("messages"))
    return Conversation(
        dialogue={name: fields[name] for name in _SENT if name in fields},
        messages=[{name: item[name] for name in _SENT_MESSAGE if name in item} for item in messages],
        exact=True,
        modified=tuple(_required_time(item, "modified") for item in messages),
        status=_status(fields.get("status")),
        ended_at=_time(fields, "endedAt"),
        archived_at=_time(fields, "archivedAt"),
        last_modified=_time(fields, "modified"),
    )


def _messages(items: Any) -> list[Fields]:
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise BadLine("messages is not an array of objects.")
    known = _DERIVED_MESSAGE.union(_SENT_MESSAGE)
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
