"""Whose turn it is to accept a client."""

from __future__ import annotations

import math
import selectors
import socket
from collections.abc import Iterator

import pytest

from app.server.listeners import FRESH_SECONDS, PAUSE_SECONDS, SLOTS, ConnectionCounts, Listeners

NOW = 100.0


@pytest.fixture
def counts() -> ConnectionCounts:
    """Give memory that two workers share."""
    return ConnectionCounts()


@pytest.fixture
def poller() -> Iterator[selectors.BaseSelector]:
    """Give what the worker waits with."""
    with selectors.DefaultSelector() as made:
        yield made


@pytest.fixture
def listeners(counts: ConnectionCounts, poller: selectors.BaseSelector) -> Iterator[Listeners]:
    """Give the open listening socket of worker 1."""
    made = Listeners([socket.create_server(("127.0.0.1", 0))], poller, 1, counts)
    made.open()
    yield made
    made.close()


def watched(poller: selectors.BaseSelector) -> int:
    """Return how many sockets are watched."""
    return len(poller.get_map())


def test_a_worker_alone_accepts_every_client(listeners: Listeners, poller: selectors.BaseSelector) -> None:
    """There is nobody to leave one to, not even a worker that has stopped or is stuck."""
    assert listeners.is_turn(1000, NOW)
    assert watched(poller) == 1


def test_a_client_is_left_to_a_worker_that_holds_fewer(
    listeners: Listeners, counts: ConnectionCounts, poller: selectors.BaseSelector
) -> None:
    """The worker looks away for a moment, and then takes whoever still waits."""
    counts.write(2, 3, NOW)
    assert listeners.is_turn(3, NOW)
    assert not listeners.is_turn(4, NOW)
    assert watched(poller) == 0
    assert not listeners.is_turn(4, NOW)
    assert listeners.seconds_left(NOW, 1.0) == pytest.approx(PAUSE_SECONDS)
    assert not listeners.update(4, NOW)
    assert listeners.update(4, NOW + PAUSE_SECONDS)
    assert watched(poller) == 1
    assert listeners.seconds_left(NOW + PAUSE_SECONDS, 1.0) == 1.0
    assert not listeners.update(4, NOW + 2 * PAUSE_SECONDS)


@pytest.mark.parametrize("state", ["stopped", "stuck"])
def test_nothing_is_left_to_a_worker_that_cannot_take_it(
    listeners: Listeners, counts: ConnectionCounts, state: str
) -> None:
    """One that has stopped has withdrawn, and one that is stuck or was killed has written nothing lately."""
    counts.write(2, 0, NOW)
    now = NOW
    if state == "stopped":
        counts.withdraw(2)
    else:
        now += FRESH_SECONDS
    assert listeners.is_turn(1, now)
    assert counts.least_of_others(1, now) == math.inf


def test_what_a_worker_holds_is_seen_by_the_others_until_it_stops(
    listeners: Listeners, counts: ConnectionCounts, poller: selectors.BaseSelector
) -> None:
    """Its own count is not among those of the others; with more workers than places two share one."""
    listeners.update(7, NOW)
    assert counts.least_of_others(2, NOW) == 7
    assert counts.least_of_others((1 + SLOTS) % SLOTS, NOW) == math.inf
    listeners.close()
    assert counts.least_of_others(2, NOW) == math.inf
    assert watched(poller) == 0
    assert not listeners.update(7, NOW)


def test_a_pause_ends_with_the_worker(
    listeners: Listeners, counts: ConnectionCounts, poller: selectors.BaseSelector
) -> None:
    """A worker that stops while it looks away watches nothing afterwards."""
    counts.write(2, 0, NOW)
    assert not listeners.is_turn(1, NOW)
    listeners.close()
    assert not listeners.is_turn(1, NOW)
    assert not listeners.update(1, NOW + 1)
    assert watched(poller) == 0
