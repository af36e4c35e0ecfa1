"""One JSON text to one value, forgiving what programs really write.

A half of a surrogate pair, a NUL in a key, a byte that is no UTF-8: each becomes U+FFFD and is counted, since
one bad character must not cost a conversation. An integer beyond 64 bits and a NaN become text.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from ...domain.errors import quote
from ..conversation import BadLine

REPLACED = "characters that no text may hold were replaced by U+FFFD"
NUMBERS = "numbers that no store can hold were kept as text"

_INTEGERS = range(-(2**63), 2**63)
_SUSPECT = re.compile(r"\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[dD][89a-fA-F][0-9a-fA-F]{2}|.)",
    re.DOTALL,
)
_PAIR_LENGTH = 12
_HALF_LENGTH = 6

Notes = Counter[str]
"""What was changed to make things fit, by kind."""


def decode(data: bytes, notes: Notes) -> Any:
    """Return the value of a JSON text; raises BadLine."""
    text = _text(data, notes)
    if _SUSPECT.search(text):
        text = _ESCAPE.sub(lambda found: _sound(found.group(), notes), text)
    try:
        return json.JSONDecoder(
            object_pairs_hook=lambda pairs: _unique(pairs, notes),
            parse_int=lambda digits: _integer(digits, notes),
            parse_float=lambda digits: _finite(digits, notes),
            parse_constant=lambda name: _constant(name, notes),
            strict=False,
        ).decode(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}" if "\n" in text else f"column {error.colno}"
        raise BadLine(f"This is not valid JSON: {error.msg} at {where}.") from None
    except RecursionError:
        raise BadLine("Arrays and objects nest too deep.") from None


def _text(data: bytes, notes: Notes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        text = data.decode(errors="replace")
        notes[REPLACED] += text.count("\ufffd")
        return text


def _sound(escape: str, notes: Notes) -> str:
    if len(escape) != _HALF_LENGTH:
        return escape
    notes[REPLACED] += 1
    return "\\ufffd"


def without_nul(text: str, notes: Notes) -> str:
    """Return a text that may stand where the API takes no NUL."""
    if "\0" in text:
        notes[REPLACED] += text.count("\0")
        return text.replace("\0", "\ufffd")
    return text


def _unique(pairs: list[tuple[str, Any]], notes: Notes) -> dict[str, Any]:
    result = dict(pairs)
    if "\0" in "".join(result):
        result = {without_nul(key, notes): value for key, value in pairs}
    if len(result) < len(pairs):
        [(repeated, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise BadLine(f"An object has the key {quote(repeated)} twice.")
    return result


def _integer(digits: str, notes: Notes) -> int | str:
    if len(digits) < len(str(2**62)) or (len(digits) <= len(str(-(2**63))) and int(digits) in _INTEGERS):
        return int(digits)
    notes[NUMBERS] += 1
    return digits


def _finite(digits: str, notes: Notes) -> float | str:
    number = float(digits)
    if number - number == 0:
        return number
    notes[NUMBERS] += 1
    return digits


def _constant(name: str, notes: Notes) -> str:
    notes[NUMBERS] += 1
    return name
