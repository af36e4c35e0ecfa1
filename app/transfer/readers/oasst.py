"""OpenAssistant: trees of prompts and replies, nested or one message a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..conversation import BadLine, Fields, Node, Tree
from . import blocks
from .fields import head, objects, own_id, read_role, rest_of
from .format import Format, Found, Source

_MESSAGE = ("message_id", "parent_id", "text", "role", "replies", "created_date", "message_tree_id")


def read(value: Any, _: Source) -> Iterator[Found]:
    """Read one tree, or the messages of any number of trees."""
    if isinstance(value, list):
        yield from _read_flat(objects(value, "messages"))
        return
    items: dict[str, tuple[Fields, str | None]] = {}
    waiting: list[tuple[Any, str | None]] = [(value["prompt"], None)]
    while waiting:
        item, parent = waiting.pop()
        if not isinstance(item, dict):
            raise BadLine("A reply is not an object.")
        items[_name(item)] = (item, parent)
        waiting += [(reply, _name(item)) for reply in reversed(item.get("replies") or [])]
    yield _tree(value, items)


def _read_flat(messages: Sequence[Fields]) -> Iterator[Found]:
    together: dict[str, dict[str, tuple[Fields, str | None]]] = {}
    for item in messages:
        tree = together.setdefault(own_id(item, ("message_tree_id",)) or "", {})
        tree[_name(item)] = (item, item.get("parent_id"))
    for name, items in together.items():
        yield _tree({"message_tree_id": name}, items)


def _name(item: Fields) -> str:
    name = own_id(item, ("message_id",))
    if name is None:
        raise BadLine("A message has no message_id.")
    return name


def _tree(fields: Fields, items: dict[str, tuple[Fields, Any]]) -> Tree:
    """Return a tree; what is shown first is the path of first replies, which are the best ranked."""
    dialogue = head(
        own_id(fields, ("message_tree_id",)) or next(iter(items)),
        fields,
        ("message_tree_id", "prompt"),
        source="oasst",
    )
    nodes = {
        name: Node(
            parent,
            blocks.speak(
                name,
                read_role(item.get("role"), f"message {name}"),
                [blocks.text(str(item.get("text") or ""))],
                created=item.get("created_date"),
                metadata=rest_of(item, _MESSAGE),
            ),
        )
        for name, (item, parent) in items.items()
    }
    ranks = {name: item.get("rank") for name, (item, _) in items.items()}
    return Tree(dialogue, nodes, _best_leaf(nodes, ranks))


def _best_leaf(nodes: dict[str, Node], ranks: dict[str, Any]) -> str | None:
    children: dict[str | None, list[str]] = {}
    for name, node in nodes.items():
        children.setdefault(node.parent if node.parent in nodes else None, []).append(name)
    leaf: str | None = None
    seen: set[str] = set()
    while following := [one for one in children.get(leaf, ()) if one not in seen]:
        leaf = min(following, key=lambda one: ranks[one] if isinstance(ranks[one], int | float) else 0)
        seen.add(leaf)
    return leaf


def _recognises(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("prompt"), dict) and "replies" in value["prompt"]


def _is_record(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and {"message_id", "parent_id", "text", "role", "message_tree_id"} <= value.keys()
    )


FORMAT = Format(
    "oasst",
    "OpenAssistant trees, nested or one message a line",
    read,
    _recognises,
    _is_record,
    key=lambda record: str(record.get("message_tree_id")) if isinstance(record, dict) else "",
)
