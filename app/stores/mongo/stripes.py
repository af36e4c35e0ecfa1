"""Queues inside one process, so that its threads wait for each other instead of conflicting.

They are a courtesy to the database, never what correctness rests on: other processes do not see
them. Each name belongs to one of a fixed number of locks. A thread that holds a lock waits only
for locks of a higher rank, and takes a lower one only if it is free at once, so threads cannot
wait for each other in a circle.
"""

from __future__ import annotations

import threading
import time
import zlib
from types import TracebackType
from typing import Self

from ...domain.errors import ServiceUnavailable

STRIPES = 1024


class Stripes:
    """The locks of one process."""

    def __init__(self) -> None:
        self._locks = [threading.Lock() for _ in range(STRIPES)]

    def queue(self, deadline: float) -> Queue:
        """Return the place of one unit of work, which may wait until ``deadline`` (monotonic)."""
        return Queue(self._locks, deadline)


class Queue:
    """The locks that one unit of work holds; all are given back at its end."""

    def __init__(self, locks: list[threading.Lock], deadline: float) -> None:
        self._locks = locks
        self._deadline = deadline
        self._held: list[int] = []
        self._wanted: set[int] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._release()

    def enter(self, name: str) -> None:
        """Wait for others of this process that use the same name; ServiceUnavailable at the deadline."""
        rank = zlib.crc32(name.encode()) % STRIPES
        self._wanted.add(rank)
        if rank in self._held:
            return
        if not self._held or rank > max(self._held):
            self._wait(rank)
        elif self._locks[rank].acquire(blocking=False):
            self._held.append(rank)

    def enter_again(self) -> None:
        """Before a repetition, wait for all that was wanted so far, in order of rank."""
        self._release()
        for rank in sorted(self._wanted):
            self._wait(rank)

    def _wait(self, rank: int) -> None:
        patience = max(0.0, self._deadline - time.monotonic())
        if not self._locks[rank].acquire(timeout=patience):
            raise ServiceUnavailable("Too many requests write to the same dialogue. Try again shortly.")
        self._held.append(rank)

    def _release(self) -> None:
        for rank in self._held:
            self._locks[rank].release()
        self._held.clear()
