"""State: a JSON object of up to 1 MiB, merged in code so that no key is ever a database path."""

from __future__ import annotations

from typing import Any

import orjson

from ..domain.errors import PayloadTooLarge
from ..domain.json_text import compact_json
from ..domain.records import JsonText

STATE_BYTES = 1024 * 1024
"""The most that a state may take, in bytes of compact JSON, after the merge."""


def parse(text: JsonText) -> dict[str, Any]:
    """Return stored JSON as an object."""
    loaded: dict[str, Any] = orjson.loads(text)
    return loaded


def render(state: dict[str, Any]) -> JsonText:
    """Return a state as JSON text, or refuse it for its size."""
    text = compact_json(state)
    if len(text.encode()) > STATE_BYTES:
        raise PayloadTooLarge("The state would exceed 1 MiB of JSON. Nothing was stored.")
    return text


def merge(current: JsonText, changes: dict[str, Any]) -> JsonText:
    """Return the state with the given keys replaced; the text is unchanged if nothing differs."""
    return render(parse(current) | changes)


def patch(current: JsonText, changes: dict[str, Any]) -> JsonText:
    """Return the state after a JSON merge patch (RFC 7396): null removes a key, objects nest."""
    return render(_patched(parse(current), changes))


def _patched(target: object, changes: dict[str, Any]) -> dict[str, Any]:
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = _patched(result.get(key), value)
        else:
            result[key] = value
    return result
