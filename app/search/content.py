"""What is said in stored JSON: the texts of messages and values, and whether there is an image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

DEEPEST: Final = 64
"""How deep text is looked for in JSON; requests cannot nest deeper."""

IMAGE_TYPES: Final = frozenset({"image", "image_url", "input_image"})
"""The ``type`` of blocks that hold an image, as the model APIs name them."""


def has_image(content: object, depth: int = DEEPEST) -> bool:
    """Whether an image block stands anywhere in structured content."""
    if not isinstance(content, dict | list) or depth == 0:
        return False
    children: Iterable[object] = content
    if isinstance(content, dict):
        kind = content.get("type")
        if isinstance(kind, str) and kind in IMAGE_TYPES:
            return True
        children = content.values()
    return any(has_image(child, depth - 1) for child in children)


def content_texts(content: object) -> Iterator[str]:
    """Give the texts of a message's content.

    Structured content gives the text of its text parts, the names and arguments of tool calls and
    the text of tool results, in the shapes of the OpenAI and Anthropic APIs; other blocks give none.
    """
    return _texts(content, DEEPEST)


def value_texts(value: object, *, keys: bool = False) -> Iterator[str]:
    """Give every text and number in JSON, and if asked the keys of its objects."""
    return _values(value, DEEPEST, keys=keys)


def _values(value: object, depth: int, *, keys: bool = False) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, dict) and depth:
        for key, child in value.items():
            if keys:
                yield key
            yield from _values(child, depth - 1, keys=keys)
    elif isinstance(value, list) and depth:
        for child in value:
            yield from _values(child, depth - 1, keys=keys)


def _texts(content: Any, depth: int) -> Iterator[str]:
    """Give what is said in structured content: a block, a list of them, or a whole message."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list) and depth:
        for block in content:
            yield from _texts(block, depth - 1)
    elif isinstance(content, dict) and depth:
        yield from _block_texts(content, depth - 1)


def _block_texts(block: dict[str, Any], depth: int) -> Iterator[str]:
    for key in ("text", "refusal"):
        if isinstance(block.get(key), str):
            yield block[key]
    for key in ("content", "parts", "output"):
        yield from _texts(block.get(key), depth)
    calls = block.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        yield from _call_texts(call, depth)
    for key in ("function", "function_call"):
        yield from _call_texts(block.get(key), depth)
    yield from _call_texts(block, depth)


def _call_texts(call: Any, depth: int) -> Iterator[str]:
    """Give the name and the arguments of a tool call; OpenAI wraps them in ``function``."""
    if not isinstance(call, dict):
        return
    wrapped = call.get("function")
    function = wrapped if isinstance(wrapped, dict) else call
    arguments = [function[key] for key in ("arguments", "input") if key in function]
    if arguments and isinstance(function.get("name"), str):
        yield function["name"]
    for argument in arguments:
        yield from _values(argument, depth)
