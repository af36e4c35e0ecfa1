"""Admission: how many threads of a worker may have requests with large bodies.

Parsing a large body takes as long as hundreds of small requests. Enough threads remain for those, and the
bodies wait where their bytes count among what is buffered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .connection import Connection


class LargeBodies:
    """The large bodies that threads read and work on, of so many threads in all."""

    def __init__(self, threads: int) -> None:
        self.most = max(1, min(threads // 2 + 1, threads - 1))
        """How many may be handled."""
        self.most_readers = min(threads // 2, self.most - 1)
        """How many may be handled before they are there: a client that stops halfway holds its thread."""
        self._readers: set[Connection] = set()
        self._all: set[Connection] = set()

    def admit(self, conn: Connection, *, whole: bool) -> bool:
        """Count a request in, if there is a thread for it; ``whole``: nothing of it is to come."""
        if len(self._all) >= self.most or (not whole and len(self._readers) >= self.most_readers):
            return False
        self._all.add(conn)
        if not whole:
            self._readers.add(conn)
        return True

    def __contains__(self, conn: Connection) -> bool:
        return conn in self._all

    def dismiss(self, conn: Connection) -> bool:
        """Count a request out; return whether it was counted."""
        if conn not in self._all:
            return False
        self._all.discard(conn)
        self._readers.discard(conn)
        return True
