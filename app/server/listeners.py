"""The sockets that a worker accepts clients from, and whose turn it is to accept one.

All workers of a server wait at the same sockets. If whoever is awake accepted, clients that keep their
connections would collect at one worker, on one core. So each worker writes down how many connections it
holds, in memory that all of them see, and leaves a new client to one that holds fewer, for PAUSE_SECONDS:
whoever still waits then is accepted by anybody.

A socket for each worker (SO_REUSEPORT) would deal clients out by chance: of 8 clients, 6 or more are at one
of two workers in 29 of 100 cases. And a worker that stops would reset those that wait at its own socket.
"""

from __future__ import annotations

import contextlib
import math
import mmap
import selectors
import socket
import threading
from collections.abc import Sequence
from typing import Final

PAUSE_SECONDS: Final = 0.005
"""For how long a client is left to a worker that holds fewer connections."""

FRESH_SECONDS: Final = 3.0
"""A worker that has written nothing for so long is stuck or gone, and no client is left to it."""

TOLERANCE: Final = 1.1
"""How many times the connections of another worker one may hold and still accept: in a flood, both do."""

SLOTS: Final = 64
"""For how many workers there is a place. More of them share places, and spread their clients less evenly."""


class ConnectionCounts:
    """How many connections each worker holds, in memory that processes share that are forked later."""

    def __init__(self) -> None:
        self._cells = memoryview(mmap.mmap(-1, 16 * SLOTS)).cast("d")

    def write(self, slot: int, count: int, now: float) -> None:
        """Write down how many connections a worker holds; ``now`` is a reading of the monotonic clock."""
        self._cells[2 * slot] = count
        self._cells[2 * slot + 1] = now

    def withdraw(self, slot: int) -> None:
        """Note that a worker accepts no more clients."""
        self._cells[2 * slot + 1] = 0.0

    def least_of_others(self, slot: int, now: float) -> float:
        """Return the fewest connections that another worker holds; infinite when there is none."""
        cells = self._cells.tolist()
        fresh = now - FRESH_SECONDS
        counts = zip(cells[::2], cells[1::2], strict=True)
        return min(
            (count for place, (count, written) in enumerate(counts) if written > fresh and place != slot),
            default=math.inf,
        )


COUNTS: Final = ConnectionCounts()
"""Those of this server: gunicorn's master imports this module before it forks the workers."""


class Listeners:
    """The listening sockets of one worker; ``number`` tells it from the others. The leader alone accepts."""

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        poller: selectors.BaseSelector,
        number: int,
        counts: ConnectionCounts = COUNTS,
    ) -> None:
        self._sockets = sockets
        self._poller = poller
        self._slot = number % SLOTS
        self._counts = counts
        self._lock = threading.Lock()
        self._paused_until = math.inf
        self._is_open = False

    def open(self) -> None:
        """Watch the sockets from now on."""
        for listener in self._sockets:
            listener.settimeout(0)
        with self._lock:
            self._is_open = True
            self._watch()

    def close(self) -> None:
        """Accept no more clients; those that wait are the other workers'."""
        with self._lock:
            self._is_open = False
            self._counts.withdraw(self._slot)
            for listener in self._sockets:
                with contextlib.suppress(KeyError):  # it may not be watched at the moment
                    self._poller.unregister(listener)
                listener.close()
            self._sockets = ()

    def update(self, held: int, now: float) -> bool:
        """Write down how many connections the worker holds; whether a pause is over, and all may accept."""
        if not self._is_open:
            return False
        self._counts.write(self._slot, held, now)
        if now < self._paused_until:
            return False
        with self._lock:
            self._paused_until = math.inf
            if self._is_open:
                self._watch()
        return True

    def seconds_left(self, now: float, most: float) -> float:
        """Return how long the leader may wait for clients: to the end of a pause, and at most ``most``."""
        return min(most, max(0.0, self._paused_until - now))

    def is_turn(self, held: int, now: float) -> bool:
        """Whether this worker accepts the next client; if not, it looks away for a moment."""
        if held <= self._counts.least_of_others(self._slot, now) * TOLERANCE:
            return True
        with self._lock:
            if self._is_open and self._paused_until == math.inf:
                self._paused_until = now + PAUSE_SECONDS
                for listener in self._sockets:
                    self._poller.unregister(listener)
        return False

    def _watch(self) -> None:
        for listener in self._sockets:
            self._poller.register(listener, selectors.EVENT_READ)
