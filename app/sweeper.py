"""The sweeper works in the background, in batches: removes hidden rows, indexes what is not indexed yet."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from .domain.errors import ServiceUnavailable
from .telemetry.measures import SWEPT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .stores import Maintenance

PERIOD = 60.0
"""Seconds between two sweeps when nothing wakes it; each start begins with one."""

log = logging.getLogger(__name__)


class Sweeper:
    """One daemon thread of a worker. Several workers may sweep at once; each row goes once.

    ``chores`` are what else is to be done now and then.
    """

    def __init__(self, backend: Maintenance, chores: Sequence[Callable[[], None]] = ()) -> None:
        self._backend = backend
        self._chores = chores
        self._woken = threading.Event()

    def wake(self) -> None:
        """Ask for a sweep soon."""
        self._woken.set()

    def start(self) -> None:
        """Sweep now, and whenever woken from here on."""
        self.wake()
        threading.Thread(target=self._run, name="sweeper", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._woken.wait(PERIOD)
            self._woken.clear()
            self.sweep()

    def sweep(self) -> None:
        """Do the chores, remove everything that is hidden, then index what is still to be indexed.

        A store that is away is tried again next time.
        """
        try:
            for chore in self._chores:
                chore()
            while (rows := self._backend.sweep()) or self._backend.index_step():
                SWEPT.add(amount=rows)
        except ServiceUnavailable:
            log.warning("the store does not answer; sweeping goes on later")
