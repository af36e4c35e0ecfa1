"""Conversations put aside until what they depend on is there: in memory while few, on disk beyond that."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import Any

import orjson

from ..domain.records import Status
from .conversation import Conversation

MEMORY_BYTES = 16 * 1024 * 1024


class Spool:
    """A queue of conversations, each with its place, on a temporary file that nobody else can name."""

    def __init__(self) -> None:
        self._file: tempfile.SpooledTemporaryFile[bytes] | None = None
        self.count = 0

    def add(self, place: str, conversation: Conversation) -> None:
        """Put a conversation aside."""
        if self._file is None:
            self._file = tempfile.SpooledTemporaryFile(max_size=MEMORY_BYTES)  # noqa: SIM115  # closed below
        self._file.write(orjson.dumps([place, conversation]) + b"\n")
        self.count += 1

    def __iter__(self) -> Iterator[tuple[str, Conversation]]:
        if self._file is None:
            return
        self._file.seek(0)
        for entry in self._file:
            place, fields = orjson.loads(entry)
            yield place, conversation_of(fields)

    def close(self) -> None:
        """Remove the file, if there is one."""
        if self._file is not None:
            self._file.close()


def conversation_of(fields: dict[str, Any]) -> Conversation:
    """Return the conversation that orjson wrote as an object."""
    typed = {"status": Status(fields["status"]), "modified": tuple(fields["modified"])}
    return Conversation(**fields | typed)
