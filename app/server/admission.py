"""Admission: how many threads of a worker may have requests with large bodies, and whose turn it is.

Parsing a large body takes as long as hundreds of small requests. Enough threads remain for those, and the
bodies wait where their bytes count among what is buffered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .connection import Connection


class Turns:
    """Connections that wait: their owners take turns, and of one owner the keys that its requests name.

    Nobody has looked a named key up yet, so that it counts within its owner's turns and nowhere else. No step
    takes longer for there being more connections.
    """

    def __init__(self) -> None:
        self._owners: dict[str, dict[bytes, dict[Connection, None]]] = {}
        self._places: dict[Connection, tuple[str, bytes]] = {}

    def __contains__(self, conn: Connection) -> bool:
        return conn in self._places

    def add(self, conn: Connection) -> None:
        """Let a connection wait; one that waits already keeps its place."""
        if conn not in self._places:
            owner, key = self._places[conn] = conn.owner, conn.buffer.named_key
            self._owners.setdefault(owner, {}).setdefault(key, {})[conn] = None

    def first(self) -> Connection | None:
        """Return whose turn it is."""
        for keys in self._owners.values():
            return next(iter(next(iter(keys.values()))))
        return None

    def remove(self, conn: Connection) -> None:
        """Let a connection wait no longer; its owner, and of this one its key, come last from now on."""
        if conn not in self._places:
            return
        owner, key = self._places.pop(conn)
        keys = self._owners.pop(owner)
        waiting = keys.pop(key)
        del waiting[conn]
        if waiting:
            keys[key] = waiting
        if keys:
            self._owners[owner] = keys


class LargeBodies:
    """The large bodies that threads read and work on, of so many threads in all, and those that wait."""

    def __init__(self, threads: int) -> None:
        self.most = max(1, min(threads // 2 + 1, threads - 1))
        """How many may be handled."""
        self.most_readers = min(threads // 2, self.most - 1)
        """How many may be handled before they are there: a client that stops halfway holds its thread."""
        self._readers: set[Connection] = set()
        self._all: set[Connection] = set()
        self._whole = Turns()
        self._partial = Turns()

    def admit(self, conn: Connection, *, whole: bool) -> bool:
        """Count a request in, or let it wait for its turn; ``whole``: nothing of it is to come."""
        if conn in self._all:
            return True
        if whole:
            self._partial.remove(conn)
        (self._whole if whole else self._partial).add(conn)
        if self._next() is not conn:
            return False
        self._count_in(conn)
        return True

    def admit_next(self) -> Connection | None:
        """Count in who has waited for this turn, if there is a thread, and return it: whole ones go first."""
        conn = self._next()
        if conn is not None:
            self._count_in(conn)
        return conn

    def _next(self) -> Connection | None:
        if len(self._all) >= self.most:
            return None
        conn = self._whole.first()
        return self._partial.first() if conn is None and len(self._readers) < self.most_readers else conn

    def _count_in(self, conn: Connection) -> None:
        self._all.add(conn)
        if conn in self._partial:
            self._readers.add(conn)
        self._stop_waiting(conn)

    def _stop_waiting(self, conn: Connection) -> None:
        self._whole.remove(conn)
        self._partial.remove(conn)

    def __contains__(self, conn: Connection) -> bool:
        return conn in self._all

    def dismiss(self, conn: Connection) -> bool:
        """Count a request out; return whether it was counted."""
        if conn not in self._all:
            return False
        self._all.discard(conn)
        self._readers.discard(conn)
        return True

    def forget(self, conn: Connection) -> bool:
        """Let the request of a connection that is gone neither wait nor count; return whether it counted."""
        self._stop_waiting(conn)
        return self.dismiss(conn)
