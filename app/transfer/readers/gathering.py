"""Records that make conversations together, however many: those of one conversation side by side."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import IO, Any

import orjson

from ..conversation import BadLine
from ..input.splitting import ITEM_BYTES

MEMORY_BYTES = 32 * 1024 * 1024
"""How much JSON of records is held in memory; beyond it they are parted over files."""

PARTS = 64

Key = Callable[[Any], str]


def gather(values: Iterator[Any], size: Callable[[], int], key: Key | None) -> Iterator[list[Any]]:
    """Yield lists of records, all of one conversation in the same list.

    ``size`` says how many bytes were read so far. Without a ``key`` that tells conversations apart everything
    is one list. Raises BadLine when that would be too large for memory.
    """
    records: list[Any] = []
    for value in values:
        records.append(value)
        if key is not None and size() > MEMORY_BYTES:
            yield from _part(records, values, key)
            return
        if size() > ITEM_BYTES:
            raise BadLine("The records that belong together here are more than 256 MiB.")
    yield records


def _part(records: list[Any], values: Iterator[Any], key: Key) -> Iterator[list[Any]]:
    """Put records into files by what tells them apart, and yield the files one after the other."""
    with ExitStack() as stack:
        files: list[IO[bytes]] = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(PARTS)]
        for value in records:
            _put(files, value, key)
        records.clear()
        for value in values:
            _put(files, value, key)
        for file in files:
            file.seek(0)
            found = [orjson.loads(line) for line in file]
            if found:
                yield found


def _put(files: list[IO[bytes]], value: Any, key: Key) -> None:
    files[zlib.crc32(key(value).encode()) % PARTS].write(orjson.dumps(value) + b"\n")
