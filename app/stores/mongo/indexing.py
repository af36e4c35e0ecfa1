"""What searches match and filter by, stored beside the fields that it is derived from.

``terms`` are the stems that a search matches and ranks by. ``facets`` are one ``{k, t, v}`` for each
thing in metadata that a search can filter by: its key, its type and its value.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from ...domain.records import JsonText
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


def stems(text: str) -> Document:
    """Return space-separated stems as the fields that a search matches and ranks by."""
    terms = list(dict.fromkeys(text.split()))
    return {"terms": terms, "size": len(terms)}
