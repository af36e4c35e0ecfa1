"""Lines put aside until what they depend on is there: in memory while few, on disk beyond that."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import orjson

from .reader import Line

MEMORY_BYTES = 16 * 1024 * 1024


class Spool:
    """A queue of lines on a temporary file that nobody else can name."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES)  # noqa: SIM115  # closed below
        self.count = 0

    def add(self, line: Line) -> None:
        """Put a line aside."""
        self._file.write(orjson.dumps([line.source, line.number, line.text.decode()]) + b"\n")
        self.count += 1

    def __iter__(self) -> Iterator[Line]:
        self._file.seek(0)
        for entry in self._file:
            source, number, text = orjson.loads(entry)
            yield Line(source, number, text.encode())

    def close(self) -> None:
        """Remove the file."""
        self._file.close()
