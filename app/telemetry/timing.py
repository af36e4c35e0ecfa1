"""Timing the store's calls: for the metrics, and for the line that each request has in the log."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from ..domain.errors import ServiceUnavailable
from .measures import STORE_ERRORS, STORE_SECONDS

B = TypeVar("B")

OPERATIONS = (
    "write",
    "get_dialogue",
    "get_dialogues",
    "get_dialogue_items",
    "list_dialogues",
    "find_generation",
    "list_messages",
    "get_message",
    "get_memory",
    "list_memories",
    "get_summary",
    "list_summaries",
    "latest_summary",
    "find_idempotency",
    "search",
    "stats",
    "find_key",
    "touch_key",
    "check_ready",
)
"""The calls that are timed. Those that answer an iterator take their time later, and are left out."""


class _Thread(threading.local):
    """How long the store took for the request of the thread at hand, in seconds."""

    seconds: float = 0.0


_thread = _Thread()


def begin_timing() -> None:
    """Begin a request in this thread."""
    _thread.seconds = 0.0


def store_seconds() -> float:
    """Return how long the store took since the request of this thread began."""
    return _thread.seconds


class _Measured:
    """Stands before a store; what is not timed is the store's own."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        for name in OPERATIONS:
            setattr(self, name, _timed(backend, name))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)


def measure(backend: B) -> B:
    """Return the store with its calls timed."""
    return cast("B", _Measured(backend))


def _timed(backend: Any, name: str) -> Callable[..., Any]:
    def timed(*args: Any, **options: Any) -> Any:
        begun = time.perf_counter()
        try:
            return getattr(backend, name)(*args, **options)
        except ServiceUnavailable as error:
            STORE_ERRORS.add(_cause(error))
            raise
        finally:
            taken = time.perf_counter() - begun
            _thread.seconds += taken
            STORE_SECONDS.observe(taken, name)

    return timed


def _cause(error: ServiceUnavailable) -> str:
    """Return the kind of error behind a failure: SQLite's name for it, or the driver's class."""
    cause = error.__cause__
    return str(getattr(cause, "sqlite_errorname", type(cause or error).__name__))
