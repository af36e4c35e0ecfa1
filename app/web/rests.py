"""Rests between the large reads of a key, while other keys ask as well.

Large reads that follow each other without a pause take most of a core, and light requests wait for it. So
the next one of the same key begins no sooner behind the last than that took. Who is alone does not rest.
"""

from __future__ import annotations

import threading
import time
from typing import Final

from ..waiting import LONGEST_REST, blocking, stand_in

SHARED_SECONDS: Final = 1.0
"""For how long a process counts as shared after a request with another key than the one before."""


class Rests:
    """The rests of one process, by key."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._until: dict[str, float] = {}
        self._last_key = ""
        self._shared_until = 0.0

    def note_key(self, key: str) -> None:
        """Note whose key a request carries."""
        if key != self._last_key:
            self._last_key = key
            self._shared_until = time.monotonic() + SHARED_SECONDS

    def wait(self, key: str) -> None:
        """Wait until the rest of a key is over; raises ServiceUnavailable when no time is left for it."""
        left = self._until.get(key, 0.0) - time.monotonic()
        if left > 0:
            with blocking(left) as seconds, stand_in():
                time.sleep(seconds)

    def begin(self, key: str, took: float) -> None:
        """Have a key rest for so many seconds, at most LONGEST_REST, if others ask."""
        now = time.monotonic()
        if now < self._shared_until:
            with self._changing:
                self._until = {one: until for one, until in self._until.items() if until > now}
                self._until[key] = now + min(took, LONGEST_REST)
