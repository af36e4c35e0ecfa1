"""Striped locks: the threads of a process wait for each other here instead of conflicting in the database.

They save write conflicts and are not needed for correctness: other processes do not see them. Each
name belongs to one of a fixed number of locks. A thread that holds a lock waits only for locks of a
higher number, and takes a lower one only if it is free at once, so that no deadlock is possible.
"""

from __future__ import annotations

import threading
import time
import zlib
from types import TracebackType
from typing import Self

from ...domain.errors import ServiceUnavailable

COUNT = 1024


class StripedLocks:
    """The locks of one process."""

    def __init__(self) -> None:
        self._locks = [threading.Lock() for _ in range(COUNT)]

    def holder(self, deadline: float) -> LockHolder:
        """Return the holder for one unit of work, which may wait until ``deadline`` (monotonic)."""
        return LockHolder(self._locks, deadline)


class LockHolder:
    """The locks that one unit of work holds; all are released at its end."""

    def __init__(self, locks: list[threading.Lock], deadline: float) -> None:
        self._locks = locks
        self._deadline = deadline
        self._held: list[int] = []
        self._requested: set[int] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._release()

    def acquire(self, name: str) -> None:
        """Take the lock of a name, or go on without it if waiting might be a deadlock.

        Raises ServiceUnavailable when the lock is not free before the deadline.
        """
        number = zlib.crc32(name.encode()) % COUNT
        self._requested.add(number)
        if number in self._held:
            return
        if not self._held or number > max(self._held):
            self._wait(number)
        elif self._locks[number].acquire(blocking=False):
            self._held.append(number)

    def acquire_again(self) -> None:
        """Before the work is repeated, take all locks that it has requested so far, in order.

        Raises ServiceUnavailable when one of them is not free before the deadline.
        """
        self._release()
        for number in sorted(self._requested):
            self._wait(number)

    def _wait(self, number: int) -> None:
        seconds = max(0.0, self._deadline - time.monotonic())
        if not self._locks[number].acquire(timeout=seconds):
            raise ServiceUnavailable("Too many requests write to the same dialogue. Try again shortly.")
        self._held.append(number)

    def _release(self) -> None:
        for number in self._held:
            self._locks[number].release()
        self._held.clear()
