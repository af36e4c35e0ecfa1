"""Eviction: which connection is closed when a worker has too many, or too much is buffered for them.

Those who are in nobody's way stay: a client that was just accepted, one whose request has arrived, one that
takes its response, or sends its body, fast enough to be done in time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
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


def choose_buffered(waiting: Collection[Connection], now: float) -> Connection:
    """Return the connection whose buffer is freed: of the owner who holds most, the one that is slowest.

    A client that keeps pace is chosen only when all do.
    """
    held: Counter[str] = Counter()
    for one in waiting:
        held[one.owner] += one.buffered_bytes
    return min(waiting, key=lambda one: (one.keeps_pace(now), -held[one.owner], one.progress(now)))
