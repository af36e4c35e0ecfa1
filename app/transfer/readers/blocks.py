"""Turns that mix words, tool calls and their results, as messages that model APIs would have.

Content blocks are Anthropic's: text, thinking, tool_use, tool_result. Contexts, searches and exports read
them; a block of another kind stays as it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from ..conversation import Fields
from .fields import message

EMPTY: Fields = {"content": ""}
"""The content of a message that says nothing: the API takes no empty text."""


def text(words: str, **more: Any) -> Fields:
    """Return a block of text."""
    return {"type": "text", "text": words, **more}


def thinking(words: str, **more: Any) -> Fields:
    """Return a block of reasoning."""
    return {"type": "thinking", "thinking": words, **more}


def tool_use(call_id: str, name: str, arguments: Any) -> Fields:
    """Return a call; arguments that are JSON text are read."""
    return {"type": "tool_use", "id": call_id, "name": name or "tool", "input": read_json(arguments)}


def tool_result(call_id: str, content: Any, *, failed: bool = False) -> Fields:
    """Return the result of a call; what is neither text nor blocks is kept as JSON text."""
    if not isinstance(content, str) and not (
        isinstance(content, list) and all(isinstance(block, dict) and "type" in block for block in content)
    ):
        content = json.dumps(content, ensure_ascii=False)
    block = {"type": "tool_result", "tool_use_id": call_id, "content": content}
    return block | {"is_error": True} if failed else block


def image(data_url: str, **more: Any) -> Fields:
    """Return a picture that is embedded or lies at an address."""
    return {"type": "image_url", "image_url": {"url": data_url}, **more}


def read_json(value: Any) -> Any:
    """Return the object that JSON text says, and an object itself; anything else inside of one."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {"input": value}
    return value if isinstance(value, dict) else {} if value is None else {"input": value}


def content_of(blocks: list[Fields]) -> Any:
    """Return blocks as content: a text alone as a string."""
    if not blocks:
        return EMPTY
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"} and blocks[0]["type"] == "text":
        return blocks[0]["text"] or EMPTY
    return blocks


def speak(
    message_id: str,
    role: str,
    blocks: Iterable[Fields],
    *,
    created: Any = None,
    metadata: Fields | None = None,
) -> list[Fields]:
    """Return a turn as messages: results of tools stand in messages of their own, in their place.

    The first has the turn's id and metadata, the others the id and their number.
    """
    runs = [
        (is_result, list(run))
        for is_result, run in groupby(blocks, lambda block: block.get("type") == "tool_result")
    ]
    spoken = []
    for number, (is_result, run) in enumerate(runs or [(False, [])], 1):
        spoken.append(
            message(
                message_id if number == 1 else f"{message_id}:{number}",
                "tool" if is_result else role,
                content_of(run),
                created=created,
                metadata=metadata if number == 1 else None,
            )
        )
    return spoken
