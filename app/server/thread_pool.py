"""The threads of a worker: so many that serve, and a stand-in for each that waits for another request."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator


class ThreadPool:
    """``size`` threads that run ``target``, which has to return when its thread ``is_surplus``."""

    def __init__(self, size: int, target: Callable[[], None]) -> None:
        self._size = size
        self._target = target
        self._lock = threading.Lock()
        self._count = 0
        self._away = 0

    def start(self) -> None:
        """Start the threads."""
        for _ in range(self._size):
            self._add_missing()

    def _add_missing(self) -> None:
        """Start a thread if fewer serve than should; raises RuntimeError where the system has no more."""
        with self._lock:
            if self._count - self._away >= self._size:
                return
            threading.Thread(target=self._target, name="server", daemon=True).start()
            self._count += 1

    @contextlib.contextmanager
    def stand_in(self) -> Iterator[None]:
        """Let another thread serve while the calling one waits; without one where the system has no more."""
        with self._lock:
            self._away += 1
        try:
            with contextlib.suppress(RuntimeError):
                self._add_missing()
            yield
        finally:
            with self._lock:
                self._away -= 1

    def is_surplus(self) -> bool:
        """Whether the calling thread is one too many; it is not counted any more then."""
        with self._lock:
            surplus = self._count - self._away > self._size
            self._count -= surplus
            return surplus
