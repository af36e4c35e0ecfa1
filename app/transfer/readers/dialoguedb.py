"""Dialogues as DialogueDB and servers like it show them, with their messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ...domain.records import Status, Timestamp
from ..conversation import BadLine, Conversation, Fields
from ..times import read_time
from .fields import objects, own_id, rest_of
from .format import Format, Found, Source

_KEPT = ("namespace", "threadOf", "label", "tags", "state")
_DERIVED = ("projectId", "totalMessages", "threadCount", "lastMessageCreated", "messages")
_TIMES = ("created", "modified", "endedAt", "archivedAt")
_KEPT_MESSAGE = ("id", "role", "content", "name", "tags")
_DERIVED_MESSAGE = ("dialogueId", "namespace", "contentLength", "created", "modified", "projectId")


def read(fields: Any, _: Source) -> Iterator[Found]:
    """Read one dialogue."""
    yield dialogue_of(fields, objects(fields.get("messages") or [], "messages"))


def dialogue_of(fields: Fields, items: Sequence[Fields]) -> Conversation:
    """Return a dialogue and its messages, in the order that the server has them."""
    body = {name: fields[name] for name in _KEPT if fields.get(name) not in (None, "", [], {})}
    body["id"] = own_id(fields, ("id",))
    if body["id"] is None:
        raise BadLine("id is missing.")
    created = read_time(fields.get("created"))
    if created is not None:
        body["created"] = created
    metadata = rest_of(fields, ("id", "status", *_KEPT, *_DERIVED, *_TIMES))
    status = fields.get("status", Status.ACTIVE)
    if status not in set(Status):
        metadata["status"], status = status, Status.ACTIVE
    if metadata:
        body["metadata"] = metadata
    modified = read_time(fields.get("modified")) or created
    ended_at, archived_at = read_time(fields.get("endedAt")), read_time(fields.get("archivedAt"))
    return Conversation(
        body,
        [_message(item, place) for place, item in enumerate(items)],
        exact=True,
        modified=tuple(_modified(item, place) for place, item in enumerate(items)),
        status=Status(status),
        ended_at=ended_at or (modified if status == Status.ENDED else None),
        archived_at=archived_at or (modified if status == Status.ARCHIVED else None),
        last_modified=modified,
    )


def _message(item: Fields, place: int) -> Fields:
    body = {name: item[name] for name in _KEPT_MESSAGE if item.get(name) not in (None, [])}
    if "id" not in body:
        raise BadLine(f"messages[{place}].id is missing.")
    body["created"] = _modified({"modified": item.get("created")}, place)
    if metadata := rest_of(item, (*_KEPT_MESSAGE, *_DERIVED_MESSAGE)):
        body["metadata"] = metadata
    return body


def _modified(item: Fields, place: int) -> Timestamp:
    time = read_time(item.get("modified")) or read_time(item.get("created"))
    if time is None:
        raise BadLine(f"messages[{place}] has no time.")
    return time


def memory_of(fields: Fields) -> Fields:
    """Return the body of a memory as a server shows it; its times are the importing server's own."""
    names = ("id", "namespace", "value", "label", "description", "tags")
    body = {name: fields[name] for name in names if name == "value" or fields.get(name) not in (None, "", [])}
    if metadata := rest_of(fields, (*names, "created", "modified", "projectId")):
        body["metadata"] = metadata
    return {"value": None} | body


def _recognises(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("messages"), list) or "status" not in value:
        return False
    return {"id", "created", "modified"} <= value.keys() and all(
        isinstance(item, dict) and "dialogueId" in item for item in value["messages"]
    )


PROGRAM = "DialogueDB's dialogues, as the API answers them (or --from its address)"
FORMAT = Format("dialoguedb", PROGRAM, read, _recognises)
