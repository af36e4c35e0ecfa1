"""Heavy requests: how many of those that take much processor time one key may have running at once.

A search or a digest works for as long as hundreds of reads. Threads that all want Python's interpreter slow
each other and everybody else down, so that in one worker one heavy request of a key runs at a time (with the
usual eight threads), a few more wait their turn, and the rest are told to come back; some threads always
remain for light requests. ``x-heavy`` in the description says which operations are meant: ``always``, or
``digest``: where the server itself writes summaries.
"""

from __future__ import annotations

import math
import threading
from collections import Counter

from ..domain.errors import RateLimitExceeded
from ..waiting import blocking


class HeavyRequests:
    """The heavy requests of one process, which has so many threads."""

    def __init__(self, threads: int) -> None:
        self.most_running = max(1, threads // 8)
        """Of one key, at once."""
        self.most_of_key = max(1, threads // 2)
        """Of one key, running or waiting."""
        self.most = max(1, threads - 2)
        """Of all keys, running or waiting."""
        self._changed = threading.Condition()
        self._present: Counter[str] = Counter()
        self._running: Counter[str] = Counter()

    def enter(self, key: str) -> None:
        """Begin a heavy request when its turn has come; raises RateLimitExceeded when that is too far off."""
        with blocking(math.inf) as seconds, self._changed:
            if self._present.total() >= self.most or self._present[key] >= self.most_of_key:
                raise _refusal()
            self._present[key] += 1
            longest = min(seconds, threading.TIMEOUT_MAX)
            if not self._changed.wait_for(lambda: self._running[key] < self.most_running, longest):
                self._forget(self._present, key)
                raise _refusal()
            self._running[key] += 1

    def leave(self, key: str) -> None:
        """End a heavy request."""
        with self._changed:
            self._forget(self._present, key)
            self._forget(self._running, key)
            self._changed.notify_all()

    @staticmethod
    def _forget(counter: Counter[str], key: str) -> None:
        counter[key] -= 1
        if not counter[key]:
            del counter[key]


def _refusal() -> RateLimitExceeded:
    return RateLimitExceeded(
        "Too many searches, digests, contexts or exports run at this moment. Try again in a second.",
        headers={"Retry-After": "1"},
    )
