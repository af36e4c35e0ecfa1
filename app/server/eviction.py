"""Eviction: which connection is closed when a worker has too many, or too much is buffered for them.

Those who are in nobody's way stay: a client that was just accepted, one whose request has arrived, one that
takes its response, or sends its body, fast enough to be done in time.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Container, Iterable, Iterator
from heapq import heapify, heappop, heapreplace
from itertools import islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .connection import Connection

SHARE: Final = 4
"""An address may hold one in so many of all connections; what is beyond that is closed first."""

GRACE_SECONDS: Final = 2.0
"""How long a client that has just connected is given for the first bytes of its request."""

CHOSEN: Final = 50
"""How many connections are chosen at a time to make room for others."""


class Spared:
    """The connections that make room for others: many are chosen at a time, and hold for a moment.

    Looking through a thousand takes a millisecond or two. Done for each new client of a flood, it lets the
    kernel's queue of new ones overflow, and whoever comes then waits for a second.
    """

    def __init__(self) -> None:
        self._chosen: list[tuple[Connection, float]] = []
        """The next one last, and since when each has waited."""

    def choose(self, waiting: Collection[Connection], now: float) -> Connection | None:
        """Choose from all that wait, and take the first; None when none can be spared."""
        ranked = (one for one in rank_idle(waiting, now) if not one.has_arrived())
        self._chosen = [(one, one.since) for one in islice(ranked, CHOSEN)][::-1]
        return self.take(waiting)

    def take(self, held: Container[Connection]) -> Connection | None:
        """Take the next that is still held, has waited all the time, and from which nothing has come."""
        while self._chosen:
            one, since = self._chosen.pop()
            if one in held and one.since == since and one.deadline < math.inf and not one.has_arrived():
                return one
        return None

    def forget(self) -> None:
        """Have the next one chosen anew: others may have come to wait longer."""
        self._chosen.clear()


def rank_idle(waiting: Collection[Connection], now: float) -> list[Connection]:
    """Return connections in the order in which they make room for others.

    First those of addresses that hold more than their share, and of these the one that is closing, else the
    one that has waited longest between two requests, else the one that has waited longest.
    """
    held = Counter(one.network for one in waiting)
    return sorted(
        waiting,
        key=lambda one: (
            one.is_fresh(now, GRACE_SECONDS),
            held[one.network] * SHARE <= len(waiting),
            not one.is_closing,
            not one.is_idle,
            one.since,
        ),
    )


def rank_buffered(waiting: Iterable[Connection], now: float) -> Iterator[Connection]:
    """Yield connections in the order in which their buffers are freed, for as long as more has to be.

    Of the owner who holds most at each time, the one that is slowest. Clients that keep pace come last.
    """
    slow: dict[str, list[Connection]] = {}
    in_time: dict[str, list[Connection]] = {}
    held: Counter[str] = Counter()
    for one in sorted(waiting, key=lambda one: -one.progress(now)):
        held[one.owner] += one.counted
        (in_time if one.keeps_pace(now) else slow).setdefault(one.owner, []).append(one)
    yield from _from_largest(slow, held)
    yield from _from_largest(in_time, held)


def _from_largest(owned: dict[str, list[Connection]], held: Counter[str]) -> Iterator[Connection]:
    """Yield the last connection of the owner who holds most, until none has any; ``held`` goes down."""
    largest = [(-held[owner], owner) for owner in owned]
    heapify(largest)
    while largest:
        _, owner = largest[0]
        one = owned[owner].pop()
        held[owner] -= one.counted
        yield one
        if owned[owner]:
            heapreplace(largest, (-held[owner], owner))
        else:
            heappop(largest)
