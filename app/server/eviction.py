"""Eviction: which connection is closed when a worker has too many, or too much is buffered for them.

Those who are in nobody's way stay: a client that was just accepted, one whose request has arrived, one that
takes its response, or sends its body, fast enough to be done in time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from heapq import heapify, heappop, heapreplace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .connection import Connection

SHARE: Final = 4
"""An address may hold one in so many of all connections; what is beyond that is closed first."""

GRACE_SECONDS: Final = 2.0
"""How long a client that has just connected is given for the first bytes of its request."""


def choose_idle(waiting: Collection[Connection], now: float) -> Connection | None:
    """Return the connection that makes room for another one; None when none can be spared.

    First those of addresses that hold more than their share, and of these the one that is closing, else the
    one that has waited longest between two requests, else the one that has waited longest.
    """
    held = Counter(one.network for one in waiting)
    ranked = sorted(
        waiting,
        key=lambda one: (
            one.is_fresh(now, GRACE_SECONDS),
            held[one.network] * SHARE <= len(waiting),
            not one.is_closing,
            not one.is_idle,
            one.since,
        ),
    )
    return next((one for one in ranked if not one.has_arrived()), None)


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
