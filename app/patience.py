"""How long the request at hand may still wait for the store.

One request asks the store several times: for its key, for what it reads, for what it writes. All
these waits come out of one budget, so that together they stay within ``COLLOQUY_REQUEST_TIMEOUT``.
Time that passes elsewhere, at a model that writes a summary, is not taken from it. Without a
request (the command line, the sweeper) each wait has its own limit and no other.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from . import turns
from .domain.errors import ServiceUnavailable

_left: ContextVar[float | None] = ContextVar("_left", default=None)


def begin(seconds: float) -> None:
    """Give the request that starts in this thread its budget."""
    _left.set(seconds)


def end() -> None:
    """Forget the budget of the request that is over."""
    _left.set(None)


@contextmanager
def waiting(limit: float) -> Iterator[float]:
    """Wait for the store: gives the seconds that this wait may take, at most ``limit``.

    What it took is taken from the budget. Raises ServiceUnavailable when none is left.
    """
    turns.step_aside()
    left = _left.get()
    if left is None:
        yield limit
        return
    if left <= 0:
        raise ServiceUnavailable
    begun = time.monotonic()
    try:
        yield min(limit, left)
    finally:
        _left.set(left - (time.monotonic() - begun))


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Hold the waits inside to a smaller budget: for what the request can do without."""
    left = _left.get()
    allowed = seconds if left is None else min(left, seconds)
    begun = time.monotonic()
    _left.set(allowed)
    try:
        yield
    finally:
        _left.set(None if left is None else left - (time.monotonic() - begun))
