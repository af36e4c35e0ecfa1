"""Long texts in pieces: a model reads so much at once, and a vector of too much means nothing any more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

MOST_PIECES: Final = 32
"""How many pieces of a text are read at most: of English about 25,000 characters."""

READ_CHARACTERS: Final = 65_536
"""How much of a text is looked at for its pieces."""

PIECE_BYTES: Final = 1_200
"""How long a piece is where tokens cannot be counted: 256 of them are about so many bytes of UTF-8."""

SHARED_BYTES: Final = 200
"""How much a piece repeats of the one before, so that no sentence is cut in all of them."""


def cut_by_bytes(text: str) -> list[str]:
    """Return the pieces of a text, cut at spaces where there are any; none of a text of spaces only."""
    text = text[:READ_CHARACTERS].strip()
    return [text[start:end] for start, end in _spans(text)][:MOST_PIECES] if text else []


def _spans(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    while True:
        end = _reach(text, start, PIECE_BYTES)
        if end == len(text):
            yield start, end
            return
        space = text.rfind(" ", start + (end - start) // 2, end)
        end = end if space < 0 else space
        yield start, end
        start = _back(text, start, end)


def _reach(text: str, start: int, size: int) -> int:
    """Return where so many bytes of UTF-8 from a place end, in characters."""
    taken = text[start : start + size].encode(errors="replace")[:size]
    return start + max(1, len(taken.decode(errors="ignore")))


def _back(text: str, start: int, end: int) -> int:
    """Return where the next piece begins: at a word that the last one has, but behind its beginning."""
    shared = len(text[start:end].encode(errors="replace")[-SHARED_BYTES:].decode(errors="ignore"))
    begin = end - min(shared, (end - start) // 2)
    space = text.find(" ", begin, end)
    return begin if space < 0 else space + 1


def windows(tokens: int, size: int, shared: int) -> list[tuple[int, int]]:
    """Return from where to where each piece of so many tokens goes, the first MOST_PIECES."""
    last = max(0, tokens - shared - 1)
    return [(at, min(at + size, tokens)) for at in range(0, last + 1, size - shared)][:MOST_PIECES]
