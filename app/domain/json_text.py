"""JSON text: the compact form in which JSON is stored and answered, and the one that equal values share."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import orjson

from .records import JsonText

_MAYBE_WHOLE: Final = re.compile(rb"\.0(?![0-9])|[0-9]e\+?[0-9]")
"""What a number without a fraction looks like when it is written as one that has one: 1.0, -0.0, 1e16."""

_INTEGERS: Final = range(-(2**63), 2**63)


def compact_json(value: object) -> JsonText:
    """Return a value as compact JSON text; the order of object keys is kept."""
    return JsonText(orjson.dumps(value).decode())


def canonical_json(value: object, default: Callable[[Any], object] | None = None) -> bytes:
    """Return the text that a value shares with every equal one.

    Keys are sorted, and numbers are equal when their values are: 1.0 is written as 1. Integers are exact,
    beyond 2^53 too. ``default`` turns what JSON does not have into what it has.
    """
    text = orjson.dumps(value, default, orjson.OPT_SORT_KEYS)
    if _MAYBE_WHOLE.search(text) is None:
        return text
    return orjson.dumps(with_integers(value), default, orjson.OPT_SORT_KEYS)


def is_same_json(left: JsonText, right: JsonText) -> bool:
    """Whether two texts stand for equal values."""
    return left == right or canonical_json(orjson.loads(left)) == canonical_json(orjson.loads(right))


def with_integers(value: object) -> object:
    """Return a value in which each number that has no fraction is an integer, where integers reach."""
    if isinstance(value, float) and value.is_integer() and int(value) in _INTEGERS:
        return int(value)
    if isinstance(value, dict):
        return {key: with_integers(item) for key, item in value.items()}
    if type(value) in (list, tuple):
        return [with_integers(item) for item in value]  # type: ignore[attr-defined]  # it is one of both
    return value
