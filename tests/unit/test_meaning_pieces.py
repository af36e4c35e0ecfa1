"""Long texts are cut into pieces that overlap, at words where there are any."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.meaning.pieces import MOST_PIECES, PIECE_BYTES, cut_by_bytes, windows


def test_a_short_text_is_one_piece() -> None:
    """What fits stays whole, without the spaces around it; spaces alone are nothing."""
    assert cut_by_bytes(" a few words \n") == ["a few words"]
    assert cut_by_bytes(" \n") == []


def test_a_long_text_is_cut_at_words() -> None:
    """No word is cut, and each piece begins with the end of the one before."""
    words = [f"word{number}" for number in range(600)]
    pieces = cut_by_bytes(" ".join(words))

    cut = [piece.split() for piece in pieces]
    assert {word for piece in cut for word in piece} == set(words)
    for before, after in pairwise(cut):
        assert 10 < len(set(before) & set(after)) < 30


@pytest.mark.parametrize("text", ["漢字" * 2_000, "é" * 3_000, "x" * 4_000, "🙂" * 900, "\ud800" * 1_300])
def test_a_text_without_spaces_is_cut_by_its_bytes(text: str) -> None:
    """No piece is longer than a piece may be, and together they have all of the text."""
    pieces = cut_by_bytes(text)

    assert all(0 < len(piece.encode(errors="replace")) <= PIECE_BYTES for piece in pieces)
    assert len("".join(pieces)) > len(text)


def test_of_an_endless_text_the_beginning_is_cut() -> None:
    """There are never more than 32 pieces."""
    assert len(cut_by_bytes("many words " * 100_000)) == MOST_PIECES


@given(st.text(alphabet=" ab漢é🙂\n", max_size=5_000))
def test_every_text_is_cut_to_its_end(text: str) -> None:
    """Any text is cut in bounded pieces, the last of which is its end."""
    pieces = cut_by_bytes(text)

    assert all(len(piece.encode()) <= PIECE_BYTES for piece in pieces)
    assert not text.strip() or text.strip().endswith(pieces[-1])


@given(st.integers(0, 2_000), st.integers(2, 300), st.data())
def test_windows_reach_from_the_first_token_to_the_last(tokens: int, size: int, data: st.DataObject) -> None:
    """Each window is full but the last, and shares so many tokens with the one before."""
    shared = data.draw(st.integers(0, size // 2))
    found = windows(tokens, size, shared)

    assert found[0] == (0, min(size, tokens))
    assert found[-1][1] == tokens or len(found) == MOST_PIECES
    for (_, end), (start, _) in pairwise(found):
        assert end - start == shared
