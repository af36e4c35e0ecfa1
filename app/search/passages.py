"""What of an item its vectors are made from: the text that a reader would take its meaning from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import orjson

from ..domain.records import JsonText
from .content import content_texts, value_texts

LONGEST_PASSAGE: Final = 200_000
"""How many characters of an item are given to an embedder, which reads less of it."""


def message_passage(body: JsonText) -> str:
    """Return the text of a stored message; nothing for damaged JSON or content without text."""
    try:
        content = orjson.loads(body).get("content")
    except (orjson.JSONDecodeError, AttributeError):
        return ""
    return _join(content_texts(content))


def memory_passage(label: str | None, description: str | None, tags: Sequence[str], value: JsonText) -> str:
    """Return the text of a memory: label, description and tags, then keys and texts of its value."""
    return _join((label or "", description or "", *tags, *value_texts(orjson.loads(value), keys=True)))


def dialogue_passage(label: str | None, tags: Sequence[str], summary: JsonText | None) -> str:
    """Return the text of a dialogue: label and tags, then what its newest summary that is not stale says."""
    said = "" if summary is None else orjson.loads(summary).get("content")
    return _join((label or "", *tags, said or ""))


def _join(texts: Iterable[str]) -> str:
    return "\n".join(text for text in texts if text)[:LONGEST_PASSAGE]
