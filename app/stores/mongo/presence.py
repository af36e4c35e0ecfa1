"""Whether MongoDB has a primary: a store that is known to be away is not waited for by every request.

The driver lets a command wait for a primary for as long as its request may take, which is how an election
passes unnoticed. Once a command has waited in vain, all threads of a worker would soon do the same, and what
needs no store, such as ``/health``, would wait for them. So from then on one request at a time looks for the
store, and the others are refused. A command that had little time, such as the one that notes a key's last
use, says nothing: an election takes longer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

import pymongo
from pymongo.errors import PyMongoError, ServerSelectionTimeoutError

from ...domain.errors import ServiceUnavailable
from .failures import release, unavailable

LOOK_SECONDS: Final = 1.0
"""How long one request looks. The driver tries to connect every half second while somebody waits."""

WAIT_SECONDS: Final = 0.1
"""How long the others wait for what it finds: a store that is back answers sooner."""


class Presence:
    """What one process knows; ``ask`` is a command that only a primary answers.

    A command that had ``patience`` seconds or more and met none tells that the store is away.
    """

    def __init__(self, ask: Callable[[], object], patience: float) -> None:
        self._ask = ask
        self._patience = patience
        self._away = False
        self._looking = threading.Lock()

    def note(self, error: Exception, seconds: float) -> None:
        """Take note of a failure: the store is away if there was no primary, and seconds enough."""
        if isinstance(error, ServerSelectionTimeoutError) and seconds >= self._patience:
            self._away = True

    def require(self, seconds: float) -> float:
        """Return how long it took to see that the store is not known to be away; ``seconds`` at most.

        Raises ServiceUnavailable while another thread looks, and when there is no primary.
        """
        if not self._away:
            return 0.0
        begun = time.monotonic()
        if not self._looking.acquire(timeout=min(seconds, WAIT_SECONDS)):
            raise ServiceUnavailable
        try:
            if self._away:
                self._look(min(seconds, LOOK_SECONDS))
        finally:
            self._looking.release()
        return time.monotonic() - begun

    def _look(self, seconds: float) -> None:
        with pymongo.timeout(seconds):
            try:
                self._ask()
            except ServerSelectionTimeoutError as error:
                raise unavailable(error) from error
            except PyMongoError as error:
                # There is a primary: what else is wrong the request's own commands find out.
                release(error)
        self._away = False
