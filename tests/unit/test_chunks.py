"""Bodies in many small chunks are refused; those in many that are larger, or in few, are not."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from gunicorn.http.body import Body, ChunkedReader, LengthReader
from gunicorn.http.errors import InvalidChunkSize

from app.server.chunks import LEAST_MEAN_BYTES, MOST_SMALL_CHUNKS, bound_chunks
from app.server.piece_reader import PieceReader
from app.server.request_buffer import RequestBuffer

HEAD = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"


def wire(count: int, size: int) -> bytes:
    """Return a body of so many chunks of so many bytes."""
    return b"%x\r\n%s\r\n" % (size, b" " * size) * count + b"0\r\n\r\n"


def read(raw: bytes) -> bytes:
    """Read a body that has come, as a request does."""
    reader = PieceReader(None)
    reader.unread(raw)
    body = Body(ChunkedReader(SimpleNamespace(trailers=[]), reader))
    found: bytes = bound_chunks(body).read()
    return found


@pytest.mark.parametrize(
    ("count", "size"), [(MOST_SMALL_CHUNKS, 1), (MOST_SMALL_CHUNKS + 1, 2 * LEAST_MEAN_BYTES), (1, 1 << 20)]
)
def test_chunks_that_are_few_or_large_are_read(count: int, size: int) -> None:
    """And the buffer finds their end."""
    raw = wire(count, size)
    buffer = RequestBuffer()
    buffer.add(HEAD + raw)
    assert buffer.is_complete
    assert len(read(raw)) == count * size


def test_many_small_chunks_are_refused() -> None:
    """As soon as there are too many, whether they have all come or not; the buffer awaits no more of them."""
    raw = wire(MOST_SMALL_CHUNKS + 1, 1).removesuffix(b"0\r\n\r\n")
    buffer = RequestBuffer()
    buffer.add(HEAD + raw)
    assert buffer.is_ready
    with pytest.raises(InvalidChunkSize):
        read(raw)


def test_a_body_with_a_length_stays_as_it_is() -> None:
    """It has no chunks."""
    reader = PieceReader(None)
    reader.unread(b"{}")
    body = Body(LengthReader(reader, 2))
    assert bound_chunks(body).read() == b"{}"
