"""All waits of a request for the store come out of one budget."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest

from app import patience
from app.domain.errors import ServiceUnavailable


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """Leave no budget to the next test."""
    yield
    patience.end()


def test_without_a_request_a_wait_has_its_own_limit() -> None:
    """The command line is not held to a request's budget."""
    for _ in range(2):
        with patience.waiting(3.0) as seconds:
            assert seconds == 3.0


def test_a_wait_gets_what_earlier_ones_left() -> None:
    """Two waits of a request together take no longer than one may."""
    patience.begin(0.2)
    with patience.waiting(0.2) as first:
        assert first == 0.2
        time.sleep(0.05)
    with patience.waiting(0.2) as second:
        assert 0 < second <= 0.15


def test_a_wait_is_never_longer_than_its_own_limit() -> None:
    """The budget bounds it from above only."""
    patience.begin(5.0)
    with patience.waiting(0.1) as seconds:
        assert seconds == 0.1


def test_a_spent_budget_is_refused_at_once() -> None:
    """Also when what spent it has failed."""
    patience.begin(0.01)
    with contextlib.suppress(KeyError), patience.waiting(1.0):
        time.sleep(0.02)
        raise KeyError
    with pytest.raises(ServiceUnavailable), patience.waiting(1.0):
        pass


def test_time_between_waits_is_not_counted() -> None:
    """A model that writes a summary does not use up the store's time."""
    patience.begin(0.05)
    time.sleep(0.06)
    with patience.waiting(1.0) as seconds:
        assert seconds == 0.05


@pytest.mark.parametrize("budget", [None, 1.0])
def test_what_can_be_done_without_gets_less(budget: float | None) -> None:
    """And gives back what it did not use."""
    if budget is not None:
        patience.begin(budget)
    with patience.at_most(0.1), patience.waiting(5.0) as seconds:
        assert 0 < seconds <= 0.1
    with patience.waiting(5.0) as seconds:
        assert seconds > 0.8
