"""Vectors of some items in rows, and how near they are to a query.

An inner product is summed row by row, without BLAS: 7 ms for 100,000 vectors of 384 numbers, as fast as
BLAS, in one thread, and the same to the last bit wherever a vector stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from .scores import DIGITS, Scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Numbers = NDArray[np.int64]

NUMBER_BYTES: Final = 2
"""The size of a stored number."""


class Block:
    """The vectors of some items, by number: a row for each piece, and where those of each item begin."""

    def __init__(self, rows: Floats, seqs: Numbers, starts: Numbers) -> None:
        self.rows = rows
        self.seqs = seqs
        self.starts = starts
        self.gone = np.zeros(len(seqs), np.bool_)

    @classmethod
    def of(cls, items: Sequence[tuple[int, bytes]], dimensions: int) -> Block:
        """Read stored vectors; what has another size than those of the model is left out."""
        size = dimensions * NUMBER_BYTES
        known = [item for item in items if item[1] and len(item[1]) % size == 0]
        seqs, pieces = zip(*known, strict=True) if known else ((), ())
        ends = np.cumsum(list(map(len, pieces)), dtype=np.int64) // size
        rows = np.frombuffer(b"".join(pieces), "<f2").astype(np.float32).reshape(-1, dimensions)
        return cls(rows, np.array(seqs, np.int64), np.concatenate(([0], ends[:-1])))

    @classmethod
    def joined(cls, blocks: Sequence[Block], rows: Floats | None = None) -> Block:
        """Return blocks that follow each other as one; their rows together may be at hand already."""
        places = np.cumsum([0, *(len(block.rows) for block in blocks)])
        one = cls(
            np.concatenate([block.rows for block in blocks]) if rows is None else rows,
            np.concatenate([block.seqs for block in blocks]),
            np.concatenate([block.starts + place for block, place in zip(blocks, places[:-1], strict=True)]),
        )
        one.gone = np.concatenate([block.gone for block in blocks])
        return one

    @property
    def index_bytes(self) -> int:
        """What it takes beside the rows."""
        return self.seqs.nbytes + self.starts.nbytes + self.gone.nbytes

    def behind(self, seq: int) -> Block:
        """Return the items with larger numbers."""
        place = int(np.searchsorted(self.seqs, seq, "right"))
        if place == len(self.seqs):
            return Block(self.rows[:0], self.seqs[:0], self.starts[:0])
        first = self.starts[place]
        rest = Block(self.rows[first:], self.seqs[place:], self.starts[place:] - first)
        rest.gone = self.gone[place:]
        return rest

    def seqs_of_rows(self) -> Numbers:
        """Return for each row the number of its item."""
        return np.repeat(self.seqs, np.diff(self.starts, append=len(self.rows)))

    def forget(self, seqs: Numbers) -> None:
        """Pass over items from now on, which are in order; others than there are do not matter."""
        places = np.searchsorted(self.seqs, seqs)
        places = places[places < len(self.seqs)]
        self.gone[places[np.isin(self.seqs[places], seqs)]] = True

    def scores(self, vector: Floats) -> Floats:
        """Return how near the nearest piece of each item is."""
        near: Floats = np.einsum("ij,j->i", self.rows, vector)
        if len(self.seqs) < len(near):
            near = np.maximum.reduceat(near, self.starts)
        return near.round(DIGITS)


def score(blocks: Sequence[Block], vector: Floats) -> Scores:
    """Return how near everything in some blocks is that is not gone."""
    seqs, scores = [np.empty(0, np.int64)], [np.empty(0, np.float32)]
    for block in blocks:
        living = ~block.gone
        seqs.append(block.seqs[living])
        scores.append(block.scores(vector)[living])
    return Scores(np.concatenate(seqs), np.concatenate(scores))
