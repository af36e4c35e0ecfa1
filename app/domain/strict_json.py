"""JSON as the API accepts it, stricter than Python's own: each deviation is an error that says what it is.

Python's parser takes NaN, numbers beyond every limit, lone surrogates, NUL in keys and repeated keys, and
gives up on deep nesting with an error of its own. NUL in values is taken here too; ``openapi.yaml`` says
which fields do without it.

Python's parser in C keeps the interpreter from other threads until it is done, which takes half a second for
hundreds of thousands of values. So a larger text goes through the one in Python, which hands it over between
values and takes twice as long; strings are read in C there, too. Between some hundreds of values it calls
``pause``, so that who parses much can rest while others ask.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import cycle
from json import decoder, scanner
from typing import Any, Final, NoReturn, TypeAlias

from .errors import InvalidJson, PayloadTooLarge, quote

NESTING = 64
"""How deep arrays and objects may nest."""

MOST_VALUES: Final = 1_000_000
"""How many members of objects and items of arrays a text may have; an empty one counts as one more."""

_LARGE_BYTES: Final = 128 * 1024
"""From this size on a text is parsed without keeping the interpreter from others."""

_STEP: Final = 10_000
"""How many pairs become part of a dictionary in one go."""

_VALUES_BETWEEN_PAUSES: Final = 500
"""These take about a millisecond of processor time."""

_CONTAINERS = (dict, list)
_INTEGERS = range(-(2**63), 2**63)
_INTEGER_DIGITS = 20
_SUSPECT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
"""The escapes that may stand for what no string may have."""
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
"""A string, or all from the quote of one that never ends: what was matched is never tried otherwise."""
_SEPARATORS = (b",", b"[", b"{")


def parse_json(body: bytes, pause: Callable[[], None] | None = None) -> Any:
    """Return the value of a text in JSON; a large one is parsed in steps, with a ``pause`` between them.

    Raises InvalidJson unless it is UTF-8 with finite numbers, integers of 64 bits, unique keys, at most
    64 levels and no NUL in keys, and PayloadTooLarge when it has more than MOST_VALUES.
    """
    parser = _decoder(len(body), pause)
    _require_few_values(body)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidJson(f"The body is not UTF-8: byte {error.start} is wrong.") from None
    if text.startswith("\ufeff"):
        raise InvalidJson("The body starts with a byte order mark; send UTF-8 without one.")
    try:
        value = parser.decode(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InvalidJson(f"The body is not valid JSON: {error.msg} at {where}.") from None
    except RecursionError:
        raise _too_deep() from None
    if isinstance(value, _CONTAINERS) and text.count("[") + text.count("{") > NESTING:
        _require_shallow(value)
    if _SUSPECT.search(text):
        _require_clean_strings(value)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for start in range(0, len(pairs), _STEP):
        result.update(pairs[start : start + _STEP])
    if len(result) < len(pairs):
        [(repeated, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise InvalidJson(f"An object has the key {quote(repeated)} twice.")
    return result


def _integer(digits: str) -> int:
    _require_ascii(digits)
    if len(digits) > _INTEGER_DIGITS or (value := int(digits)) not in _INTEGERS:
        raise InvalidJson(f"The integer {quote(digits)} does not fit 64 bits; send it as a string.")
    return value


def _finite(digits: str) -> float:
    _require_ascii(digits)
    value = float(digits)
    if math.isinf(value):
        raise InvalidJson(f"The number {quote(digits)} is too large.")
    return value


def _require_ascii(digits: str) -> None:
    """Refuse the digits of other scripts, which the parser in Python takes for digits."""
    if not digits.isascii():
        raise InvalidJson(f"The number {quote(digits)} has digits other than 0 to 9.")


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidJson(f"{name} is not JSON.")


_HOOKS: Final[dict[str, Any]] = {
    "object_pairs_hook": _unique,
    "parse_int": _integer,
    "parse_float": _finite,
    "parse_constant": _refuse_constant,
}
_DECODER = json.JSONDecoder(**_HOOKS)


_Parser: TypeAlias = Callable[..., Any]
_OBJECT: Final[_Parser] = decoder.JSONObject  # type: ignore[attr-defined]  # missing in typeshed
_ARRAY: Final[_Parser] = decoder.JSONArray  # type: ignore[attr-defined]  # missing in typeshed


class _InterruptibleDecoder(json.JSONDecoder):
    """The standard decoder as it is where Python comes without its parser in C."""

    def __init__(self, parse_object: _Parser = _OBJECT, parse_array: _Parser = _ARRAY) -> None:
        super().__init__(**_HOOKS)
        self.parse_object = parse_object
        self.parse_array = parse_array
        self.scan_once = scanner.py_make_scanner(self)  # type: ignore[attr-defined]  # missing in typeshed


_INTERRUPTIBLE_DECODER = _InterruptibleDecoder()


def _decoder(size: int, pause: Callable[[], None] | None) -> json.JSONDecoder:
    if size < _LARGE_BYTES:
        return _DECODER
    return _INTERRUPTIBLE_DECODER if pause is None else _pausing_decoder(pause)


def _pausing_decoder(pause: Callable[[], None]) -> json.JSONDecoder:
    """Return a decoder that calls ``pause`` before one in _VALUES_BETWEEN_PAUSES members and items."""
    numbers = cycle(range(_VALUES_BETWEEN_PAUSES))

    def pausing(scan: _Parser) -> _Parser:
        def scan_or_pause(text: str, start: int) -> Any:
            if not next(numbers):
                pause()
            return scan(text, start)

        return scan_or_pause

    return _InterruptibleDecoder(
        lambda text, strict, scan, *hooks: _OBJECT(text, strict, pausing(scan), *hooks),
        lambda text, scan: _ARRAY(text, pausing(scan)),
    )


def _require_few_values(body: bytes) -> None:
    """Refuse what would take a hundred times its size in memory, before it does.

    Commas and brackets in strings do not count; most texts have too few of them all the same.
    """
    if sum(map(body.count, _SEPARATORS)) <= MOST_VALUES:
        return
    values = end = 0
    for string in _STRING.finditer(body):
        values += _separators(body, end, string.start())
        if values > MOST_VALUES:
            break
        end = string.end()
    else:
        values += _separators(body, end, len(body))
    if values > MOST_VALUES:
        raise PayloadTooLarge(
            f"The body has more than {MOST_VALUES:,} values; send so much data as text, in a string."
        )


def _separators(body: bytes, start: int, end: int) -> int:
    return sum(body.count(one, start, end) for one in _SEPARATORS)


def _too_deep() -> InvalidJson:
    return InvalidJson(f"Arrays and objects nest deeper than {NESTING} levels.")


def _require_shallow(value: Any) -> None:
    level = [value]
    for _ in range(NESTING):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, _CONTAINERS)
        ]
        if not level:
            return
    raise _too_deep()


def _require_clean_strings(value: Any) -> None:
    """Refuse lone surrogates in any string, and NUL in keys; only escapes can bring them here."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            _require_no_nul(item)
            waiting.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, str):
            _require_clean(item)


def _require_no_nul(keys: Iterable[str]) -> None:
    if any("\0" in key for key in keys):
        raise InvalidJson("A key contains NUL (U+0000), which cannot be stored.")


def _require_clean(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidJson("A string contains a lone surrogate, which is not Unicode text.") from None
