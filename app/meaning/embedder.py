"""What makes vectors of texts: the interface of all embedders, and how they fail.

A vector is ``bytes``: ``dimensions`` numbers, each an IEEE 754 half-precision float (float16) of two bytes,
little-endian, without anything around them; ``numpy.frombuffer(vector, "<f2")`` or
``struct.unpack(f"<{dimensions}e", vector)`` reads it. Vectors have unit length, as far as half precision
goes (within 0.002), so the inner product of two, summed in float32, is the cosine of their angle: 1 for the
same, about 0 for what has nothing in common.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class EmbedderError(Exception):
    """No vectors now; the same texts may have some later. The text is for a log: no secret in it."""


class TextRefused(EmbedderError):
    """One of the texts has no vectors and never will; to find which, ask for each alone."""


class Embedder(Protocol):
    """Makes vectors. It may be used by several threads at once, and reads nothing before its first use."""

    @property
    def model(self) -> str:
        """What names the vectors, 1 to 200 characters; those of another name cannot be compared to them."""

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has, from 1 to 4096."""

    def passages(self, texts: Sequence[str]) -> list[list[bytes]]:
        """Return for each text, in their order, the vectors of its pieces, of which a long one has several.

        A text in which there is nothing to read has none. Of a very long text only the beginning is read.
        Raises EmbedderError for all of the texts together.
        """

    def query(self, text: str) -> bytes:
        """Return the vector of what is searched for; of a long text the beginning is read.

        Raises EmbedderError, and TextRefused for a text in which there is nothing to read.
        """
