"""Events as messages: parts as blocks that contexts and search understand, all else beside them."""

from __future__ import annotations

from typing import Any, cast

from google.adk.events.event import Event

from colloquy_client.identifiers import dialogue_id
from colloquy_client.messages import read_messages
from colloquy_client.requests import given, new_id
from colloquy_client.types import Message, NewMessage

ADDED = frozenset({"type", "id", "name", "input", "tool_use_id", "content"})
"""What a block has beside the fields of its part, none of which is called so."""

LONGEST_NAME = 128


def write_event(event: Event) -> NewMessage:
    """Return an event as a message."""
    plain = event.model_dump(mode="json", by_alias=True, exclude_none=True, fallback=str)
    content = plain.pop("content", None)
    parts = content.pop("parts", None) if content else None
    kept: dict[str, Any] = {"content": write_parts(parts or []), "event": plain}
    if content is not None:
        kept["about"] = content | ({} if parts is None else {"parts": len(parts)})
    speaker = (content or {}).get("role") or event.author
    message = {
        "id": dialogue_id(event.id) if event.id else new_id(),
        "role": "user" if speaker == "user" else "assistant",
        "content": kept,
    }
    name = event.author if 0 < len(event.author) <= LONGEST_NAME and event.author != "user" else None
    return cast("NewMessage", given({"name": name}, message))


def read_event(message: Message) -> Event:
    """Return the event that a message keeps, or for one that came another way what it says."""
    kept = message["content"]
    if not isinstance(kept, dict) or "event" not in kept:
        role = "user" if message["role"] == "user" else "model"
        parts = [{"text": kept if isinstance(kept, str) else str(kept)}]
        return Event(author=role, content={"role": role, "parts": parts})
    plain = dict(kept["event"])
    about = kept.get("about")
    if about is not None:
        plain["content"] = {name: value for name, value in about.items() if name != "parts"}
        if "parts" in about:
            plain["content"]["parts"] = [read_part(block) for block in kept["content"]]
    return cast("Event", Event.model_validate(plain))


def write_parts(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return parts as blocks."""
    (message,) = read_messages([{"role": "user", "parts": parts}])
    return cast("list[dict[str, Any]]", message["content"])


def read_part(block: dict[str, Any]) -> dict[str, Any]:
    """Return the part that a block keeps."""
    return {name: value for name, value in block.items() if name not in ADDED}
