"""Preference lines (DPO): what was said, the answer that was preferred, and the other as a branch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..conversation import Fields, Node, Tree
from .fields import object_of, objects, opening_id
from .format import Format, Found, Source
from .named import number
from .openai import read_head, read_message
from .sharegpt import LISTS, read_turns

_NAMES = (("chosen", "rejected"), ("preferred_output", "non_preferred_output"))
_ASKED = ("prompt", "input", "question", *LISTS)


def read(value: Any, _: Source) -> Iterator[Found]:
    """Read one line."""
    names = next(names for names in _NAMES if names[0] in value)
    request = object_of(value.get("input")) or value
    asked: list[Fields] = []
    for name in ("system", *_ASKED, "messages"):
        if request.get(name):
            asked += _said(request[name], "system" if name == "system" else "user", name)
    chosen, rejected = (_answers(value[name], asked, name) for name in names)
    known = {*names, *_ASKED, "system", "messages", "id", "tags", "state"}
    body = read_head({**request, **value}, known, "preference")
    body["id"] = body["id"] or opening_id([*asked, *chosen])
    spoken = number(body["id"], [*asked, *chosen, *rejected])
    nodes: dict[str, Node] = {}
    for place, said in enumerate(spoken):
        parent = place - 1 if place != len(asked) + len(chosen) else len(asked) - 1
        nodes[f"{place}"] = Node(None if parent < 0 else f"{parent}", [said])
    yield Tree(body, nodes, f"{len(asked) + len(chosen) - 1}")


def _said(value: Any, role: str, name: str) -> list[Fields]:
    if isinstance(value, str):
        return [{"role": role, "content": value}]
    items = objects(value if isinstance(value, list) else [value], name)
    if items and "role" not in items[0]:
        return read_turns(items, name)
    return [read_message(item, f"{name}[{place}]") for place, item in enumerate(items)]


def _answers(value: Any, asked: list[Fields], name: str) -> list[Fields]:
    """Return an answer without what was said before, which some lines repeat in it."""
    said = _said(value, "assistant", name)
    start = [(one["role"], one["content"]) for one in said[: len(asked)]]
    return said[len(asked) :] if asked and start == [(one["role"], one["content"]) for one in asked] else said


def _recognises(value: Any) -> bool:
    return isinstance(value, dict) and any(all(name in value for name in names) for names in _NAMES)


FORMAT = Format("preference", "Preference lines (DPO): chosen and rejected answers", read, _recognises)
