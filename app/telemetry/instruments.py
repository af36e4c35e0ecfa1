"""Instruments: what is counted and timed in this process.

prometheus_client writes every change into a file that other processes read, which costs 4 to 7
microseconds; a GET costs 200. So changes are only noted here, and added up and written once a second.

Label values come from our own code (operations, error codes, store methods), never from a client.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import deque
from typing import Final

Labels = tuple[str, ...]

MOST_NOTES: Final = 1000
"""How many changes are noted before whoever notes the next one adds them up."""


class Counter:
    """Counts something that only grows."""

    def __init__(self, name: str, text: str, *labels: str) -> None:
        self.name: Final = name
        self.text: Final = text
        self.labels: Final = labels
        self._lock = threading.Lock()
        self._notes: deque[tuple[Labels, float]] = deque()
        self._counts: dict[Labels, float] = {}

    def add(self, *labels: str, amount: float = 1) -> None:
        """Count one more under these label values, or ``amount``."""
        self._notes.append((labels, amount))
        if len(self._notes) > MOST_NOTES:
            with self._lock:
                self._add_up()

    def take(self) -> dict[Labels, float]:
        """Return what was counted since this was called last."""
        with self._lock:
            self._add_up()
            taken, self._counts = self._counts, {}
        return taken

    def _add_up(self) -> None:
        counts = self._counts
        while self._notes:
            labels, amount = self._notes.popleft()
            counts[labels] = counts.get(labels, 0) + amount


class Histogram:
    """Counts values by the first of its bounds that they do not exceed."""

    def __init__(self, name: str, text: str, *labels: str, bounds: tuple[float, ...]) -> None:
        self.name: Final = name
        self.text: Final = text
        self.labels: Final = labels
        self.bounds: Final = bounds
        self._lock = threading.Lock()
        self._notes: deque[tuple[Labels, float]] = deque()
        self._cells: dict[Labels, list[float]] = {}

    def observe(self, value: float, *labels: str) -> None:
        """Count a value under these label values."""
        self._notes.append((labels, value))
        if len(self._notes) > MOST_NOTES:
            with self._lock:
                self._add_up()

    def take(self) -> dict[Labels, list[float]]:
        """Return what was counted since the last call: a count for each bound, for the rest, and the sum."""
        with self._lock:
            self._add_up()
            taken, self._cells = self._cells, {}
        return taken

    def _add_up(self) -> None:
        cells, bounds = self._cells, self.bounds
        while self._notes:
            labels, value = self._notes.popleft()
            cell = cells.get(labels)
            if cell is None:
                cell = cells[labels] = [0.0] * (len(bounds) + 2)
            cell[bisect_left(bounds, value)] += 1
            cell[-1] += value


class Level:
    """Says how much of something there is now in this process."""

    def __init__(self, name: str, text: str) -> None:
        self.name: Final = name
        self.text: Final = text
        self.value: float = 0


class Occupancy(Level):
    """Says how many threads are at something now; a thread that is counted twice counts once."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(name, text)
        self._threads: set[int] = set()

    def enter(self) -> None:
        """Count the thread at hand."""
        self._threads.add(threading.get_ident())

    def leave(self) -> None:
        """Count it no more."""
        self._threads.discard(threading.get_ident())

    def update(self) -> None:
        """Bring the value up to date."""
        self.value = len(self._threads)


Instrument = Counter | Histogram | Level
