"""Readiness: the store is checked, by a write, at most once a second however many requests ask."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final

from ..waiting import blocking

if TYPE_CHECKING:
    from ..stores import Maintenance

GOOD_SECONDS: Final = 1.0
"""How long after its beginning a check that went well is answered again."""


class Readiness:
    """The checks of one worker. One that fails is shared by those who wait for it, and then forgotten."""

    def __init__(self, backend: Maintenance) -> None:
        self._backend = backend
        self._lock = threading.Lock()
        self._running: Future[None] | None = None
        self._good_until = 0.0

    def require(self) -> None:
        """Return if the store answers, is migrated and can be written; else ServiceUnavailable."""
        with self._lock:
            if time.monotonic() < self._good_until:
                return
            running = self._running
            check = self._running = running or Future()
        if running is None:
            self._perform(check)
        with blocking():
            check.result()

    def _perform(self, check: Future[None]) -> None:
        begun = time.monotonic()
        try:
            self._backend.check_ready()
        except BaseException as error:  # noqa: BLE001  # whoever asked gets it
            self._running = None
            check.set_exception(error)
        else:
            self._good_until = begun + GOOD_SECONDS
            self._running = None
            check.set_result(None)
