"""The lock that start-up work is done under, across threads, processes and machines."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ...domain.errors import ServiceUnavailable
from ...domain.ids import new_id
from .database import MongoDatabase

LEASE = 15.0
"""Seconds after which the lock of a holder that died is free.

Work that takes longer may run at the same time as another holder's, so it must be harmless to do twice.
"""

PAUSE = 0.05
MARK = {"_id": "exclusive"}


class LeaseLock:
    """A lease in the database by the server's clock, and a lock among the threads of this process.

    A thread that holds it may take it again. mongomock knows only this process.
    """

    def __init__(self, db: MongoDatabase) -> None:
        self._db = db
        self._lock = threading.RLock()
        self._depth = 0

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Wait for the lock, at most for a dead holder's lease and the time limit; then hold it.

        Raises ServiceUnavailable when it is not free by then.
        """
        seconds = LEASE + self._db.timeout
        if not self._lock.acquire(timeout=seconds):
            raise _busy()
        try:
            self._depth += 1
            if self._depth > 1 or not self._db.transactional:
                yield
            else:
                with self._lease(seconds):
                    yield
        finally:
            self._depth -= 1
            self._lock.release()

    @contextmanager
    def _lease(self, seconds: float) -> Iterator[None]:
        owner = new_id()
        deadline = time.monotonic() + seconds
        while not self._take(owner):
            if time.monotonic() >= deadline:
                raise _busy()
            time.sleep(PAUSE)
        try:
            yield
        finally:
            self._give_back(owner)

    def _take(self, owner: str) -> bool:
        """Take the lease if it is free or has run out; whether that worked."""
        until = {"$add": ["$$NOW", round(LEASE * 1000)]}
        free = {**MARK, "$expr": {"$lte": ["$until", "$$NOW"]}}
        changes = [{"$set": {"owner": {"$literal": owner}, "until": until}}]
        with self._db.bounded():
            if self._db.meta.find_one(MARK, ["_id"]) is None:
                self._db.meta.update_one(MARK, {"$setOnInsert": {"until": None}}, upsert=True)
            return self._db.meta.update_one(free, changes).matched_count == 1

    def _give_back(self, owner: str) -> None:
        with self._db.bounded():
            changes = {"$set": {"until": None, "owner": None}}
            self._db.meta.update_one({**MARK, "owner": owner}, changes)


def _busy() -> ServiceUnavailable:
    return ServiceUnavailable("Another process does start-up or removal work. Try again shortly.")
