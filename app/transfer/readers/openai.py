"""Messages as OpenAI's chat API has them: fine-tuning lines, logs, and what most programs write.

A message with tool calls and the like is kept as the object ``{content, tool_calls?, ...}``, which contexts
and searches read. What a message has beyond its own fields goes to its metadata.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...domain.native_message import BESIDE_CONTENT
from ..conversation import BadLine, Conversation, Fields
from .fields import (
    CREATED,
    IDS,
    MODIFIED,
    TITLES,
    first_of,
    head,
    message,
    objects,
    own_id,
    read_role,
    rest_of,
)
from .format import Format, Found, Source
from .named import conversation

NATIVE = BESIDE_CONTENT
"""What a message may carry beside its content, and is kept with it."""

_CONTENT_ALONE = ("annotations",)
_ROLE_NAMES = ("role", "author", "sender", "speaker")
_MESSAGE = {"role", "content", "name", "id", "tags", "created", *NATIVE}
_DIALOGUE = {"messages", "id", "tags", "state", "system", "namespace"}


def read(value: Any, source: Source) -> Iterator[Found]:
    """Read an object with ``messages``, or an array of messages."""
    fields = {"messages": value} if isinstance(value, list) else value
    yield read_messages(fields, source)


def read_messages(fields: Fields, _: Source, items_name: str = "messages") -> Conversation:
    """Return the conversation of an object that has an array of messages."""
    items = objects(fields[items_name], items_name)
    messages = [read_message(item, f"{items_name}[{place}]") for place, item in enumerate(items)]
    return conversation(read_head(fields, {*_DIALOGUE, items_name}), [*_system(fields), *messages])


def read_head(fields: Fields, known: set[str], source: str | None = None) -> Fields:
    """Return the body of a dialogue; its id is empty where the source has none."""
    title, created = first_of(fields, TITLES), first_of(fields, (*CREATED, *MODIFIED))
    taken = {name for name in (*IDS, *TITLES) if fields.get(name) == title and isinstance(title, str)}
    body = head(
        own_id(fields) or "", fields, known | taken | {"_id"}, source=source, title=title, created=created
    )
    if fields.get("tags") is not None:
        body["tags"] = fields["tags"] if isinstance(fields["tags"], list) else [fields["tags"]]
    if isinstance(fields.get("state"), dict) and fields["state"]:
        body["state"] = fields["state"]
    return body


def _system(fields: Fields) -> list[Fields]:
    """Return the system prompt that stands apart from the messages, as Anthropic's API has it."""
    system = fields.get("system")
    if not system or not isinstance(system, str | list):
        return []
    return [{"role": "system", "content": system}]


def read_message(item: Fields, where: str) -> Fields:
    """Return a message; raises BadLine when it has no role that is known, or says nothing."""
    wrapped = item.get("message")
    if "role" not in item and isinstance(wrapped, dict) and "role" in wrapped:
        item = {name: value for name, value in item.items() if name != "message"} | wrapped
    role_name = "role" if "role" in item else next((name for name in _ROLE_NAMES if name in item), "role")
    role = read_role(item.get(role_name), where)
    content = read_content(item, where)
    known = _MESSAGE | {role_name} if "content" in item else _MESSAGE | {role_name, "text"}
    body = message(
        own_id(item, ("id", "uuid", "message_id", "messageId")) or "",
        role,
        content,
        created=first_of(item, CREATED),
        name=item.get("name"),
        metadata=None if item.keys() <= known else rest_of(item, known),
    )
    if not body["id"]:
        del body["id"]
    if item.get("tags"):
        body["tags"] = item["tags"]
    return body


def read_content(item: Fields, where: str) -> Any:
    """Return the content; with tool calls, or empty, as an object that keeps what was there."""
    content = item["content"] if "content" in item else item.get("text")
    native = {name: item[name] for name in NATIVE if name in item and item[name] not in (None, [], "")}
    if isinstance(content, list):
        content = [{"type": "text", "text": part} if isinstance(part, str) else part for part in content]
        if not all(isinstance(part, dict) for part in content):
            raise BadLine(f"{where} has content parts that are neither text nor objects.")
    elif content is not None and not isinstance(content, str | dict):
        raise BadLine(f"{where} has content that is neither text nor an array nor an object.")
    if native or content in (None, "", [], {}):
        if not native and "content" not in item and item.keys() - {"role", "name", "id"}:
            raise BadLine(f"{where} has no content that is understood: it has {', '.join(sorted(item))}.")
        return {"content": content, **native}
    return content


def _recognises(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("messages"), list)


def _is_record(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("role"), str)
        and ("content" in value or "text" in value)
    )


FORMAT = Format(
    name="openai",
    program="OpenAI chat messages: fine-tuning JSONL, logs, arrays of messages",
    read=read,
    recognises=_recognises,
    is_record=_is_record,
)
