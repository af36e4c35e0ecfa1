"""Transcript text in pieces that fit a model's window."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ..content import wrap

SMALLEST_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some transcript text, and how many messages and tokens it is."""

    text: str
    turns: int
    tokens: int


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
