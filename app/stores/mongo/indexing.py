"""What searches match and filter by, stored beside the fields that it is derived from.

``terms`` are the words that a search scores an item by, ``tokens`` what it is found by, ``number`` its
place in their order. ``facets`` are one ``{k, t, v}`` for each
thing in metadata that a search can filter by: its key, its type and its value.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import orjson

from ...domain.records import JsonText, Scope
from ...search.tokens import index_tokens, mark_tokens
from .database import Document


def type_of(value: object) -> str:
    """Return the kind of a scalar of metadata; values are compared within a kind only."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return "text" if isinstance(value, str) else "number"


def facets(metadata: JsonText) -> list[Document]:
    """Return the top-level scalars and arrays of texts of metadata as filterable values."""
    return list(_facets(orjson.loads(metadata)))


def _facets(metadata: dict[str, Any]) -> Iterator[Document]:
    for key, value in metadata.items():
        if not isinstance(value, dict | list):
            yield {"k": key, "t": type_of(value), "v": value}
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            for item in dict.fromkeys(value):
                yield {"k": key, "t": "element", "v": item}


class _Numbers:
    """Numbers for new items: each is larger than those before, in this process and, nearly, in all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def take(self) -> int:
        """Return the next number: nanoseconds since 1970."""
        with self._lock:
            self._last = max(self._last + 1, time.time_ns())
            return self._last


_numbers = _Numbers()


def searched(scope: Scope, terms: str, identity: str) -> Document:
    """Return the fields that a search finds and scores an item by."""
    return {"terms": terms, "tokens": mark_tokens(index_tokens(terms, identity), scope)}


def numbered(document: Document) -> Document:
    """Return a new item's document with its place in the order of the search index."""
    return {**document, "number": _numbers.take()}


def written_terms(document: Document) -> str:
    """Return the words of an item; what is still to be indexed again has a list of stems."""
    terms = document.get("terms") or ""
    return terms if isinstance(terms, str) else " ".join(terms)
