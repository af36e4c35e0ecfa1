"""The filter by metadata that the list of dialogues has: ``metadata.KEY=VALUE``."""

from __future__ import annotations

import orjson

from ..domain.list_queries import MetadataFilter
from ..domain.records import Scalar

INTEGERS = range(-(2**63), 2**63)


def metadata_filters(given: dict[str, str]) -> tuple[MetadataFilter, ...]:
    """Return what metadata has to have, in the order of the keys."""
    return tuple(MetadataFilter(key, _values(text)) for key, text in sorted(given.items()))


def _values(text: str) -> tuple[Scalar, ...]:
    """Return what a text stands for: itself, and the number, true, false or null that JSON writes so."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return (text,)
    if isinstance(value, str | list | dict) or text != text.strip():
        return (text,)
    if isinstance(value, int) and value not in INTEGERS:
        return (text,)
    return (text, value)
