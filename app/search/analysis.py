"""The analyser: from what an item says to the words that are stored beside it and that make its tokens.

The same text gives the same words in every store, because the stores neither fold nor stem by
themselves; see ``words`` for how they are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson

from ..domain.records import JsonText
from .content import content_texts, value_texts
from .tokens import HEADING_END
from .words import write_words


def dialogue_terms(label: str | None, tags: Sequence[str], metadata: JsonText) -> str:
    """Return the words of a dialogue: label and tags, then metadata values."""
    return _write((label or "", *tags), value_texts(orjson.loads(metadata)))


def message_terms(content: object) -> str:
    """Return the words of a message's content; see ``content_texts``."""
    return _write((), (content,) if isinstance(content, str) else content_texts(content))


def body_terms(body: JsonText) -> str | None:
    """Return the words of a stored message; None when its JSON is damaged or has no content."""
    try:
        content = orjson.loads(body).get("content")
    except (orjson.JSONDecodeError, AttributeError):
        return None
    return message_terms(content) if content else None


def memory_terms(label: str | None, description: str | None, tags: Sequence[str], value: object) -> str:
    """Return the words of a memory: label, description and tags, then keys and texts of its value."""
    return _write((label or "", description or "", *tags), value_texts(value, keys=True))


def _write(heading: Sequence[str], texts: Iterable[str]) -> str:
    said = write_words(" \n ".join(texts))
    above = write_words(" \n ".join(heading)) if heading else ""
    return f"{above} {HEADING_END} {said}".rstrip() if above else said
