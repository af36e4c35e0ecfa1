"""What metadata is filtered by: ``facets``, one ``{k, t, v}`` for each key with a value that can be compared.

They have the key, the type and the value, and stand in the document beside the metadata's text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from ...domain.json_text import with_integers
from ...domain.list_queries import MetadataFilter
from ...domain.records import JsonText
from .database import Document


def type_of(value: object) -> str:
    """Return the kind of a scalar of metadata; values are compared within a kind only."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return "text" if isinstance(value, str) else "number"


def scalar_facets(wanted: MetadataFilter) -> list[Document]:
    """Return the facets of which a dialogue has to have one; the order of their fields matters."""
    return [{"k": wanted.key, "t": type_of(value), "v": with_integers(value)} for value in wanted.values]


def facets(metadata: JsonText) -> list[Document]:
    """Return the top-level scalars and arrays of texts of metadata as filterable values."""
    return list(_facets(orjson.loads(metadata)))


def _facets(metadata: dict[str, Any]) -> Iterator[Document]:
    for key, value in metadata.items():
        if not isinstance(value, dict | list):
            # Inside a facet not every server takes 1.0 and 1 for equal.
            yield {"k": key, "t": type_of(value), "v": with_integers(value)}
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            for item in dict.fromkeys(value):
                yield {"k": key, "t": "element", "v": item}
