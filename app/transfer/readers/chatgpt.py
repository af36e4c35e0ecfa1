"""ChatGPT's data export: ``conversations.json``, in its zip, its folder or alone.

A conversation is a tree of messages under ``mapping``; the path to ``current_node`` is what ChatGPT shows.
Images are files beside it, named after the id in their pointers.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

from ..conversation import BadLine, Fields, Node, Tree
from ..times import read_time
from . import blocks
from .fields import ROLES, has_keys, head, message, object_of, objects_in, own_id
from .format import Format, Found, Source

HIDDEN = "hidden"
"""The field of a message's metadata that marks what ChatGPT does not show."""

_KNOWN = ("mapping", "id", "conversation_id", "title", "current_node", "create_time")
_DEFAULTS: Fields = {"status": "finished_successfully", "end_turn": True, "weight": 1.0, "recipient": "all"}
_KEPT = ("status", "end_turn", "weight", "recipient", "channel", "update_time")
_POINTER_PREFIXES = ("file-service://", "sediment://")
_CALL_REACH = 6
_MAGIC = (
    (b"\x89PNG", "image/png"),
    (b"\xff\xd8", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"RIFF", "image/webp"),
)


def read(value: Any, source: Source) -> Iterator[Found]:
    """Read one conversation with all its branches."""
    mapping = value["mapping"]
    if not isinstance(mapping, dict):
        raise BadLine("mapping is not an object.")
    fields = {name: item for name, item in value.items() if item not in ([], {})}
    dialogue = head(
        own_id(value, ("conversation_id", "id")) or "",
        fields,
        _KNOWN,
        source="chatgpt",
        title=value.get("title"),
        created=value.get("create_time"),
    )
    if not dialogue["id"]:
        dialogue["id"] = next(iter(mapping), "empty")
    tree = _Mapping(mapping, source)
    current = value.get("current_node")
    yield Tree(
        dialogue,
        tree.nodes(),
        current if isinstance(current, str) else None,
        archived_at=read_time(value.get("update_time")) if value.get("is_archived") is True else None,
    )


