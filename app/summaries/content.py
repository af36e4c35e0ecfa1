"""What a message's content holds, whatever shape it was stored in.

Read are: text; arrays of blocks as OpenAI (chat and responses) and Anthropic define them; whole
messages of either stored as one object; and ``{content, tool_calls?, tool_call_id?, ...}``, in which
a message of OpenAI's API is stored. Everything becomes a list of parts. A block of an unknown kind
stays as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..domain.native_message import BESIDE_CONTENT
from . import Turn


@dataclass(frozen=True, slots=True)
class Text:
    """Words that someone said."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A request to run a tool. ``arguments`` is JSON text; ``id`` is empty when none was given."""

    id: str
    name: str
    arguments: str
    legacy: bool = False


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered."""

    id: str
    name: str
    text: str
    legacy: bool = False
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Image:
    """A picture: ``url`` may be a data URL; ``label`` names it without its bytes."""

    url: str
    label: str
    raw: Any


@dataclass(frozen=True, slots=True)
class Unknown:
    """A block of a kind that is not known here (audio, documents, reasoning, a vendor's own)."""

    kind: str
    raw: Any


Part = Text | ToolCall | ToolResult | Image | Unknown

WORD_KINDS = frozenset({"text", "input_text", "output_text", "refusal"})
DATA_MEDIA = re.compile("[;,].*", re.DOTALL)
MESSAGE_KEYS = frozenset({"content", *BESIDE_CONTENT})
SILENT_KINDS = frozenset({"thinking", "redacted_thinking", "reasoning"})
"""Kinds of blocks that were thought and not said."""


def read_parts(turn: Turn) -> list[Part]:
    """Return what a turn says, in order; empty texts are left out."""
    content = turn.content
    message = content if is_message(content) else {"content": content}
    name = turn.name or _text_of(message.get("name"))
    if turn.role in {"tool", "function"}:
        found = _read_result(turn.role, message, name)
    else:
        found = [*_read_beside(message), *_read_content(message.get("content")), *_read_calls(message)]
    return [part for part in found if not isinstance(part, Text) or part.text.strip()]


def read_thought(part: Unknown) -> str | None:
    """Return what was thought, in words; empty when nothing can be read, None for a block of another kind."""
    if part.kind not in SILENT_KINDS or not isinstance(part.raw, dict):
        return None
    words = (part.raw.get(name) for name in ("thinking", "text", "reasoning_content"))
    plain = next((word for word in words if isinstance(word, str)), None)
    if plain is not None:
        return plain
    pieces = [piece for name in ("summary", "content") for piece in _blocks_of(part.raw.get(name))]
    return "\n\n".join(filter(None, (_text_of(piece.get("text")) for piece in pieces)))


def _blocks_of(value: Any) -> list[dict[str, Any]]:
    return [block for block in value if isinstance(block, dict)] if isinstance(value, list) else []


def as_json(value: Any) -> str:
    """Return compact JSON text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def is_message(content: Any) -> bool:
    """Whether stored content is a whole message of a model's API."""
    if not isinstance(content, dict) or content.get("type", "message") != "message":
        return False
    return bool(MESSAGE_KEYS & set(content))


def _text_of(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _read_content(content: Any) -> Iterator[Part]:
    if isinstance(content, str):
        yield Text(content)
    elif isinstance(content, dict):
        yield _read_block(content)
    elif isinstance(content, list):
        for block in content:
            yield _read_block(block)
    elif content is not None:
        yield Text(as_json(content))


def _read_block(block: Any) -> Part:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind is None:
        return Text(as_json(block))
    if not isinstance(kind, str):
        return Unknown(as_json(kind), block)
    words = block.get("refusal" if kind == "refusal" else "text")
    if kind in WORD_KINDS and isinstance(words, str):
        return Text(words)
    read = READERS.get(kind)
    return read(block) if read else Unknown(kind, block)


def _read_result_block(block: dict[str, Any]) -> Part:
    text = _flatten(block.get("content", block.get("output")))
    failed = block.get("is_error") is True
    return ToolResult(_id_of(block, "tool_use_id", "call_id"), "", text, failed=failed)


def _id_of(block: dict[str, Any], *keys: str) -> str:
    return next((block[key] for key in keys if isinstance(block.get(key), str)), "")


def _read_image(block: dict[str, Any]) -> Part:
    source = block.get("image_url", block.get("source", {}))
    if isinstance(source, str):
        return Image(source, _image_label(source), block)
    if not isinstance(source, dict):
        return Unknown(str(block["type"]), block)
    if source.get("type") == "base64":
        media, data = _text_of(source.get("media_type")) or "image", _text_of(source.get("data"))
        return Image(f"data:{media};base64,{data}", media, block)
    url = _text_of(source.get("url"))
    return Image(url, _image_label(url), block) if url else Unknown(str(block["type"]), block)


def _image_label(url: str) -> str:
    if url.startswith("data:"):
        return DATA_MEDIA.sub("", url)[5:45] or "image"
    return url.partition("?")[0][:120]


def _read_beside(message: dict[str, Any]) -> Iterator[Part]:
    """Give what was thought, refused or said aloud instead of a content."""
    thought, refusal, audio = (message.get(name) for name in ("reasoning_content", "refusal", "audio"))
    if isinstance(thought, str):
        yield Unknown("reasoning", {"reasoning_content": thought})
    if isinstance(refusal, str):
        yield Text(refusal)
    if isinstance(audio, dict):
        yield Text(_text_of(audio.get("transcript")) or "[audio]")


def _read_calls(message: dict[str, Any]) -> Iterator[Part]:
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else []:
        yield _read_call(call) if isinstance(call, dict) else Unknown("tool_call", call)
    legacy = message.get("function_call")
    if isinstance(legacy, dict):
        yield ToolCall("", _text_of(legacy.get("name")), _arguments(legacy.get("arguments")), legacy=True)


def _read_call(block: dict[str, Any]) -> Part:
    function = block.get("function")
    body = function if isinstance(function, dict) else block
    name = _text_of(body.get("name"))
    if not name:
        return Unknown("tool_call", block)
    arguments = next((body[key] for key in ("arguments", "input", "args") if key in body), None)
    return ToolCall(_id_of(block, "call_id", "id"), name, _arguments(arguments))


def _arguments(value: Any) -> str:
    if isinstance(value, str):
        return value or "{}"
    return "{}" if value is None else as_json(value)


def _read_result(role: str, message: dict[str, Any], name: str) -> list[Part]:
    content = message.get("content")
    blocks = content if isinstance(content, list) else []
    inner = [_read_block(block) for block in blocks]
    if any(isinstance(part, ToolResult) for part in inner):
        return inner
    call_id = _id_of(message, "tool_call_id")
    return [ToolResult(call_id, name, _flatten(content), legacy=role == "function")]


def _flatten(content: Any) -> str:
    if content is None:
        return ""
    if not isinstance(content, list):
        return content if isinstance(content, str) else as_json(content)
    return "\n".join(filter(None, (_flat_part(part) for part in _read_content(content))))


def _flat_part(part: Part) -> str:
    if isinstance(part, Text | ToolResult):
        return part.text
    if isinstance(part, Image):
        return f"[image: {part.label}]"
    return f"[{part.kind}]" if isinstance(part, Unknown) else f"[calls {part.name}]"


READERS: dict[str, Callable[[dict[str, Any]], Part]] = {
    "image": _read_image,
    "image_url": _read_image,
    "input_image": _read_image,
    "tool_use": _read_call,
    "tool_call": _read_call,
    "function_call": _read_call,
    "tool_result": _read_result_block,
    "function_call_output": _read_result_block,
}


def wrap(text: str, width: int) -> Iterator[str]:
    """Cut a text at spaces into pieces of at most ``width`` characters, without copying it again."""
    start = 0
    while len(text) - start > width:
        cut = text.rfind(" ", start + width // 2, start + width)
        end = cut if cut > 0 else start + width
        yield text[start:end].strip()
        start = end
    if text[start:].strip():
        yield text[start:].strip()
