"""The threads of a worker: so many that serve, and a stand-in for each that waits for another request."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator


class ThreadPool:
    """``size`` threads that run ``target``, which has to call ``rest`` between two requests.

    Stand-ins that are not needed rest until they are: a thread has connections of its own, which are dear.
    """

    def __init__(self, size: int, target: Callable[[], None]) -> None:
        self._size = size
        self._target = target
        self._changed = threading.Condition()
        self._serving = 0
        self._resting = 0
        self._called = 0

    def start(self) -> None:
        """Start the threads."""
        for _ in range(self._size):
            self._add_missing()

    def _add_missing(self) -> None:
        """Have one more serve if fewer do than should; raises RuntimeError where the system has no more."""
        with self._changed:
            if self._serving >= self._size:
                return
            if self._resting > self._called:
                self._called += 1
                self._changed.notify()
            else:
                threading.Thread(target=self._target, name="server", daemon=True).start()
            self._serving += 1

    @contextlib.contextmanager
    def stand_in(self) -> Iterator[None]:
        """Let another thread serve while the calling one waits; without one where the system has no more."""
        with self._changed:
            self._serving -= 1
        try:
            with contextlib.suppress(RuntimeError):
                self._add_missing()
            yield
        finally:
            with self._changed:
                self._serving += 1

    def rest(self) -> None:
        """Wait while more threads serve than should."""
        with self._changed:
            if self._serving <= self._size:
                return
            self._serving -= 1
            self._resting += 1
            self._changed.wait_for(lambda: self._called)
            self._called -= 1
            self._resting -= 1