class _Mapping:
    """The nodes of one conversation."""

    def __init__(self, mapping: Fields, source: Source) -> None:
        self._nodes = {name: node for name, node in mapping.items() if isinstance(node, dict)}
        self._source = source
        self._parents = self._find_parents()

    def _find_parents(self) -> dict[str, str]:
        """Return each node's parent, from either end of the link: exports leave out one or the other."""
        parents = {
            child: name
            for name, node in self._nodes.items()
            for child in node.get("children") or ()
            if isinstance(child, str)
        }
        parents |= {
            name: node["parent"] for name, node in self._nodes.items() if isinstance(node.get("parent"), str)
        }
        return parents

    def nodes(self) -> dict[str, Node]:
        """Return the tree, each node before those that follow it where the export has them so."""
        return {
            name: Node(self._parents.get(name), self._messages(name, node.get("message")))
            for name, node in self._nodes.items()
        }

    def _messages(self, name: str, said: Any) -> list[Fields]:
        if not isinstance(said, dict):
            return []
        author = object_of(said.get("author"))
        content = object_of(said.get("content"))
        kind = content.get("content_type")
        role = ROLES.get(str(author.get("role")).lower())
        metadata = self._metadata(said, author)
        if role is None:
            metadata["authorRole"] = author.get("role")
        if kind in ("user_editable_context", "model_editable_context"):
            role = "system"
            metadata[HIDDEN] = True
        body = blocks.content_of(self._content(name, said, author, content))
        return [
            message(
                name,
                role or "assistant",
                body,
                created=said.get("create_time"),
                name=author.get("name"),
                metadata=metadata,
            )
        ]

    @staticmethod
    def _metadata(said: Fields, author: Fields) -> Fields:
        metadata = dict(said.get("metadata") or {})
        for name in _KEPT:
            if said.get(name) not in (None, _DEFAULTS.get(name)):
                metadata.setdefault(name, said[name])
        if author.get("metadata"):
            metadata["author"] = author["metadata"]
        if metadata.get("is_visually_hidden_from_conversation") is True or said.get("weight") == 0:
            metadata[HIDDEN] = True
        return metadata

    def _content(self, name: str, said: Fields, author: Fields, content: Fields) -> list[Fields]:
        found = self._read(content)
        recipient = said.get("recipient")
        if author.get("role") == "tool":
            call = self._call_of(name, author.get("name"))
            return [blocks.tool_result(call, found)] if call else found
        if (
            author.get("role") == "assistant"
            and recipient not in (None, "all")
            and content.get("content_type")
            in (
                "code",
                "text",
            )
        ):
            words = "\n".join(block.get("text", "") for block in found)
            return [blocks.tool_use(name, str(recipient), words)]
        return found

    def _call_of(self, name: str, tool: Any) -> str:
        """Return the call that a tool answers: the nearest message before it that is addressed to a tool."""
        parent = self._parents.get(name)
        for _ in range(_CALL_REACH):
            said = self._nodes.get(parent or "", {}).get("message")
            if isinstance(said, dict):
                recipient = said.get("recipient")
                if recipient == tool or (recipient not in (None, "all") and tool is None):
                    return str(parent)
            parent = self._parents.get(parent or "")
        return ""

    def _read(self, content: Fields) -> list[Fields]:
        kind = content.get("content_type")
        special = _READERS.get(str(kind))
        if special is not None:
            return special(content)
        if isinstance(content.get("parts"), list):
            return [block for part in content["parts"] for block in self._part(part)]
        words = next(
            (content[key] for key in ("text", "result", "content") if isinstance(content.get(key), str)), None
        )
        rest = {key: item for key, item in content.items() if item is not None and item != words}
        if words is not None and rest.keys() <= {"content_type", "language", "response_format_name"}:
            return [blocks.text(words)] if words else []
        return (
            [{"type": str(kind), **rest} | ({"text": words} if words is not None else {})] if content else []
        )

    def _part(self, part: Any) -> Iterator[Fields]:
        if isinstance(part, str):
            if part:
                yield blocks.text(part)
            return
        if not isinstance(part, dict):
            yield blocks.text(str(part))
            return
        kind = str(part.get("content_type"))
        pointer = part.get("asset_pointer")
        if isinstance(pointer, str) and kind == "image_asset_pointer":
            embedded = self._embedded(pointer)
            if embedded is not None:
                yield blocks.image(embedded, asset_pointer=pointer)
                return
            self._source.notes["images were not beside the export, and are kept as references"] += 1
        words = part.get("text")
        if kind == "audio_transcription" and isinstance(words, str):
            yield blocks.text(words, transcription=True)
            return
        yield {
            "type": kind,
            **{key: item for key, item in part.items() if key != "content_type" and item is not None},
        }

    def _embedded(self, pointer: str) -> str | None:
        """Return an image that lies beside the export as a data URL; its bytes tell what it is."""
        stem = pointer
        for prefix in _POINTER_PREFIXES:
            stem = stem.removeprefix(prefix)
        data = self._source.assets.find(stem.partition("?")[0])
        media = (
            None if data is None else next((kind for magic, kind in _MAGIC if data.startswith(magic)), None)
        )
        if data is None or media is None:
            return None
        return f"data:{media};base64,{base64.b64encode(data).decode()}"


def _read_thoughts(content: Fields) -> list[Fields]:
    return [
        blocks.thinking(
            str(thought.get("content", "")), **{key: thought[key] for key in ("summary",) if key in thought}
        )
        for thought in objects_in(content.get("thoughts"))
    ]


def _read_recap(content: Fields) -> list[Fields]:
    return [{"type": "reasoning", "text": content.get("content", "")}]


def _read_instructions(content: Fields) -> list[Fields]:
    names = ("user_profile", "user_instructions", "model_set_context", "repository", "repo_summary")
    return [
        blocks.text(content[name]) for name in names if isinstance(content.get(name), str) and content[name]
    ]


_READERS: dict[str, Callable[[Fields], list[Fields]]] = {
    "thoughts": _read_thoughts,
    "reasoning_recap": _read_recap,
    "user_editable_context": _read_instructions,
    "model_editable_context": _read_instructions,
}

FORMAT = Format(
    "chatgpt", "ChatGPT's data export (conversations.json, its zip or folder)", read, has_keys("mapping")
)
