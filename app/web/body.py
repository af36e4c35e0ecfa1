"""The first look at a body, ahead of Connexion: its size, its declared type, its JSON.

Connexion alone answers 500 to invalid UTF-8, deep nesting and huge integers, and accepts NaN,
lone surrogates, NUL and duplicate keys. Here each is a 4xx that says what was wrong.
"""

from __future__ import annotations

import json
import logging
import math
import re
from collections import Counter
from typing import Any, NoReturn

from flask import Request
from werkzeug.exceptions import RequestEntityTooLarge

from ..domain.errors import InvalidInput, InvalidJson, PayloadTooLarge, UnsupportedMediaType, quote
from ..waiting import blocking

log = logging.getLogger(__name__)

BODY_BYTES = 8 * 1024 * 1024
"""The largest request body, in bytes."""

NESTING = 64
"""How deep arrays and objects may nest."""

_CONTAINERS = (dict, list)
_INTEGERS = range(-(2**63), 2**63)
_INTEGER_DIGITS = 20
_SUSPECT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


def read_json(request: Request, *, required: bool) -> Any:
    """Return the parsed body; an empty one is ``{}`` where it may be. Raises a 413, 415 or 400 of ours."""
    with blocking():
        body = _read(request)
    _require_json_type(request)
    if body:
        return parse_json(body)
    if required:
        raise InvalidInput("The request needs a body: send JSON.")
    return {}


def _read(request: Request) -> bytes:
    declared = request.content_length
    if declared is not None and declared > BODY_BYTES:
        raise _too_large()
    try:
        body = request.get_data(cache=True)
        whole = declared is None or len(body) == declared
        # What a limited stream leaves unread is told from its end by one more byte.
        excess = len(body) >= BODY_BYTES and request.environ["wsgi.input"].read(1)
    except RequestEntityTooLarge:
        raise _too_large() from None
    except Exception as error:  # noqa: BLE001  # whatever the server raises for a broken transfer
        log.info("a body could not be read: %s", type(error).__name__)
        raise _broken() from None
    if excess:
        raise _too_large()
    if not whole:
        raise _broken()
    return body


def _broken() -> InvalidInput:
    return InvalidInput(
        "The body did not arrive whole: it broke off, came too slowly or is badly chunked.",
        headers={"Connection": "close"},
    )


def _too_large() -> PayloadTooLarge:
    return PayloadTooLarge("The request body is larger than 8 MiB.", headers={"Connection": "close"})


def _require_json_type(request: Request) -> None:
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedMediaType("Compressed bodies are not supported: send the JSON as it is.")
    mimetype = request.mimetype
    if mimetype in ("", "application/json", "text/plain") or mimetype.endswith("+json"):
        return
    raise UnsupportedMediaType(
        f"The body is declared as {quote(mimetype)}; send JSON with Content-Type: application/json."
    )


def parse_json(body: bytes) -> Any:
    """Return JSON as the API accepts it: UTF-8, finite numbers, 64-bit integers, unique keys."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidJson(f"The body is not UTF-8: byte {error.start} is wrong.") from None
    if text.startswith("\ufeff"):
        raise InvalidJson("The body starts with a byte order mark; send UTF-8 without one.")
    try:
        value = _DECODER.decode(text)
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
    result = dict(pairs)
    if len(result) < len(pairs):
        [(repeated, _)] = Counter(key for key, _ in pairs).most_common(1)
        raise InvalidJson(f"An object has the key {quote(repeated)} twice.")
    return result


def _integer(digits: str) -> int:
    if len(digits) > _INTEGER_DIGITS or (value := int(digits)) not in _INTEGERS:
        raise InvalidJson(f"The integer {quote(digits)} does not fit 64 bits; send it as a string.")
    return value


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise InvalidJson(f"The number {quote(digits)} is too large.")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidJson(f"{name} is not JSON.")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_int=_integer,
    parse_float=_finite,
    parse_constant=_refuse_constant,
)


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
    """Refuse NUL and lone surrogates in any string or key; only escapes can bring them here."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, str):
            _require_clean(item)


def _require_clean(text: str) -> None:
    if "\0" in text:
        raise InvalidJson("A string contains NUL (U+0000), which cannot be stored.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidJson("A string contains a lone surrogate, which is not Unicode text.") from None
