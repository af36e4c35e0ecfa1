"""Single messages in the form of OpenAI's and Anthropic's APIs, as a list of messages answers them.

A message that was stored in the form of that API comes back as it was; any other is translated by what it
says. Nothing is paired, cut or left out: arrays that are valid as a whole are what ``planning`` makes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...domain.native_message import BESIDE_CONTENT
from .. import Turn
from ..content import Image, Part, ToolCall, ToolResult, is_message, read_parts
from .formats import Wire, anthropic_blocks, as_object, openai_blocks, words_of
from .planning import Format

CHAT_FIELDS = frozenset({"content", *BESIDE_CONTENT})
"""What a message of OpenAI's chat completions has beside its role and its name."""

ANTHROPIC_KINDS = frozenset({"document", "image", "search_result", "tool_result", "tool_use"})
ANTHROPIC_KINDS |= {"container_upload", "redacted_thinking", "server_tool_use", "thinking"}
"""Blocks that only Anthropic's messages have."""

OPENAI_KINDS = frozenset({"audio", "file", "image_url", "input_audio", "refusal"})
"""Blocks that only OpenAI's chat completions have."""

RESPONSES_KINDS = frozenset({"function_call", "function_call_output", "input_file", "input_image"})
RESPONSES_KINDS |= {"input_text", "output_text", "reasoning", "tool_call"}
"""Blocks of OpenAI's responses and of others."""

SYSTEM = frozenset({"system", "developer"})


def to_native(turns: Sequence[Turn], target: Format) -> tuple[list[Wire], str | None]:
    """Return messages in the form of ``target``, and for Anthropic the words of the system's messages."""
    if target is Format.OPENAI:
        return [message for turn in turns for message in _openai(turn)], None
    system = [words_of(read_parts(turn)) for turn in turns if turn.role in SYSTEM]
    messages = [message for turn in turns if turn.role not in SYSTEM for message in _anthropic(turn)]
    return messages, "\n\n".join(system) or None


def _openai(turn: Turn) -> list[Wire]:
    head = {"role": turn.role} | ({"name": turn.name} if turn.name else {})
    if is_message(turn.content) and turn.content.keys() <= CHAT_FIELDS:
        if _is_plain(turn.content.get("content"), ANTHROPIC_KINDS):
            return [head | turn.content]
    elif _is_plain(turn.content, ANTHROPIC_KINDS):
        return [head | {"content": turn.content}]
    parts = read_parts(turn)
    results = [_openai_result(part) for part in parts if isinstance(part, ToolResult)]
    calls = [_openai_call(part) for part in parts if isinstance(part, ToolCall)]
    rest = [part for part in parts if not isinstance(part, ToolCall | ToolResult)]
    if calls:
        return [*results, head | {"content": words_of(rest) or None, "tool_calls": calls}]
    return [*results, head | {"content": _openai_content(rest)}] if rest or not results else results


def _openai_content(parts: Sequence[Part]) -> str | list[Wire]:
    if any(isinstance(part, Image) and part.url for part in parts):
        return [block for part in parts for block in openai_blocks(part)]
    return words_of(parts)


def _openai_call(call: ToolCall) -> Wire:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _openai_result(result: ToolResult) -> Wire:
    return {"role": "tool", "tool_call_id": result.id, "content": result.text}


def _anthropic(turn: Turn) -> list[Wire]:
    role = turn.role if turn.role == "assistant" else "user"
    if role == turn.role and _is_plain(turn.content, OPENAI_KINDS):
        return [{"role": role, "content": turn.content}]
    blocks = [block for part in read_parts(turn) for block in _anthropic_part(part, role)]
    return [{"role": role, "content": blocks}]


def _anthropic_part(part: Part, role: str) -> list[Wire]:
    if isinstance(part, ToolCall):
        return [{"type": "tool_use", "id": part.id, "name": part.name, "input": as_object(part.arguments)}]
    if isinstance(part, ToolResult):
        block: Wire = {"type": "tool_result", "tool_use_id": part.id, "content": part.text}
        return [block | {"is_error": True} if part.failed else block]
    return anthropic_blocks(part, role)


def _is_plain(content: Any, foreign: frozenset[str]) -> bool:
    """Whether content is of no other API: null, text, or blocks of kinds that are not foreign."""
    if not isinstance(content, list):
        return content is None or isinstance(content, str)
    kinds = [block.get("type") if isinstance(block, dict) else None for block in content]
    return all(isinstance(kind, str) and kind not in foreign | RESPONSES_KINDS for kind in kinds)
