"""LibreChat: its JSON export of a conversation, nested or flat, and the documents of its MongoDB."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..conversation import BadLine, Conversation, Fields, Node, Tree
from . import blocks
from .fields import head, object_of, objects, objects_in, own_id, rest_of
from .format import Format, Found, Source

_KNOWN = ("conversationId", "messages", "title", "createdAt", "_id", "__v", "user", "options", "tags")
_MESSAGE = (
    "messageId",
    "parentMessageId",
    "conversationId",
    "text",
    "content",
    "isCreatedByUser",
    "createdAt",
    "children",
    "_id",
    "__v",
    "_meiliIndex",
    "user",
    "sender",
)
_PROMPTS = ("promptPrefix", "system", "instructions")
_PROMPT_NODE = "promptPrefix"


def read(value: Any, _: Source) -> Iterator[Found]:
    """Read an export, a conversation's document, or the documents of any number of messages."""
    if not isinstance(value, list):
        yield _conversation(value, objects(value.get("messages") or [], "messages"))
        return
    together: dict[str, list[Fields]] = {}
    for item in objects(value, "messages"):
        together.setdefault(own_id(item, ("conversationId",)) or "", []).append(item)
    for dialogue_id, items in together.items():
        if not dialogue_id:
            raise BadLine(f"{len(items):,} messages have no conversationId.")
        yield _conversation({"conversationId": dialogue_id}, items)


def _conversation(value: Fields, items: Any) -> Found:
    options = object_of(value.get("options"))
    fields = {**options, **value}
    dialogue = head(
        own_id(value, ("conversationId",)) or "",
        fields,
        _KNOWN,
        source="librechat",
        title=value.get("title"),
        created=value.get("createdAt"),
    )
    if value.get("tags"):
        dialogue["tags"] = value["tags"]
    flat = list(_flatten(items))
    if not dialogue["id"]:
        dialogue["id"] = own_id(flat[0], ("messageId",)) or "empty" if flat else "empty"
    if not flat:
        return Conversation(dialogue)
    nodes: dict[str, Node] = {}
    prompt = next(
        (fields[name] for name in _PROMPTS if isinstance(fields.get(name), str) and fields[name]), None
    )
    if prompt is not None:
        said = blocks.speak(f"{dialogue['id']}:{_PROMPT_NODE}", "system", [blocks.text(prompt)])
        nodes[_PROMPT_NODE] = Node(None, said)
    names = {own_id(item, ("messageId",)) for item in flat}
    for place, item in enumerate(flat):
        name = own_id(item, ("messageId",)) or f"{dialogue['id']}:{place}"
        parent = item.get("parentMessageId")
        root = _PROMPT_NODE if prompt is not None else None
        nodes[name] = Node(parent if parent in names else root, _messages(name, item))
    return Tree(dialogue, nodes)


def _flatten(items: Any) -> Iterator[Fields]:
    """Yield messages and those nested in them; what is nested names its parent if it does not itself."""
    waiting: list[tuple[Fields, str | None]] = [
        (item, None) for item in reversed(items) if isinstance(item, dict)
    ]
    while waiting:
        item, parent = waiting.pop()
        if parent is not None and not item.get("parentMessageId"):
            item = {**item, "parentMessageId": parent}
        yield item
        children = objects_in(item.get("children"))
        name = own_id(item, ("messageId",))
        waiting += [(child, name) for child in reversed(children)]


def _messages(name: str, item: Fields) -> list[Fields]:
    is_user = item.get("isCreatedByUser") is True or str(item.get("sender")).lower() == "user"
    metadata = rest_of(item, _MESSAGE)
    if not is_user and item.get("sender"):
        metadata["sender"] = item["sender"]
    return blocks.speak(
        name,
        "user" if is_user else "assistant",
        _content(name, item),
        created=item.get("createdAt"),
        metadata=metadata,
    )


def _content(name: str, item: Fields) -> Iterator[Fields]:
    content = item.get("content")
    if not isinstance(content, list) or not content:
        if item.get("text"):
            yield blocks.text(str(item["text"]))
        return
    if item.get("isCreatedByUser") is True and item.get("text"):
        yield blocks.text(str(item["text"]))
    for place, part in enumerate(content):
        if isinstance(part, dict):
            yield from _part(f"{name}:call{place}", part)


def _part(call_id: str, part: Fields) -> Iterator[Fields]:
    kind = part.get("type")
    if kind == "text":
        words = part.get("text")
        yield blocks.text(str(words.get("value", "") if isinstance(words, dict) else words or ""))
    elif kind == "think":
        yield blocks.thinking(str(part.get("think") or ""))
    elif kind == "tool_call" and isinstance(part.get("tool_call"), dict):
        call = part["tool_call"]
        function = call["function"] if isinstance(call.get("function"), dict) else call
        call_id = str(call.get("id") or call_id)
        yield blocks.tool_use(
            call_id, str(function.get("name") or ""), function.get("args", function.get("arguments"))
        )
        if function.get("output") is not None:
            yield blocks.tool_result(call_id, function["output"])
    else:
        yield part


def _recognises(value: Any) -> bool:
    if not isinstance(value, dict) or "conversationId" not in value or "messageId" in value:
        return False
    if "messages" not in value or "exportAt" in value or "recursive" in value:
        return "endpoint" in value or "exportAt" in value
    messages = value["messages"]
    return (
        not isinstance(messages, list)
        or not messages
        or not isinstance(messages[0], dict)
        or _is_record(messages[0])
    )


def _is_record(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and "messageId" in value
        and ("parentMessageId" in value or "isCreatedByUser" in value)
    )


def _read_document(value: Any, source: Source) -> Iterator[Found]:
    """Read a conversation; the document of one in MongoDB names its messages and has none."""
    if isinstance(value, dict) and not all(
        isinstance(item, dict) and "messageId" in item for item in value.get("messages") or ()
    ):
        value = {name: item for name, item in value.items() if name != "messages"}
    yield from read(value, source)


FORMAT = Format(
    "librechat",
    "LibreChat's JSON export, and its MongoDB documents",
    _read_document,
    _recognises,
    _is_record,
    key=lambda record: str(record.get("conversationId")) if isinstance(record, dict) else "",
)
