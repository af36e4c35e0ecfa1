"""Reading the fields of other programs' records: ids, roles, times, titles, and whatever else they have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import orjson

from ...domain.errors import quote
from ..conversation import BadLine, Fields
from ..ids import hash_id
from ..times import read_time

IDS = (
    "id",
    "uuid",
    "conversation_id",
    "conversationId",
    "chat_id",
    "chatId",
    "session_id",
    "sessionId",
    "thread_id",
)
TITLES = ("title", "name", "label", "subject", "topic")
CREATED = (
    "created",
    "created_at",
    "createdAt",
    "create_time",
    "createTime",
    "timestamp",
    "inserted_at",
    "date",
)
MODIFIED = ("modified", "updated_at", "updatedAt", "update_time", "updateTime")

ROLES = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "human": "user",
    "person": "user",
    "prompter": "user",
    "customer": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "bot": "assistant",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "claude": "assistant",
    "agent": "assistant",
    "aimessagechunk": "assistant",
    "model": "model",
    "tool": "tool",
    "function": "function",
}
"""What programs call who speaks, in small letters, and what the API calls them."""


def read_role(value: Any, where: str) -> str:
    """Return the API's role for a program's; raises BadLine for one that is not known."""
    role = ROLES.get(value.strip().lower()) if isinstance(value, str) else None
    if role is None:
        raise BadLine(
            f"{where} has the role {quote(value)}, which is none of {', '.join(sorted(set(ROLES)))}."
        )
    return role


def object_of(value: Any) -> Fields:
    """Return an object, and an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def objects_in(value: Any) -> list[Fields]:
    """Return the objects of an array; what else is in it, or is no array, is none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def first_of(fields: Fields, names: Iterable[str]) -> Any:
    """Return the first of some fields that says something."""
    for name in names:
        if name in fields and fields[name] not in (None, ""):
            return fields[name]
    return None


def own_id(fields: Fields, names: Iterable[str] = IDS) -> str | None:
    """Return the id that a record has; raises BadLine for one that is neither text nor a whole number."""
    for name in (*names, "_id"):
        if name not in fields:
            continue
        value = fields[name]
        if isinstance(value, dict) and isinstance(value.get("$oid"), str):
            return str(value["$oid"])
        if value is None or value == "":
            continue
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise BadLine(f"{name} is neither a string nor a whole number.")
        return str(value)
    return None


def objects(items: Any, name: str) -> Sequence[Fields]:
    """Return an array of objects; raises BadLine for anything else."""
    if not isinstance(items, list):
        raise BadLine(f"{name} is not an array.")
    for place, item in enumerate(items):
        if not isinstance(item, dict):
            raise BadLine(f"{name}[{place}] is not an object.")
    return items


def rest_of(fields: Fields, known: Iterable[str]) -> Fields:
    """Return the metadata that a record has, and whatever else is in it that is not known and not null."""
    metadata = fields.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise BadLine("metadata is not an object.")
    left_out = {*known, "metadata"}
    rest = {name: value for name, value in fields.items() if name not in left_out and value is not None}
    return rest | metadata if metadata else rest


def head(  # noqa: PLR0913  # a dialogue has as many parts as it has
    dialogue_id: str,
    fields: Fields,
    known: Iterable[str],
    *,
    source: str | None = None,
    title: Any = None,
    created: Any = None,
) -> Fields:
    """Return the body of a dialogue: its id, title and time, and the rest as metadata."""
    body: Fields = {"id": dialogue_id}
    if isinstance(title, str) and title.strip():
        body["label"] = title.strip()
    moment = read_time(created)
    if moment is not None:
        body["created"] = moment
    metadata = rest_of(fields, known)
    if source is not None:
        metadata = {"source": source} | metadata
    if metadata:
        body["metadata"] = metadata
    return body


def message(  # noqa: PLR0913  # a message has as many parts as it has
    message_id: str,
    role: str,
    content: Any,
    *,
    created: Any = None,
    name: Any = None,
    metadata: Fields | None = None,
) -> Fields:
    """Return the body of a message; a time that is none stays in the metadata."""
    body: Fields = {"id": message_id, "role": role, "content": content}
    if isinstance(name, str) and name:
        body["name"] = name
    moment = read_time(created)
    if moment is not None:
        body["created"] = moment
    elif created not in (None, "", 0):
        metadata = {"sourceCreated": created} | (metadata or {})
    if metadata:
        body["metadata"] = metadata
    return body


def has_keys(*names: str) -> Callable[[Any], bool]:
    """Return a test whether a value is an object with all of these fields."""

    def test(value: Any) -> bool:
        return isinstance(value, dict) and all(name in value for name in names)

    return test


def opening_id(messages: Sequence[Fields]) -> str:
    """Return an id made of how a conversation begins: up to the first answer, the same when it goes on."""
    said = []
    for item in messages:
        said.append([item["role"], item["content"]])
        if item["role"] in {"assistant", "model"}:
            break
    return hash_id(orjson.dumps(said, option=orjson.OPT_SORT_KEYS))


def whole_id(messages: Sequence[Fields]) -> str:
    """Return an id made of a whole conversation."""
    said = [[item["role"], item["content"]] for item in messages]
    return hash_id(orjson.dumps([len(said), said], option=orjson.OPT_SORT_KEYS))
