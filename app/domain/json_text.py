"""JSON text: the compact form in which JSON is stored and answered, and the one that equal values share.

A call into C keeps the interpreter from other threads until it returns. Writing 8 MiB takes about 20 ms, but
sorting hundreds of thousands of keys takes half a second: large values are sorted in steps.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from heapq import merge
from itertools import islice, repeat
from typing import Any, Final

import orjson

from .records import JsonText

_MAYBE_WHOLE: Final = re.compile(rb"\.0(?![0-9])|[0-9]e\+?[0-9]")
"""What a number without a fraction looks like when it is written as one that has one: 1.0, -0.0, 1e16."""

_LONGEST_MAYBE: Final = len(b"0e+00")
"""How many bytes decide about one such number, at most."""

_INTEGERS: Final = range(-(2**63), 2**63)

_LARGE_BYTES: Final = 256 * 1024
"""A text from this size on is searched piece by piece, and written step by step when keys are sorted."""

_STEP: Final = 5_000
"""How many items are written, and keys sorted, in one go."""

_FEW: Final = 10
"""An item with so many scalars at most is written like a scalar."""

_BRACKETS: Final[dict[type, tuple[bytes, bytes]]] = {
    dict: (b"{", b"}"),
    list: (b"[", b"]"),
    tuple: (b"[", b"]"),
}

Default = Callable[[Any], object] | None


def compact_json(value: object) -> JsonText:
    """Return a value as compact JSON text; the order of object keys is kept."""
    return JsonText(orjson.dumps(value).decode())


def canonical_json(value: object, default: Default = None) -> bytes:
    """Return the text that a value shares with every equal one.

    Keys are sorted, and numbers are equal when their values are: 1.0 is written as 1. Integers are exact,
    beyond 2^53 too. ``default`` turns what JSON does not have into what it has.
    """
    return canonical_of(sorted_json(value, default), value, default)


def canonical_of(text: bytes, value: object, default: Default = None) -> bytes:
    """Return the same as ``canonical_json`` where the value's sorted text is known."""
    return sorted_json(with_integers(value), default) if _may_have_whole_floats(text) else text


def _may_have_whole_floats(text: bytes) -> bool:
    if len(text) < _LARGE_BYTES:
        return _MAYBE_WHOLE.search(text) is not None
    pieces = (text[at : at + _LARGE_BYTES + _LONGEST_MAYBE] for at in range(0, len(text), _LARGE_BYTES))
    return any(_MAYBE_WHOLE.search(piece) for piece in pieces)


def sorted_json(value: object, default: Default = None) -> bytes:
    """Return a value as compact JSON text with the keys of objects sorted."""
    if len(orjson.dumps(value, default)) < _LARGE_BYTES:
        return orjson.dumps(value, default, orjson.OPT_SORT_KEYS)
    pieces: list[bytes] = []
    _write_sorted(value, default, pieces.append)
    return b"".join(pieces)


def _write_sorted(value: Any, default: Default, write: Callable[[bytes], object]) -> None:
    if type(value) not in _BRACKETS or not value:
        write(orjson.dumps(value, default))
        return
    before, after = _BRACKETS[type(value)]
    for run in _runs(value):
        write(before)
        _write_run(run, default, write)
        before = b","
    write(after)


def _runs(value: Any) -> Iterator[Any]:
    """Yield the items of an array, or the members of an object by their keys, some at a time."""
    if type(value) is dict:
        names = _sorted(value)
        while run := {name: value[name] for name in islice(names, _STEP)}:
            yield run
    else:
        for start in range(0, len(value), _STEP):
            yield value[start : start + _STEP]


def _write_run(run: Any, default: Default, write: Callable[[bytes], object]) -> None:
    """Write items without brackets around them, in one go unless one of them may be large itself."""
    is_object = type(run) is dict
    items = run.values() if is_object else run
    if all(map(_is_light, items)):
        write(orjson.dumps(run, default, orjson.OPT_SORT_KEYS)[1:-1])
        return
    names = (orjson.dumps(name) + b":" for name in run) if is_object else repeat(b"")
    before = b""
    for name, item in zip(names, items, strict=False):
        write(before + name)
        _write_sorted(item, default, write)
        before = b","


def _is_light(item: Any) -> bool:
    if type(item) not in _BRACKETS:
        return True
    inner = item.values() if type(item) is dict else item
    return len(inner) <= _FEW and not any(type(one) in _BRACKETS for one in inner)


def _sorted(keys: dict[str, object]) -> Iterator[str]:
    """Return keys in the order of their code points, as orjson sorts them."""
    each = list(keys)
    return merge(*(sorted(each[start : start + _STEP]) for start in range(0, len(each), _STEP)))


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
