"""Items of OpenAI's Responses and Conversations APIs, and the messages of its threads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..conversation import Conversation, Fields
from . import blocks
from .fields import head, message, objects, own_id, read_role, rest_of
from .format import Format, Found, Source
from .named import conversation

KINDS = frozenset(
    {
        "message",
        "function_call",
        "function_call_output",
        "reasoning",
        "web_search_call",
        "file_search_call",
        "computer_call",
        "computer_call_output",
        "code_interpreter_call",
        "image_generation_call",
        "mcp_call",
        "mcp_list_tools",
        "local_shell_call",
        "local_shell_call_output",
        "custom_tool_call",
        "custom_tool_call_output",
    }
)
_LISTS = ("items", "data")
_MESSAGE = ("id", "role", "content", "type", "object", "created_at", "name")


def read(value: Any, _: Source) -> Iterator[Found]:
    """Read an array of items, a list of them as the API answers it, or a request and its response."""
    if isinstance(value, list):
        yield _conversation({}, value)
        return
    name = next((name for name in _LISTS if isinstance(value.get(name), list)), None)
    if name is not None:
        yield _conversation({key: item for key, item in value.items() if key != name}, value[name])
        return
    response = value["response"] if isinstance(value.get("response"), dict) else value
    said = value.get("input", response.get("input"))
    given = [{"type": "message", "role": "user", "content": said}] if isinstance(said, str) else said or []
    instructions = value.get("instructions", response.get("instructions"))
    if isinstance(instructions, str) and instructions:
        given = [{"type": "message", "role": "system", "content": instructions}, *given]
    rest = {
        key: item for key, item in {**value, **response}.items() if key not in ("input", "output", "response")
    }
    rest.pop("instructions", None)
    yield _conversation(rest, [*given, *response.get("output", ())])


def _conversation(fields: Fields, items: list[Any]) -> Conversation:
    found = objects(items, "items")
    ordered = list(reversed(found)) if _is_newest_first(found) else list(found)
    dialogue_id = next(
        (
            str(one[name])
            for one in (fields, *ordered)
            for name in ("conversation_id", "thread_id")
            if one.get(name)
        ),
        own_id(fields, ("id",)) or "",
    )
    known = ("id", "object", "first_id", "last_id", "has_more", "created_at", "conversation_id")
    body = head(dialogue_id, fields, known, source="openai-responses", created=fields.get("created_at"))
    return conversation(body, [read_item(item, f"items[{place}]") for place, item in enumerate(ordered)])


def _is_newest_first(items: Any) -> bool:
    """Whether a list is in the order in which the API answers it unless told otherwise."""
    times = [item["created_at"] for item in items if isinstance(item.get("created_at"), int | float)]
    if len(times) == len(items) and times:
        return bool(times[0] > times[-1])
    places = {
        item.get("call_id"): place for place, item in enumerate(items) if item.get("type") == "function_call"
    }
    for place, item in enumerate(items):
        if item.get("type") == "function_call_output" and item.get("call_id") in places:
            return place < places[item.get("call_id")]
    roles = [
        item.get("role") for item in items if item.get("role") in ("system", "developer", "user", "assistant")
    ]
    return len(roles) > 1 and roles[0] == "assistant" and roles[-1] != "assistant"


def read_item(item: Fields, where: str, created: Any = None) -> Fields:
    """Return the message that an item becomes."""
    kind = item.get("type", "message")
    if kind == "message" or item.get("object") == "thread.message":
        role = read_role(item.get("role"), where)
        content, metadata = blocks.content_of(list(blocks_of(item))), rest_of(item, (*_MESSAGE, "thread_id"))
    else:
        role = "tool" if kind.endswith("_output") else "assistant"
        content, metadata = [item], None
    body = message(
        own_id(item, ("id",)) or "",
        role,
        content,
        created=created or item.get("created_at"),
        metadata=metadata,
    )
    if not body["id"]:
        del body["id"]
    return body


def blocks_of(item: Fields) -> Iterator[Fields]:
    """Yield the content blocks of an item, in the form that other readers have them."""
    kind = item.get("type", "message")
    if kind == "function_call":
        yield blocks.tool_use(
            str(item.get("call_id") or item.get("id")), str(item.get("name")), item.get("arguments")
        )
    elif kind == "function_call_output":
        yield blocks.tool_result(str(item.get("call_id")), _output(item.get("output")))
    elif kind != "message":
        yield item
    elif isinstance(item.get("content"), str):
        yield blocks.text(item["content"])
    else:
        for block in item.get("content") or ():
            if isinstance(block, str):
                yield blocks.text(block)
            elif isinstance(block, dict):
                yield _block(block)


def _output(output: Any) -> Any:
    if isinstance(output, list):
        return [_block(part) for part in output if isinstance(part, dict)]
    return output


def _block(block: Fields) -> Fields:
    words = block.get("text")
    if isinstance(words, dict):
        words = words.get("value", "")
    if block.get("type") in ("input_text", "output_text", "text") and isinstance(words, str):
        annotations = block.get("annotations") or (
            block["text"].get("annotations") if isinstance(block["text"], dict) else None
        )
        return blocks.text(words, **({"annotations": annotations} if annotations else {}))
    return block


def _recognises(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    for name in _LISTS:
        items = value.get(name)
        if isinstance(items, list) and items and _is_record(items[0]):
            return True
    response = value["response"] if isinstance(value.get("response"), dict) else value
    return isinstance(response.get("output"), list) and (
        response.get("object") == "response" or "input" in value or "input" in response
    )


def _is_record(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    return value.get("object") == "thread.message" or (
        value.get("type") in KINDS and "timestamp" not in value
    )


FORMAT = Format(
    "responses",
    "OpenAI Responses and Conversations items, messages of Assistants' threads",
    read,
    _recognises,
    _is_record,
)
