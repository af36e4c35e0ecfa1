"""Messages as other libraries have them, turned into messages of the API without loss.

Taken are: text with a role; dictionaries of this API, of OpenAI's chat completions and responses, of
Anthropic and of Gemini; and the objects of the openai, anthropic and google-genai libraries, which are
recognised by their shape: none of these libraries is imported.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

from colloquy_client.types import NewMessage

OWN_FIELDS = frozenset({"id", "role", "content", "name", "tags", "metadata", "created"})
"""What a message of this API may carry. Whatever else one has is stored beside its content, in one object."""

SET_BY_SERVER = frozenset({"dialogueId", "namespace", "contentLength", "modified"})
"""What a message that was read has besides."""

LISTED = ("choices", "candidates", "output")
"""Where a whole response keeps its messages."""


def read_messages(items: Iterable[Any], role: str | None = None) -> list[NewMessage]:
    """Return the messages that some objects stand for. ``role`` is that of text and of bare content."""
    return [message for item in items for message in _read(item, role)]


def to_plain(value: Any) -> Any:
    """Return an object of a model library as JSON has it, without what was not set."""
    if hasattr(value, "model_dump"):
        # google-genai's names are camel case on the wire, and its unset fields None.
        gemini = type(value).__module__.startswith("google.genai")
        return value.model_dump(
            mode="json", by_alias=True, exclude_none=gemini, exclude_unset=not gemini, warnings=False
        )
    if isinstance(value, Mapping):
        return {name: to_plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    return value


def _read(item: Any, role: str | None) -> list[NewMessage]:
    plain = to_plain(item)
    if isinstance(plain, list) and any(isinstance(each, dict) and "role" in each for each in plain):
        return read_messages(plain, role)
    if isinstance(plain, (str, list)):
        return [_make(role, plain)]
    if not isinstance(plain, dict):
        raise TypeError(f"a {type(item).__name__} is no message: give text, a dictionary or a model's answer")
    return _read_fields(plain, role)


def _read_fields(plain: dict[str, Any], role: str | None) -> list[NewMessage]:
    listed = next((key for key in LISTED if key in plain), None)
    if listed and not {"role", "type"} & plain.keys():
        return _read_response(plain, listed)
    if isinstance(plain.get("parts"), list):
        return [_make(plain.get("role") or role or "user", [_read_part(part) for part in plain["parts"]])]
    if "role" not in plain:
        return [_read_item(plain, role)]
    if plain.get("type") == "message" and "id" in plain:  # of Anthropic, or an item of OpenAI's responses
        return [_make(plain["role"], plain["content"] if "model" in plain else plain)]
    return [_read_chat(plain)]


def _read_response(plain: dict[str, Any], listed: str) -> list[NewMessage]:
    """Read a whole response: of one with several choices the first."""
    if listed == "output":
        return [message for item in plain["output"] for message in _read_fields(item, "assistant")]
    return _read_fields(plain[listed][0]["message" if listed == "choices" else "content"], "assistant")


def _read_item(item: dict[str, Any], role: str | None) -> NewMessage:
    """Read an item of OpenAI's responses that says by its type who speaks, or a block of content."""
    kind = str(item.get("type", ""))
    if kind.endswith("_output"):
        return _make("tool", [item])
    return _make("assistant" if kind.endswith("_call") or kind == "reasoning" else role, item)


def _read_part(part: dict[str, Any]) -> dict[str, Any]:
    """Give a part of Gemini's the type by which content is understood; all that it has stays."""
    call, result = part.get("functionCall"), part.get("functionResponse")
    if call:
        named = {"id": call.get("id") or call["name"], "name": call["name"], "input": call.get("args", {})}
        return {"type": "tool_use", **named, **part}
    if result:
        answer = json.dumps(result.get("response"), ensure_ascii=False)
        return {
            "type": "tool_result",
            "tool_use_id": result.get("id") or result["name"],
            "content": answer,
            **part,
        }
    return {
        "type": "thinking" if part.get("thought") else "text" if "text" in part else next(iter(part)),
        **part,
    }


def _read_chat(plain: dict[str, Any]) -> NewMessage:
    beside = {
        name: value
        for name, value in plain.items()
        if name not in OWN_FIELDS | SET_BY_SERVER and value is not None and value != []
    }
    content = plain.get("content")
    fields = {name: plain[name] for name in OWN_FIELDS if plain.get(name) is not None}
    if beside or not content:
        fields["content"] = {"content": content, **beside}
    return cast("NewMessage", fields | {"role": plain["role"]})


def _make(role: str | None, content: Any) -> NewMessage:
    if role is None:
        raise ValueError("this has no role of its own: give role='user' or another")
    return cast("NewMessage", {"role": role, "content": content})


def measure(message: NewMessage) -> int:
    """Return how many bytes a message takes in a request."""
    return len(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode())
