"""An embedder without a model: texts with the same words, or synonyms, are near each other."""

from __future__ import annotations

import math
import random
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from zlib import crc32

from app.meaning.embedder import EmbedderError, TextRefused

_WORD = re.compile(r"\w+")


@dataclass(slots=True)
class FakeEmbedder:
    """The vector of a text is the sum of a fixed direction for each of its words, the same everywhere.

    ``synonyms`` maps words to one that they are taken for. A blank line ends a piece. A text with the word
    ``unspeakable`` is refused, and while ``is_away`` every call fails. ``asked`` has the texts of all calls.
    """

    model: str = "fake-1"
    dimensions: int = 64
    synonyms: Mapping[str, str] = field(default_factory=dict)
    is_away: bool = False
    asked: list[str] = field(default_factory=list)

    def passages(self, texts: Sequence[str]) -> list[list[bytes]]:
        """Return the vectors of the pieces of each text."""
        self._note(texts)
        return [
            [self._vector(piece) for piece in text.split("\n\n") if _WORD.search(piece)] for text in texts
        ]

    def query(self, text: str) -> bytes:
        """Return the vector of a query."""
        self._note([text])
        if not _WORD.search(text):
            raise TextRefused("There is nothing to read in the text.")
        return self._vector(text)

    def _note(self, texts: Sequence[str]) -> None:
        self.asked += texts
        if self.is_away:
            raise EmbedderError("The embedder is away.")
        if any("unspeakable" in text for text in texts):
            raise TextRefused("A text cannot be embedded.")

    def _vector(self, text: str) -> bytes:
        words = [self.synonyms.get(word, word) for word in _WORD.findall(text.lower())]
        sums = [sum(numbers) for numbers in zip(*map(self._direction, words), strict=True)]
        length = math.sqrt(sum(number * number for number in sums))
        return struct.pack(f"<{self.dimensions}e", *(number / length for number in sums))

    def _direction(self, word: str) -> list[float]:
        chance = random.Random(crc32(f"{self.model} {word}".encode()))  # noqa: S311  it guards nothing
        return [chance.gauss(0, 1) for _ in range(self.dimensions)]
