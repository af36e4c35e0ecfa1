"""What a connection's requests are read through, beside gunicorn's own reader."""

from __future__ import annotations

import inspect
from collections import deque
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import SocketUnreader
from hypothesis import given
from hypothesis import strategies as st

from app.server.piece_reader import PIECE, PieceReader

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"


class Source:
    """Stands in for a socket: what it has comes in these pieces, cut where less is asked for."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = deque(piece for piece in pieces if piece)

    def recv(self, size: int) -> bytes:
        """Return what comes next."""
        if not self._pieces:
            return b""
        first = self._pieces.popleft()
        if len(first) > size:
            self._pieces.appendleft(first[size:])
        return first[:size]


STEPS = st.one_of(
    st.tuples(st.just("unread"), st.binary(max_size=6)),
    st.tuples(st.just("read"), st.integers(0, 9), st.one_of(st.none(), st.integers(9, 20))),
    st.tuples(st.just("take_buffered")),
)


@given(st.lists(st.binary(max_size=8), max_size=6), st.lists(STEPS, max_size=12))
def test_it_reads_what_gunicorns_own_reads(pieces: list[bytes], steps: list[tuple[Any, ...]]) -> None:
    """Whatever is read and put back, nothing is lost, doubled or out of order."""
    ours, theirs = PieceReader(Source(*pieces)), SocketUnreader(Source(*pieces))
    for name, *arguments in steps:
        assert getattr(ours, name)(*arguments) == getattr(theirs, name)(*arguments)
    assert ours.take_buffered() == theirs.take_buffered()


def test_without_a_size_it_hands_out_what_is_next() -> None:
    """At first what is held, then what comes; nothing at the end."""
    reader = PieceReader(Source(b"come"))
    reader.unread(b"held")
    assert [reader.read(), reader.read(), reader.read()] == [b"held", b"come", b""]


def test_it_is_called_as_gunicorns_own() -> None:
    """Each method has the parameters that gunicorn gives it."""
    for name in ("read", "take_buffered", "unread"):
        ours, theirs = (inspect.signature(getattr(one, name)) for one in (PieceReader, SocketUnreader))
        assert list(ours.parameters) == list(theirs.parameters)


@pytest.mark.parametrize(
    "raw",
    [
        HEAD + b"Content-Length: 300000\r\n\r\n" + bytes(300_000),
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 50_000 + b"0\r\n\r\n",
    ],
    ids=["length", "chunks"],
)
def test_what_is_held_is_not_copied_as_it_is_read(raw: bytes) -> None:
    """A large request stays where it is, but for a piece at a time: reading it takes time by its size."""
    reader = PieceReader(Source())
    reader.unread(raw)
    parser = RequestParser(Config(), Source(), ("127.0.0.1", 1))
    parser.unreader = reader
    body = next(parser).body
    read = 0
    while piece := body.read(16 * 1024):
        read += len(piece)
        assert sum(len(one) for one in reader._held if one.obj is not raw) <= PIECE
    assert read in (50_000, 300_000)
