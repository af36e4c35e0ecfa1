"""``blocking``: the one way to wait for something outside, be it a store, a lock, a body, Redis or a model.

A request asks the store several times: for its key, for what it reads, for what it writes. All these
waits come out of one budget, so that together they stay within ``COLLOQUY_REQUEST_TIMEOUT``. Time that
passes elsewhere, at a model that writes a summary, is not taken from it. Without a request (the command
line, the sweeper) each wait has its own limit and no other.

The threads of a worker follow the Leader/Followers pattern. Python runs one thread at a time anyway, and
threads that all want to run hand the interpreter to each other at every system call, which costs more than
reading a dialogue does. So one thread, the leader, goes from request to request, and promotes a follower
only when it may have to wait, or to work for longer than a moment. Under other servers and on the command
line nobody leads, and nothing is handed over.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Final, TypeVar

from .domain.errors import ServiceUnavailable

T = TypeVar("T")

SHORTEST_REST: Final = 0.005
"""Seconds between two steps of a long work: time for whoever waits to write."""
REST_BETWEEN_STEPS: Final = 0.1
"""Seconds between two steps at most."""
LONGEST_REST: Final = 1.0
"""Seconds of rest at most behind a work that could not be done in steps."""


class _Thread(threading.local):
    """What is known of the thread at hand."""

    promote: Callable[[], None] | None = None
    stand_in: Callable[[], AbstractContextManager[None]] | None = None
    aside: Callable[[], AbstractContextManager[None]] | None = None
    budget: float | None = None


_thread = _Thread()


def begin_request(budget: float) -> None:
    """Give the request that starts in this thread so many seconds for all its waits."""
    _thread.budget = budget


def end_request() -> None:
    """Forget the budget and the place of the request that is over."""
    _thread.budget = _thread.aside = None


@contextmanager
def blocking(limit: float | None = None) -> Iterator[float]:
    """Wait for something outside: gives the seconds that this wait may take, at most ``limit``.

    What it took is taken from the request's budget. Without a limit the wait is bounded by what is
    waited for, and taken from no budget. Raises ServiceUnavailable when no budget is left.
    """
    promote_follower()
    budget = _thread.budget
    if limit is None or budget is None:
        yield float("inf") if limit is None else limit
        return
    if budget <= 0:
        raise ServiceUnavailable
    begun = time.monotonic()
    try:
        yield min(limit, budget)
    finally:
        _thread.budget = budget - (time.monotonic() - begun)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Hold the waits inside to a smaller budget: for what the request can do without."""
    budget = _thread.budget
    begun = time.monotonic()
    _thread.budget = seconds if budget is None else min(budget, seconds)
    try:
        yield
    finally:
        _thread.budget = None if budget is None else budget - (time.monotonic() - begun)


def in_steps(step: Callable[[], T | None]) -> T:
    """Repeat a step until it has a result, with a rest behind each other one, in which others get to write.

    It is as long as the step was: one that had to wait, for the store or the processor, met others.

    Raises ServiceUnavailable when the request's budget is used up, and what ``step`` raises.
    """
    begun = time.monotonic()
    while (result := step()) is None:
        rest(min(REST_BETWEEN_STEPS, max(SHORTEST_REST, time.monotonic() - begun)))
        begun = time.monotonic()
    return result


def rest(seconds: float = SHORTEST_REST) -> None:
    """Let others write, who wait for what this thread has just done."""
    with blocking(seconds) as limit:
        time.sleep(limit)


@contextmanager
def spaced() -> Iterator[None]:
    """Rest for as long as the work inside took, at most LONGEST_REST: it may have kept all who write waiting.

    What is done is done, so that no budget ends this rest, and what failed has kept them waiting as well.
    """
    begun = time.monotonic()
    try:
        yield
    finally:
        time.sleep(min(LONGEST_REST, time.monotonic() - begun))


def lead(promote: Callable[[], None]) -> None:
    """Note that this thread is the leader; ``promote`` makes a follower the leader."""
    _thread.promote = promote


def is_leader() -> bool:
    """Whether this thread is the leader."""
    return _thread.promote is not None


def enable_stand_ins(stand_in: Callable[[], AbstractContextManager[None]]) -> None:
    """Note how another thread is made to serve while this one waits for other requests."""
    _thread.stand_in = stand_in


def has_stand_ins() -> bool:
    """Whether this thread, while it waits for other requests, takes none away from the server."""
    return _thread.stand_in is not None


def stand_in() -> AbstractContextManager[None]:
    """Wait inside for other requests of this process, while another thread serves in this one's place."""
    return nullcontext() if _thread.stand_in is None else _thread.stand_in()


def lend_place(aside: Callable[[], AbstractContextManager[None]]) -> None:
    """Note that this thread's request has a place that others wait for, and how they have it meanwhile."""
    _thread.aside = aside


def aside() -> AbstractContextManager[None]:
    """Wait inside for another machine, while another request has the place of this one, if it has one."""
    return nullcontext() if _thread.aside is None else _thread.aside()


def promote_follower() -> None:
    """Let another thread lead, since what comes now may take a while; once is enough for a request."""
    promote = _thread.promote
    if promote is not None:
        _thread.promote = None
        promote()
