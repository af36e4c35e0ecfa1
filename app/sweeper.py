"""What a worker does in the background, in threads of its own, whenever it is time or it is woken.

The sweeper works in batches: it removes hidden rows and indexes what is not indexed yet.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from .domain.errors import ServiceUnavailable
from .telemetry.measures import SWEPT
from .waiting import SHORTEST_REST, rest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .stores import Maintenance

PERIOD = 60.0
"""Seconds between two sweeps when nothing wakes it; each start begins with one."""

REST = 2.0
"""How long the sweeper rests behind a step: so many times what the step took."""
LONGEST_REST = 0.5
"""Seconds that it rests at most."""

log = logging.getLogger(__name__)


class Background:
    """One daemon thread that works at its start, then every ``period`` seconds, and when woken."""

    def __init__(self, name: str, period: float, work: Callable[[], None]) -> None:
        self._name = name
        self._period = period
        self._work = work
        self._woken = threading.Event()

    def wake(self) -> None:
        """Ask for work soon."""
        self._woken.set()

    def start(self) -> None:
        """Work now, and whenever woken from here on."""
        self.wake()
        threading.Thread(target=self._run, name=self._name, daemon=True).start()

    def _run(self) -> None:
        while True:
            self._woken.wait(self._period)
            self._woken.clear()
            try:
                self._work()
            except Exception:
                # The thread has to outlive what nobody foresaw: what it does has no other place.
                log.exception("%s failed; it goes on later", self._name)


class Sweeper(Background):
    """Sweeps. Several workers may sweep at once; each row goes once.

    ``chores`` are what else is to be done now and then. ``expire`` removes a few of what has expired, and
    returns how many.
    """

    def __init__(
        self,
        backend: Maintenance,
        chores: Sequence[Callable[[], None]] = (),
        expire: Callable[[], int] = lambda: 0,
    ) -> None:
        super().__init__("sweeper", PERIOD, self.sweep)
        self._backend = backend
        self._chores = chores
        self._expire = expire

    def sweep(self) -> None:
        """Do the chores, remove what has expired or is hidden, then index what is still to be indexed.

        A store that is away is tried again next time.
        """
        try:
            for chore in self._chores:
                chore()
            begun = time.monotonic()
            while self._expire() or self._sweep_rows() or self._backend.index_step():
                # A step that had to wait, for the store or the processor, met others who are in a hurry.
                rest(min(LONGEST_REST, max(SHORTEST_REST, REST * (time.monotonic() - begun))))
                begun = time.monotonic()
        except ServiceUnavailable:
            log.warning("the store does not answer; sweeping goes on later")

    def _sweep_rows(self) -> int:
        rows = self._backend.sweep()
        SWEPT.add(amount=rows)
        return rows
