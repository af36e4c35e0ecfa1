"""Rests between the large reads of a key, and within the work on a large body, while other keys ask as well.

Large reads that follow each other without a pause take most of a core, and light requests wait for it. So
the next one of the same key begins no sooner behind the last than that took. A large body is worked on for
a second or two, and rests within. Who is alone does not rest.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from ..waiting import LONGEST_REST, blocking, stand_in

STEP_SECONDS: Final = 0.002
"""How long a work that rests in steps goes on at least before it rests."""

LONGEST_STEP_REST: Final = 0.01
"""How long such a rest is at most: a step that took longer waited for others, who had their time."""

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

    def is_shared(self, now: float) -> bool:
        """Whether several keys ask; ``now`` is a reading of the monotonic clock."""
        return now < self._shared_until

    def in_steps(self) -> Callable[[], None]:
        """Return what a long work calls often: it rests for as long as it has worked since, if others ask."""
        begun = time.monotonic()

        def rest() -> None:
            nonlocal begun
            worked = time.monotonic() - begun
            if worked >= STEP_SECONDS:
                if self.is_shared(begun + worked):
                    time.sleep(min(worked, LONGEST_STEP_REST))
                begun = time.monotonic()

        return rest

    def wait(self, key: str) -> None:
        """Wait until the rest of a key is over; raises ServiceUnavailable when no time is left for it."""
        left = self._until.get(key, 0.0) - time.monotonic()
        if left > 0:
            with blocking(left) as seconds, stand_in():
                time.sleep(seconds)

    def begin(self, key: str, took: float) -> None:
        """Have a key rest for so many seconds, at most LONGEST_REST, if others ask."""
        now = time.monotonic()
        if self.is_shared(now):
            with self._changing:
                self._until = {one: until for one, until in self._until.items() if until > now}
                self._until[key] = now + min(took, LONGEST_REST)
