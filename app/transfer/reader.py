"""Lines of JSON from files, plain or gzipped, and from standard input; memory holds one at a time."""

from __future__ import annotations

import gzip
import io
import os
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

STANDARD_INPUT = "-"
LINE_BYTES = 256 * 1024 * 1024
"""The longest line that is read, in bytes; a longer one is bad."""

_GZIP = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a source. ``problem`` is set, and ``text`` empty, where it could not be read."""

    source: str
    number: int
    text: bytes
    problem: str | None = None


class Files:
    """The lines of several files, one after the other, and how far the reading is.

    ``size`` is that of all files in bytes as they are stored, None when one has no size; ``done``
    is how much of it has been read.
    """

    def __init__(self, names: Sequence[str]) -> None:
        """Raise OSError for a file that is missing or may not be read."""
        self._names = names
        sizes = [_size(name) for name in names]
        self.size = None if None in sizes else sum(size for size in sizes if size is not None)
        self._before = 0
        self._position: Callable[[], int] = lambda: 0

    @property
    def done(self) -> int:
        """How many bytes have been read."""
        return self._before + self._position()

    def __iter__(self) -> Iterator[Line]:
        for name in self._names:
            with _open(name) as raw:
                yield from self._lines(name, raw)
                self._before += self._position()
                self._position = lambda: 0

    def _lines(self, name: str, raw: BinaryIO) -> Iterator[Line]:
        if self.size is not None:
            self._position = raw.tell
        stream = _decompressed(raw)
        number = 0
        while True:
            number += 1
            try:
                text = stream.readline(LINE_BYTES + 1)
                if len(text) > LINE_BYTES:
                    _skip_line(stream)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                yield Line(name, number, b"", f"The compressed data is damaged from here on: {error}")
                return
            if not text:
                return
            if len(text) > LINE_BYTES:
                yield Line(name, number, b"", "The line is longer than 256 MiB.")
                continue
            text = text.removeprefix(_BYTE_ORDER_MARK if number == 1 else b"").strip()
            if text:
                yield Line(name, number, text)


def _size(name: str) -> int | None:
    if name == STANDARD_INPUT:
        return None
    path = Path(name)
    if path.is_dir():
        raise IsADirectoryError(f"{name} is a folder.")
    if not os.access(path, os.R_OK):
        path.open("rb").close()
    return path.stat().st_size if path.is_file() else None


def _open(name: str) -> AbstractContextManager[BinaryIO]:
    if name == STANDARD_INPUT:
        return nullcontext(cast("BinaryIO", sys.stdin.buffer))
    return Path(name).open("rb")


def _decompressed(raw: BinaryIO) -> BinaryIO:
    """Return the stream, decompressed if it starts as gzip does, whatever the file is called."""
    buffered = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", raw))
    if buffered.peek(2)[:2] == _GZIP:
        return cast("BinaryIO", io.BufferedReader(gzip.GzipFile(fileobj=buffered)))
    return buffered


def _skip_line(stream: BinaryIO) -> None:
    while (rest := stream.readline(1024 * 1024)) and not rest.endswith(b"\n"):
        continue
