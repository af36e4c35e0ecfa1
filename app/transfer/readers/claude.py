"""Claude.ai's data export: conversations, and projects and memories as memories."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..conversation import Conversation, Fields, Node, Tree
from . import blocks
from .fields import head, objects, objects_in, own_id, read_role, rest_of
from .format import Format, Found, Source

_KNOWN = ("uuid", "name", "created_at", "chat_messages", "current_leaf_message_uuid")
_MESSAGE = (
    "uuid",
    "sender",
    "text",
    "content",
    "created_at",
    "attachments",
    "files",
    "files_v2",
    "parent_message_uuid",
    "index",
)


def read(value: Any, _: Source) -> Iterator[Found]:
    """Read a conversation, a project, or what Claude remembers."""
    if "chat_messages" in value:
        yield _conversation(value)
    else:
        yield Conversation({}, memories=list(_memories(value)))


def _conversation(value: Fields) -> Tree:
    items = objects(value["chat_messages"], "chat_messages")
    dialogue = head(
        own_id(value, ("uuid",)) or "",
        value,
        _KNOWN,
        source="claude.ai",
        title=value.get("name"),
        created=value.get("created_at"),
    )
    if not dialogue["id"]:
        dialogue["id"] = own_id(items[0], ("uuid",)) or "empty" if items else "empty"
    nodes: dict[str, Node] = {}
    before: str | None = None
    for place, item in enumerate(items):
        name = own_id(item, ("uuid",)) or f"{dialogue['id']}:{place}"
        parent = item.get("parent_message_uuid", before)
        nodes[name] = Node(parent if isinstance(parent, str) else None, _messages(name, item, place))
        before = name
    return Tree(dialogue, nodes, value.get("current_leaf_message_uuid"))


def _messages(name: str, item: Fields, place: int) -> list[Fields]:
    return blocks.speak(
        name,
        read_role(item.get("sender"), f"chat_messages[{place}]"),
        [*_content(name, item), *_attached(item)],
        created=item.get("created_at"),
        metadata=rest_of(item, _MESSAGE),
    )


def _content(name: str, item: Fields) -> Iterator[Fields]:
    """Yield the blocks; older exports have ``text`` alone, newer ones may leave it empty."""
    content = item.get("content")
    if not isinstance(content, list) or not content:
        if item.get("text"):
            yield blocks.text(str(item["text"]))
        return
    waiting: list[str] = []
    for place, block in enumerate(content):
        if not isinstance(block, dict):
            continue
        kept = {key: value for key, value in block.items() if value not in (None, [], {})}
        if block.get("type") == "text" and kept.get("text"):
            kept = blocks.text(kept["text"], **{key: kept[key] for key in ("citations",) if key in kept})
        elif block.get("type") == "tool_use":
            kept["id"] = kept.get("id") or f"{name}:call{place}"
            kept.setdefault("input", {})
            waiting.append(kept["id"])
        elif block.get("type") == "tool_result":
            call = kept.get("tool_use_id") or (waiting[0] if waiting else f"{name}:call{place}")
            if call in waiting:
                waiting.remove(call)
            kept["tool_use_id"] = call
            kept.setdefault("content", "")
        elif block.get("type") == "text":
            continue
        yield kept


def _attached(item: Fields) -> Iterator[Fields]:
    """Yield attachments with the text that Claude had of them, and the names of other files."""
    for attachment in objects_in(item.get("attachments")):
        about = {key: value for key, value in attachment.items() if key != "extracted_content"}
        words = attachment.get("extracted_content") or ""
        yield blocks.text(f"{attachment.get('file_name') or 'attachment'}:\n{words}", attachment=about)
    for file in (*objects_in(item.get("files")), *objects_in(item.get("files_v2"))):
        yield {"type": "file", **file}


def _memories(value: Fields) -> Iterator[Fields]:
    if "conversations_memory" in value:
        owner = str(value.get("account_uuid") or "claude.ai")
        yield {
            "id": f"{owner}:memory",
            "value": value,
            "label": "What Claude remembers",
            "tags": ["claude.ai"],
        }
        return
    about = {name: item for name, item in value.items() if name != "docs" and item not in (None, "")}
    project = own_id(value, ("uuid",)) or "project"
    name = str(value.get("name") or "Project")[:128]
    yield {"id": project, "value": about, "label": name, "tags": ["claude.ai", "project"]}
    for place, doc in enumerate(objects_in(value.get("docs"))):
        yield {
            "id": own_id(doc, ("uuid",)) or f"{project}:doc{place}",
            "value": doc,
            "label": str(doc.get("filename") or name)[:128],
            "tags": ["claude.ai", "project", "document"],
            "metadata": {"projectId": project},
        }


def _recognises(value: Any) -> bool:
    return isinstance(value, dict) and (
        isinstance(value.get("chat_messages"), list)
        or "conversations_memory" in value
        or ("prompt_template" in value and "docs" in value)
    )


FORMAT = Format("claude", "Claude.ai's data export (conversations, projects, memories)", read, _recognises)
