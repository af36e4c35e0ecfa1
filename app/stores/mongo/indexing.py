"""What searches match and filter by, stored beside the fields that it is derived from.

``terms`` are the words that a search scores an item by, ``tokens`` what it is found by, ``number`` its
place in their order.
"""

from __future__ import annotations

import threading
import time

from ...domain.records import Scope
from ...search.tokens import index_tokens, mark_tokens
from .database import Document


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


def searched(scope: Scope, terms: str, identity: str, tokens: str | None = None) -> Document:
    """Return the fields that a search finds and scores an item by; its tokens, in one text, may be known."""
    made = index_tokens(terms, identity) if tokens is None else tokens.split()
    return {"terms": terms, "tokens": mark_tokens(made, scope)}


def numbered(document: Document) -> Document:
    """Return a new item's document with its place in the order of the search index."""
    return {**document, "number": _numbers.take()}


def written_terms(document: Document) -> str:
    """Return the words of an item; what is still to be indexed again has a list of stems."""
    terms = document.get("terms") or ""
    return terms if isinstance(terms, str) else " ".join(terms)
