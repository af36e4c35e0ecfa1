"""How small the chunks of a body may be.

Each costs about two microseconds of processor time, however little is in it: a body of 16 MiB in chunks of a
byte would take a worker for half a minute.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import InvalidChunkSize

MOST_SMALL_CHUNKS: Final = 20_000
LEAST_MEAN_BYTES: Final = 64
"""What chunks have at least, on the average, where there are more than MOST_SMALL_CHUNKS of them."""


def are_too_small(count: int, size: int) -> bool:
    """Whether so many chunks, of so many bytes together, are refused."""
    return count > MOST_SMALL_CHUNKS and size < count * LEAST_MEAN_BYTES


def bound_chunks(body: Any) -> Any:
    """Return the body of a request, as gunicorn has made it, so that it refuses chunks that are too small.

    A chunk that comes in several pieces counts as so many.
    """
    if isinstance(body.reader, ChunkedReader):
        body.reader.parser = _bounded(body.reader.parser)
    return body


def _bounded(pieces: Iterator[bytes]) -> Iterator[bytes]:
    size = 0
    for count, piece in enumerate(pieces, 1):
        size += len(piece)
        if are_too_small(count, size):
            raise InvalidChunkSize(b"too many small chunks")
        yield piece
