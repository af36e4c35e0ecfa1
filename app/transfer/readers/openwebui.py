"""Open WebUI's chat export: a tree of messages, where several models may answer side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..conversation import Fields, Node, Tree
from ..times import read_time
from . import blocks, responses
from .fields import head, object_of, objects, objects_in, own_id, read_role, rest_of
from .format import Format, Found, Source

_KNOWN = ("id", "title", "chat", "created_at", "tags", "user_id")
_CHAT = ("history", "messages", "title", "id", "timestamp", "tags", "system")
_MESSAGE = ("id", "parentId", "childrenIds", "role", "content", "timestamp", "output", "created_at")
_SYSTEM_NODE = "system"


def read(value: Any, _: Source) -> Iterator[Found]:
    """Read one chat."""
    fields = value if isinstance(value.get("chat"), dict) else {"chat": value}
    chat = fields["chat"]
    body = rest_of(fields, _KNOWN) | rest_of(chat, _CHAT)
    dialogue = head(
        own_id(fields, ("id",)) or own_id(chat, ("id",)) or "",
        body,
        (),
        source="openwebui",
        title=fields.get("title") or chat.get("title"),
        created=fields.get("created_at") or chat.get("timestamp"),
    )
    tags = [tag.get("name") if isinstance(tag, dict) else tag for tag in chat.get("tags") or ()]
    if tags:
        dialogue["tags"] = tags
    history = object_of(chat.get("history"))
    items = _items(chat, history)
    if not dialogue["id"]:
        dialogue["id"] = next(iter(items), "empty")
    nodes = _nodes(dialogue["id"], items, chat.get("system"))
    current = history.get("currentId", history.get("current_id"))
    archived = read_time(fields.get("updated_at")) if fields.get("archived") is True else None
    yield Tree(dialogue, nodes, current if isinstance(current, str) else None, archived_at=archived)


def _items(chat: Fields, history: Fields) -> dict[str, Fields]:
    """Return the messages by id; without a tree they follow on each other."""
    tree = history.get("messages")
    if isinstance(tree, dict) and tree:
        return {name: item for name, item in tree.items() if isinstance(item, dict)}
    items: dict[str, Fields] = {}
    before = None
    for place, item in enumerate(objects(chat.get("messages") or [], "messages")):
        name = own_id(item, ("id",)) or f"message-{place}"
        items[name] = {"parentId": before, **item}
        before = name
    return items


def _nodes(dialogue_id: str, items: dict[str, Fields], system: Any) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    root = None
    if isinstance(system, str) and system:
        root = _SYSTEM_NODE
        nodes[root] = Node(None, blocks.speak(f"{dialogue_id}:system", "system", [blocks.text(system)]))
    for name, item in items.items():
        parent = item.get("parentId")
        nodes[name] = Node(parent if isinstance(parent, str) else root, _messages(name, item))
    return nodes


def _messages(name: str, item: Fields) -> list[Fields]:
    return blocks.speak(
        name,
        read_role(item.get("role"), f"message {name}"),
        _content(item),
        created=item.get("timestamp", item.get("created_at")),
        metadata=rest_of(item, _MESSAGE),
    )


def _content(item: Fields) -> Iterator[Fields]:
    """Yield what was said; ``output`` has it in whole where it is there, ``content`` as it was shown."""
    output = item.get("output")
    if isinstance(output, list) and output and all(isinstance(part, dict) for part in output):
        for part in output:
            yield from responses.blocks_of(part)
        return
    content = item.get("content")
    if isinstance(content, list):
        yield from objects_in(content)
    elif content:
        yield blocks.text(str(content))
    for file in objects_in(item.get("files")):
        if file.get("type") == "image" and isinstance(file.get("url"), str):
            yield blocks.image(file["url"])


def _recognises(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    chat = object_of(value.get("chat")) or value
    if isinstance(object_of(chat.get("history")).get("messages"), dict):
        return True
    return chat is not value and isinstance(chat.get("messages"), list)


FORMAT = Format("openwebui", "Open WebUI's chat export", read, _recognises)
