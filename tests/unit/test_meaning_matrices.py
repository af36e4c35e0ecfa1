"""Vectors in memory: the nearest first, within a bound of bytes, whatever is added and removed."""

from __future__ import annotations

import struct
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.domain.errors import ServiceUnavailable
from app.meaning.matrices import STEP, Matrices
from app.waiting import begin_request, end_request

QUERY = struct.pack("<2e", 1.0, 0.0)
PLACE = "a scope"
ROW_BYTES = 2 * 4 + 17
"""What an item of one piece takes: its numbers, and what tells which item they are of."""


class Vectors:
    """Vectors of two numbers by number, as a store has them; ``asked`` has where each reading began."""

    def __init__(self, items: dict[int, bytes]) -> None:
        self.items = items
        self.asked: list[int] = []

    def vectors_after(self, seq: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """Return the first items behind a number."""
        self.asked.append(seq)
        return sorted((number, pieces) for number, pieces in self.items.items() if number > seq)[:limit]


def pieces(*angles: float) -> bytes:
    """Return pieces whose cosines with the query are these."""
    return b"".join(struct.pack("<2e", cosine, (1 - cosine * cosine) ** 0.5) for cosine in angles)


def nearest(matrices: Matrices, vectors: Vectors, place: object = PLACE) -> list[int]:
    """Return the numbers of the items, nearest first."""
    batches = matrices.scores(place, vectors, QUERY).nearest_first(2)
    return [number for batch in batches for number, _ in batch]


def test_the_nearest_piece_of_an_item_counts() -> None:
    """Items without pieces, and those with pieces of another size, are left out."""
    vectors = Vectors({1: pieces(0.5), 2: pieces(0.1, 1.0), 3: b"", 4: pieces(0.25), 5: b"abc"})
    assert nearest(Matrices(), vectors) == [2, 1, 4]
    assert nearest(Matrices(), Vectors({})) == []


def test_items_that_are_equally_near_come_together() -> None:
    """In one batch, however small it is to be."""
    vectors = Vectors(dict.fromkeys(range(1, 6), pieces(0.5)) | {6: pieces(1.0)})
    batches = list(Matrices().scores(PLACE, vectors, QUERY).nearest_first(2))
    assert [len(batch) for batch in batches] == [6]


def test_what_is_newer_moves_no_border_of_a_batch() -> None:
    """Up to a number the batches are those that there were when it was the last."""
    vectors = Vectors({number: pieces(number / 20) for number in range(1, 10)})
    matrices = Matrices()
    before = list(matrices.scores(PLACE, vectors, QUERY).nearest_first(4))
    assert [len(batch) for batch in before] == [4, 4, 1]
    vectors.items |= {number: pieces(number / 20 - 0.4) for number in range(10, 20)}
    scores = matrices.scores(PLACE, vectors, QUERY)
    assert list(scores.nearest_first(4)) != before
    assert list(scores.until(9).nearest_first(4)) == before


def test_only_what_was_added_is_read_again() -> None:
    """Behind the last number that is known."""
    vectors = Vectors({1: pieces(0.5)})
    matrices = Matrices()
    assert nearest(matrices, vectors) == [1]
    vectors.items[7] = pieces(1.0)
    assert nearest(matrices, vectors) == [7, 1]
    assert vectors.asked == [0, 1]


def test_what_is_gone_is_passed_over() -> None:
    """And read anew when most of it is."""
    vectors = Vectors({number: pieces(number / 10) for number in range(1, 9)})
    matrices = Matrices()
    assert nearest(matrices, vectors)[:2] == [8, 7]
    del vectors.items[8]
    matrices.forget(PLACE, [8])
    assert nearest(matrices, vectors)[:2] == [7, 6]
    matrices.forget(PLACE, [7, 6, 5, 4])
    for number in (7, 6, 5, 4):
        del vectors.items[number]
    assert nearest(matrices, vectors) == [3, 2, 1]
    assert vectors.asked == [0, 8, 0]
    matrices.forget("another scope", [1])


@pytest.mark.parametrize("place", [PLACE, None])
def test_what_is_too_large_is_read_for_each_search(place: object) -> None:
    """With the same result; so is what no place is named for."""
    count = STEP + 10
    vectors = Vectors({number: pieces(number / (2 * count)) for number in range(1, count + 1)})
    most_bytes = 1000 if place else 10**9
    matrices = Matrices(most_bytes)
    whole = nearest(Matrices(), vectors)
    vectors.asked.clear()
    for _ in range(2):
        assert sorted(nearest(matrices, vectors, place)) == sorted(whole)
    assert vectors.asked == ([0] if place else []) + [0, STEP] * 2


def test_scopes_that_were_searched_long_ago_make_room() -> None:
    """And are read again when they are searched again."""
    matrices = Matrices(3 * ROW_BYTES)
    first, second = Vectors({1: pieces(0.5), 2: pieces(1.0)}), Vectors({1: pieces(0.5), 2: pieces(1.0)})
    for place, vectors in (("a", first), ("b", second), ("b", second), ("a", first)):
        assert nearest(matrices, vectors, place) == [2, 1]
    assert (first.asked, second.asked) == ([0, 0], [0, 2])


def test_a_search_waits_for_another_one_as_long_as_its_request_may() -> None:
    """While that reads the vectors of the same scope."""
    has_begun, may_end = threading.Event(), threading.Event()

    class Slow(Vectors):
        def vectors_after(self, seq: int, limit: int) -> Sequence[tuple[int, bytes]]:
            has_begun.set()
            may_end.wait()
            return super().vectors_after(seq, limit)

    matrices, vectors = Matrices(), Slow({1: pieces(0.5)})
    with ThreadPoolExecutor(1) as other:
        first = other.submit(nearest, matrices, vectors)
        has_begun.wait()
        begin_request(0.01)
        try:
            with pytest.raises(ServiceUnavailable):
                nearest(matrices, vectors)
        finally:
            end_request()
            may_end.set()
        assert first.result() == [1]


def test_the_mean_of_vectors_has_their_common_direction() -> None:
    """Each counts the same; without any there is none."""
    mean = Matrices.mean([Vectors({1: pieces(1.0, 0.0)}), Vectors({})], 2)
    assert mean is not None
    assert struct.unpack("<2e", mean) == pytest.approx((0.5**0.5, 0.5**0.5), abs=1e-3)
    assert Matrices.mean([Vectors({})], 2) is None
