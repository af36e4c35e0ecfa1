"""Reading one line of a source: an OpenAI-style conversation, a list of turns, or our own export.

What a source has beyond what it is known for goes to metadata, so that nothing is dropped.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Any

from ..domain.errors import InvalidJson, quote
from ..domain.strict_json import parse_json
from . import archive
from .conversation import BadLine, Conversation

Fields = dict[str, Any]

_ID = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._~:@-]{1,128}\Z")
_LONGEST_ID = 128
_DIALOGUE = frozenset({"metadata", "tags"})
_MESSAGE = frozenset({"role", "content", "name", "tool_calls", "tool_call_id", "metadata"})
_TURN = frozenset({"speaker", "utterance", "state", "metadata"})
_SPEAKERS = {"USER": "user", "SYSTEM": "assistant"}


def read_line(line: bytes) -> Conversation:
    """Return the conversation of a line; raises BadLine."""
    try:
        fields = parse_json(line)
    except InvalidJson as error:
        raise BadLine(error.message.replace("The body", "The line", 1)) from None
    if not isinstance(fields, dict):
        raise BadLine("The line is not a JSON object.")
    if archive.MARK in fields:
        return archive.read(fields)
    if ("messages" in fields) == ("turns" in fields):
        raise BadLine('The line must have either "messages" or "turns".')
    if "messages" in fields:
        return _read(fields, line, "id", "messages", _message)
    return _read(fields, line, "dialogue_id", "turns", _turn)


def hash_id(content: bytes) -> str:
    """Return an id made of content: the same for the same content."""
    return hashlib.sha256(content).hexdigest()[:32]


def _read(
    fields: Fields, line: bytes, id_field: str, items_field: str, read: Callable[[Fields], Fields]
) -> Conversation:
    items = _objects(fields[items_field], items_field)
    dialogue_id, source_id = _dialogue_id(fields.get(id_field), line)
    metadata = _metadata(fields, _DIALOGUE | {id_field, items_field})
    if source_id is not None:
        metadata.setdefault("sourceId", source_id)
    dialogue: Fields = {"id": dialogue_id}
    if metadata:
        dialogue["metadata"] = metadata
    if fields.get("tags") is not None:
        dialogue["tags"] = fields["tags"]
    if state := _merge_states(items) if items_field == "turns" else None:
        dialogue["state"] = state
    return Conversation(dialogue, _number([read(item) for item in items], dialogue_id))


def _objects(items: Any, name: str) -> Sequence[Fields]:
    if not isinstance(items, list):
        raise BadLine(f"{name} is not an array.")
    for place, item in enumerate(items):
        if not isinstance(item, dict):
            raise BadLine(f"{name}[{place}] is not an object.")
    return items


def _dialogue_id(given: Any, line: bytes) -> tuple[str, str | None]:
    """Return the id to use, and the source's own when that cannot be one."""
    if given is None or given == "":
        return hash_id(line), None
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)
    if not isinstance(given, str):
        raise BadLine("The conversation's id is neither a string nor a whole number.")
    if _ID.match(given):
        return given, None
    return hash_id(given.encode()), given


def _number(messages: list[Fields], dialogue_id: str) -> list[Fields]:
    """Give each message its id, ``<dialogue id>:<index>``, or that of the hashed id if too long."""
    stem = dialogue_id
    if len(f"{stem}:{len(messages)}") > _LONGEST_ID:
        stem = hash_id(stem.encode())
    return [{"id": f"{stem}:{place}", **message} for place, message in enumerate(messages)]


def _metadata(fields: Fields, known: frozenset[str]) -> Fields:
    """Return the source's metadata, and whatever else it has."""
    metadata = fields.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise BadLine("metadata is not an object.")
    rest = {name: value for name, value in fields.items() if name not in known}
    return rest | metadata if metadata else rest


def _message(source: Fields) -> Fields:
    message: Fields = {"role": source.get("role"), "content": _content(source)}
    if source.get("name"):
        message["name"] = source["name"]
    if source.keys() - _MESSAGE or source.get("metadata"):
        message["metadata"] = _metadata(source, _MESSAGE)
    return message


def _content(source: Fields) -> Any:
    """Return the content; with tool calls, or empty, as an object that keeps what was there."""
    content = source.get("content")
    tools = {name: source[name] for name in ("tool_calls", "tool_call_id") if source.get(name) is not None}
    if tools or content is None or content in ("", [], {}):
        return {"content": content, **tools}
    return content


def _turn(turn: Fields) -> Fields:
    speaker = turn.get("speaker")
    role = _SPEAKERS.get(speaker.upper()) if isinstance(speaker, str) else None
    if role is None:
        raise BadLine(f"A turn's speaker must be USER or SYSTEM, not {quote(speaker)}.")
    message: Fields = {"role": role, "content": turn.get("utterance") or {"content": turn.get("utterance")}}
    if turn.keys() - _TURN or turn.get("metadata"):
        message["metadata"] = _metadata(turn, _TURN)
    return message


def _merge_states(turns: Sequence[Fields]) -> Fields:
    """Return the state after all turns: each turn's keys replace those before."""
    merged: Fields = {}
    for place, turn in enumerate(turns):
        state = turn.get("state")
        if state is not None and not isinstance(state, dict):
            raise BadLine(f"turns[{place}].state is not an object.")
        merged |= state or {}
    return merged
