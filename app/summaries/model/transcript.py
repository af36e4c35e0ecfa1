"""A dialogue as the plain text that a model reads, in pieces that fit its window."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from .. import Turn
from ..content import Image, Part, Text, ToolCall, ToolResult, read_parts, wrap

RESULT_CHARACTERS = 4_000
"""Of a longer tool answer the beginning is sent, and how much more there was."""

SMALLEST_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some transcript text, and how many messages and tokens it is."""

    text: str
    turns: int
    tokens: int


def write_turn(turn: Turn) -> str:
    """Return one message as text, or an empty text when there is nothing to read in it."""
    said = "\n".join(filter(None, (_write_part(part) for part in read_parts(turn))))
    if not said:
        return ""
    name = f" {turn.name}" if turn.name else ""
    return f"[{turn.id}] {turn.role}{name}: {said}"


def _write_part(part: Part) -> str:
    if isinstance(part, Text):
        return part.text
    if isinstance(part, ToolCall):
        return f"(calls {part.name} with {part.arguments})"
    if isinstance(part, ToolResult):
        more = len(part.text) - RESULT_CHARACTERS
        return part.text if more <= 0 else f"{part.text[:RESULT_CHARACTERS]} ({more} more characters)"
    return f"(image: {part.label})" if isinstance(part, Image) else ""


def cut_chunks(texts: Iterable[tuple[str, int]], limit: int, count: Callable[[str], int]) -> Iterator[Chunk]:
    """Yield chunks of at most ``limit`` tokens; ``texts`` are (text, number of messages).

    One chunk is held at a time. A message longer than a chunk is cut at spaces.
    """
    held: list[str] = []
    turns = tokens = 0
    for text, number in _fit(texts, limit, count):
        size = count(text) + 1
        if held and tokens + size > limit:
            yield Chunk("\n".join(held), turns, tokens)
            held, turns, tokens = [], 0, 0
        held.append(text)
        turns += number
        tokens += size
    if held:
        yield Chunk("\n".join(held), turns, tokens)


def _fit(
    texts: Iterable[tuple[str, int]], limit: int, count: Callable[[str], int]
) -> Iterator[tuple[str, int]]:
    for text, number in texts:
        size = count(text) + 1
        if size <= limit:
            yield text, number
            continue
        width = max(SMALLEST_CHARACTERS, len(text) * limit // (2 * size))
        for index, piece in enumerate(wrap(text, width)):
            yield piece, number if index == 0 else 0
