"""How much of what a store finds goes into one answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.domain.records import JsonText
from app.search.query import Hit
from app.stores import PAGE_BYTES
from app.stores.bounds import take_hits
from tests.records import memory, memory_item

BASE = memory_item(memory())


def hit(size: int) -> Hit:
    """Return a hit whose item takes so many bytes."""
    found = BASE._replace(value=JsonText("x" * size), metadata=JsonText(""))
    return Hit(found, 1.0)


@pytest.mark.parametrize(
    ("sizes", "taken"),
    [
        ([], 0),
        ([PAGE_BYTES], 1),
        ([PAGE_BYTES // 2, 1], 1),
        ([PAGE_BYTES // 4, PAGE_BYTES // 4, 1], 2),
        ([1, PAGE_BYTES, 1], 1),
    ],
)
def test_hits_are_taken_while_they_fit(sizes: list[int], taken: int) -> None:
    """The first hit is always taken, the next ones while the items, twice each, fit a page."""
    assert len(take_hits(map(hit, sizes))) == taken


def test_what_does_not_fit_is_not_read() -> None:
    """No hit is asked for behind the first that does not fit."""

    def hits() -> Iterator[Hit]:
        yield hit(PAGE_BYTES)
        yield hit(1)
        raise AssertionError("too much was read")

    assert len(take_hits(hits())) == 1
