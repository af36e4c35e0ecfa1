"""Cursors: what was written is read, and nothing else."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.errors import InvalidParameter
from app.web.cursors import LONGEST_CURSOR, Cursors

CURSORS = Cursors(lambda: b"secret of the store")
PLACES = st.text(st.characters(exclude_categories=["Cs"]), max_size=100) | st.integers(-(2**53), 2**53)
POSITIONS = st.lists(PLACES, min_size=1, max_size=4)


@given(POSITIONS)
def test_cursor_is_read_as_it_was_written(position: list[str | int]) -> None:
    """Any position survives, in characters that need no escape in a URL."""
    cursor = CURSORS.write(["list", "asc"], position)
    assert CURSORS.read(["list", "asc"], cursor, len(position)) == position
    assert cursor.replace("-", "").replace("_", "").isalnum()


@given(st.text() | st.text("ABCabc019-_="))
def test_what_was_not_written_is_refused(cursor: str) -> None:
    """Whatever is passed as a cursor, the error is the one for cursors."""
    with pytest.raises(InvalidParameter, match="next is not a cursor"):
        CURSORS.read("list", cursor, 2)


@given(POSITIONS, st.data())
def test_altered_cursor_is_refused(position: list[str | int], data: st.DataObject) -> None:
    """A cursor with one byte changed is not one of ours."""
    cursor = CURSORS.write("list", position)
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    altered = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    with pytest.raises(InvalidParameter):
        CURSORS.read("list", altered, len(position))


def test_cursor_belongs_to_its_list_and_its_store() -> None:
    """Other filters, another store, or another length of position refuse it."""
    cursor = CURSORS.write(["list", "asc"], ["a", 1])
    with pytest.raises(InvalidParameter):
        CURSORS.read(["list", "desc"], cursor, 2)
    with pytest.raises(InvalidParameter):
        CURSORS.read(["list", "asc"], cursor, 3)
    with pytest.raises(InvalidParameter):
        Cursors(lambda: b"another").read(["list", "asc"], cursor, 2)


def test_cursor_that_is_too_long_is_not_decoded() -> None:
    """Above 2048 characters nothing is decoded or signed."""
    with pytest.raises(InvalidParameter):
        CURSORS.read("list", "A" * (LONGEST_CURSOR + 1), 1)


def test_secret_is_read_once_and_late() -> None:
    """The store is asked for the secret with the first cursor, and never again."""
    asked: list[int] = []

    def read() -> bytes:
        asked.append(1)
        return b"secret"

    cursors = Cursors(read)
    assert not asked
    cursors.read("list", cursors.write("list", [1]), 1)
    assert len(asked) == 1
