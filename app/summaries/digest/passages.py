"""Cutting content into passages: the units that a digest quotes or leaves out.

A passage is a sentence, a line of a list, a code block, or a row of a tool's answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ..content import wrap

FENCE = re.compile(r"(^```[^\n]*\n.*?(?:^```[ \t]*$|\Z))", re.MULTILINE | re.DOTALL)
SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]?\s+(?=[\"'(\[A-Z0-9])")
PASSAGE_CHARACTERS = 400
"""A longer sentence is cut at a space."""

CODE_LINES = 12
"""Of a longer code block the first lines are shown, and how many more there are."""

ROW_CHARACTERS = 100
ROW_LEAVES = 8
ROWS = 400
"""Of one tool answer at most so many rows are looked at."""

SAID_LENGTH = 4
DEPTH = 12
"""What is nested deeper in a tool's answer is shown as JSON, cut."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A unit of quoting: ``code`` keeps its line breaks, ``table`` heads the row of a tool's answer."""

    text: str
    code: bool = False
    table: str = ""


def split_text(text: str) -> Iterator[Passage]:
    """Cut prose into sentences and lines, code blocks kept whole."""
    for index, piece in enumerate(FENCE.split(text)):
        if index % 2:
            yield Passage(_shorten_code(piece.strip()), code=True)
        else:
            yield from _split_prose(piece)


def _shorten_code(block: str) -> str:
    lines = block.split("\n")
    if len(lines) <= CODE_LINES + 2:
        return block[: PASSAGE_CHARACTERS * 3]
    kept = "\n".join(lines[: CODE_LINES + 1])[: PASSAGE_CHARACTERS * 3]
    return f"{kept}\n[{len(lines) - CODE_LINES - 2} more lines]\n```"


def _split_prose(text: str) -> Iterator[Passage]:
    for line in text.split("\n"):
        if not line.strip():
            continue
        for sentence in SENTENCE_END.split(line):
            yield from map(Passage, _cut(_even(sentence)))


def _even(text: str) -> str:
    """Return a text with single spaces between its words."""
    return " ".join(text.split())


def _cut(sentence: str) -> Iterable[str]:
    return [sentence] if 0 < len(sentence) <= PASSAGE_CHARACTERS else wrap(sentence, PASSAGE_CHARACTERS)


def split_result(text: str) -> Iterator[Passage]:
    """Cut a tool's answer: JSON into rows without its punctuation, other text as prose."""
    value = _parse(text)
    if not isinstance(value, dict | list):
        yield from split_text(text)
        return
    for table, row in islice(_rows("", value, 0), ROWS):
        for piece in _cut(row):
            yield Passage(piece, table=table)


def show_arguments(arguments: str) -> str:
    """Return the arguments of a tool call in one line, without JSON's punctuation."""
    value = _parse(arguments)
    return _inline(value, 0) if isinstance(value, dict | list) else _even(arguments)


def _parse(text: str) -> Any:
    if text.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _rows(key: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    """Yield (table, row): an object in a list is a row of values under the list's name and keys."""
    if depth > DEPTH or not isinstance(value, dict | list):
        yield from (("", pair) for pair in [_pair(key, value, depth)] if pair)
    elif isinstance(value, dict):
        yield from _object_rows(key, value, depth)
    elif value and all(isinstance(item, dict) and _leaves(item) <= ROW_LEAVES for item in value):
        for item in value:
            yield _table_of(key, item), " ".join(filter(None, map(_cell, item.values())))
    elif _leaves(value) <= ROW_LEAVES:
        yield from (("", pair) for pair in [_pair(key, value, depth)] if pair)
    else:
        for item in value:
            yield from _rows(key, item, depth + 1)


def _object_rows(key: str, value: dict[str, Any], depth: int) -> Iterator[tuple[str, str]]:
    small = {name: item for name, item in value.items() if _is_small(item)}
    if len(small) == len(value) and _leaves(value) <= ROW_LEAVES:
        yield from (("", pair) for pair in [_pair(key, value, depth)] if pair)
        return
    plain = (_pair(name, item, depth) for name, item in value.items() if not isinstance(item, dict | list))
    yield from (("", line) for line in _pack(key, filter(None, plain)))
    for name, item in value.items():
        if isinstance(item, dict | list):
            yield from _rows(name, item, depth + 1)


def _is_small(value: Any) -> bool:
    return not isinstance(value, list) or not any(isinstance(item, dict) for item in value)


def _table_of(key: str, row: dict[str, Any]) -> str:
    return f"{key} ({', '.join(name for name, item in row.items() if _cell(item))})".strip()


def _cell(value: Any) -> str:
    return _inline(value, 0)


def _pack(key: str, pairs: Iterator[str]) -> Iterator[str]:
    line = ""
    for pair in pairs:
        if line and len(line) + len(pair) > ROW_CHARACTERS:
            yield line
            line = ""
        line = f"{line}, {pair}" if line else f"{key} {pair}".strip()
    if line:
        yield line


def _leaves(value: Any, limit: int = ROW_LEAVES + 1) -> int:
    if not isinstance(value, dict | list):
        return 1
    count = 0
    for item in value.values() if isinstance(value, dict) else value:
        count += _leaves(item, limit - count)
        if count >= limit:
            break
    return count


def _pair(key: str, value: Any, depth: int) -> str:
    shown = _inline(value, depth)
    if not shown or not key or _explains_itself(key, shown):
        return shown
    return f"{key} {shown}"


def _explains_itself(key: str, shown: str) -> bool:
    lowered = key.lower()
    if lowered in {"id", "date", "name", "email"} or lowered.removesuffix("_id") in shown.lower():
        return True
    return lowered.endswith(("_number", "_name")) and not shown.isdigit()


def _inline(value: Any, depth: int) -> str:
    if value is None or value in ("", [], {}):
        return ""
    if isinstance(value, str):
        return _even(value)
    if not isinstance(value, dict | list) or depth > DEPTH:
        return json.dumps(value, ensure_ascii=False)[:PASSAGE_CHARACTERS]
    if isinstance(value, list):
        shown = [_inline(item, depth + 1) for item in value]
        return ("; " if isinstance(value[0], dict) else ", ").join(filter(None, shown))
    pairs = [_pair(str(name), item, depth + 1) for name, item in value.items()]
    return ", ".join(pair for pair in pairs if pair and not _is_said_elsewhere(pair, pairs))


def _is_said_elsewhere(pair: str, pairs: list[str]) -> bool:
    """Whether another pair holds the value of this one: ``source gift_card`` beside ``gift_card_12``."""
    value = pair.rsplit(" ", 1)[-1]
    return len(value) >= SAID_LENGTH and any(value in other for other in pairs if other != pair)
