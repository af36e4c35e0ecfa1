"""Codex's session files (rollouts): one record a line, the items of the Responses API among them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..conversation import Conversation, Fields
from .fields import message, own_id, rest_of
from .format import Format, Found, Source
from .named import conversation
from .responses import KINDS, read_item

_KINDS = ("session_meta", "response_item", "event_msg", "turn_context", "compacted")
DOUBLED = "records of Codex that say again what others say (events, contexts) were left out"


def read(records: Any, source: Source) -> Iterator[Found]:
    """Read one session."""
    yield _session([record for record in records if isinstance(record, dict)], source)


def _session(records: list[Fields], source: Source) -> Conversation:
    head: Fields = {"id": "", "metadata": {"source": "codex"}}
    spoken: list[Fields] = []
    for place, record in enumerate(records):
        kind, payload = record.get("type"), record.get("payload")
        item = payload if isinstance(payload, dict) else record
        created = record.get("timestamp")
        if kind == "session_meta" or (kind is None and place == 0):
            spoken += _begin(head, item)
        elif kind == "compacted":
            words = str(item.get("message") or "")
            spoken.append(message("", "user", words, created=created, metadata={"compaction": True}))
        elif kind == "response_item" or (kind in KINDS and payload is None):
            spoken.append(read_item(item, f"record {place + 1}", created))
        else:
            source.notes[DOUBLED] += 1
    return conversation(head, [_unnamed(said) for said in spoken])


def _begin(head: Fields, meta: Fields) -> list[Fields]:
    """Take over what the first record says of the session; its instructions come before everything."""
    head["id"] = head["id"] or own_id(meta, ("id",)) or ""
    instructions = meta.get("instructions") or meta.get("base_instructions")
    instructions = instructions.get("text") if isinstance(instructions, dict) else instructions
    head["metadata"] |= rest_of(meta, ("id", "instructions", "base_instructions", "timestamp"))
    if isinstance(meta.get("timestamp"), str):
        head["created"] = meta["timestamp"]
    if not isinstance(instructions, str) or not instructions:
        return []
    return [{"role": "system", "content": instructions}]


def _unnamed(said: Fields) -> Fields:
    """Return a message without an id of its own, which items of a session share with events; never empty."""
    content = said["content"] or {"content": said["content"]}
    return {name: item for name, item in said.items() if name != "id"} | {"content": content}


def _is_record(value: Any) -> bool:
    if not isinstance(value, dict) or "timestamp" not in value:
        return False
    if isinstance(value.get("payload"), dict):
        return value.get("type") in _KINDS
    return "instructions" in value and "id" in value and "git" in value


FORMAT = Format("codex", "Codex's session files (rollout-*.jsonl)", read, is_record=_is_record)
