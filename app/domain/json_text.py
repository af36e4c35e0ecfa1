"""Compact JSON text, the form in which JSON is stored and answered."""

from __future__ import annotations

import orjson

from .records import JsonText


def compact_json(value: object) -> JsonText:
    """Return a value as compact JSON text; the order of object keys is kept."""
    return JsonText(orjson.dumps(value).decode())
