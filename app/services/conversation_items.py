"""Items of OpenAI's Conversations API as messages, and messages as such items.

An item that comes in becomes one message: of a message item the content is the message's content, any other
item is the one block of an array; whatever else it has is kept in the message's metadata under ``MARK``.
So an item goes out with everything that it came with.

A message that did not come as an item goes out as one item or several: its words, then each tool call and
each result. The first has the message's id, each later one that id with ``~`` and its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..domain.ids import new_id
from ..summaries import Turn
from ..summaries.content import Image, Part, Text, ToolCall, ToolResult, read_parts

MARK = "openai"
"""The key of a message's metadata under which stands what its content and role do not say of an item."""

PLACE = "~"
"""Stands between the id of a message and the place of one of its items."""

MESSAGE = "message"
ROLES = frozenset({"user", "assistant", "system", "developer"})
ANSWERS = frozenset({"function_call_output", "custom_tool_call_output"})
"""The items that are a tool's answer, and stored in its role."""

PREFIXES = {
    "message": "msg",
    "function_call": "fc",
    "function_call_output": "fco",
    "reasoning": "rs",
    "web_search_call": "ws",
    "file_search_call": "fs",
    "computer_call": "cu",
    "code_interpreter_call": "ci",
    "image_generation_call": "ig",
    "local_shell_call": "lsh",
    "mcp_call": "mcp",
    "mcp_list_tools": "mcpl",
    "mcp_approval_request": "mcpr",
    "custom_tool_call": "ctc",
    "compaction": "cmp",
}
"""How the ids begin that are made here; those of other types begin with ``item``."""

REST_LENGTH = 32 * 1024
REST_DEPTH = 12
"""What else a message item has is kept in the metadata up to this many characters of JSON and levels, and in
the content beyond: metadata is bounded, and nothing of an item is refused."""

Item = dict[str, Any]
Fields = dict[str, Any]


def message_of(item: Item) -> Fields:
    """Return the fields of the message that an item becomes, as a client would send them.

    An item without a type is a message, as in the API's short form.
    """
    kind = item.get("type", MESSAGE)
    if kind == MESSAGE:
        fields = _message_fields(item)
    else:
        block = {name: value for name, value in item.items() if name != "id"}
        fields = {
            "role": "tool" if kind in ANSWERS else "assistant",
            "content": [block],
            "metadata": {MARK: {"type": kind}},
        }
    given = item.get("id")
    return {"id": f"{PREFIXES.get(kind, 'item')}_{new_id()}" if given is None else given} | fields


def _message_fields(item: Item) -> Fields:
    role, content = item.get("role"), item.get("content")
    rest = {name: value for name, value in item.items() if name not in {"id", "type", "role", "content"}}
    stored: Any = content if content and isinstance(content, str | list) else {MESSAGE: content}
    if role in ROLES:
        return {"role": role, "content": stored, "metadata": {MARK: {"type": MESSAGE} | rest}}
    return {
        "role": "assistant",
        "content": stored,
        "metadata": {MARK: {"type": MESSAGE, "role": role} | rest},
    }


def items_of(message: Fields) -> list[Item]:
    """Return the items of a message as the API shows it, at least one."""
    mark = message["metadata"].get(MARK)
    if not isinstance(mark, dict) or "type" not in mark:
        return list(_converted(message))
    if mark["type"] != MESSAGE:
        return [{"id": message["id"]} | message["content"][0]]
    content = message["content"]
    shown = {"id": message["id"], "role": message["role"], "status": "completed"} | mark
    if isinstance(content, dict):
        shown |= content.get("rest", {})
        content = content[MESSAGE] or []
    return [shown | {"content": _spelled_out(content, message["role"])}]


def _spelled_out(content: Any, role: str) -> Any:
    """Return the parts that a text stands for; parts stay as they came."""
    return [_words(role, content)] if isinstance(content, str) else content


def _words(role: str, text: str) -> Fields:
    if role == "assistant":
        return {"type": "output_text", "text": text, "annotations": []}
    return {"type": "input_text", "text": text}


def _converted(message: Fields) -> Iterator[Item]:
    """Yield the items of a message that did not come as one."""
    turn = Turn(
        message["id"], 0, message["role"], message["content"], message["created"], message.get("name")
    )
    role = message["role"] if message["role"] in ROLES else "assistant"
    parts = read_parts(turn)
    words = [_part(role, part) for part in parts if not isinstance(part, ToolCall | ToolResult)]
    bodies = [_tool_item(part) for part in parts if isinstance(part, ToolCall | ToolResult)]
    if words or not bodies:
        bodies.insert(0, {"type": MESSAGE, "role": role, "content": words})
    for place, body in enumerate(bodies):
        yield {
            "id": f"{message['id']}{PLACE}{place}" if place else message["id"],
            "status": "completed",
        } | body


def _part(role: str, part: Part) -> Fields:
    if isinstance(part, Text):
        return _words(role, part.text)
    if isinstance(part, Image):
        return {"type": "input_image", "image_url": part.url, "detail": "auto"}
    raw: Fields = part.raw  # type: ignore[union-attr]  # calls and results are items of their own
    return raw


def _tool_item(part: ToolCall | ToolResult) -> Item:
    if isinstance(part, ToolCall):
        call = {"call_id": part.id, "name": part.name, "arguments": part.arguments}
        return {"type": "function_call"} | call
    return {"type": "function_call_output", "call_id": part.id, "output": part.text}
