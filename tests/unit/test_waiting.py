"""Waits for something outside: one budget for a request, and one leader among the threads of a worker."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from app import waiting
from app.domain.errors import ServiceUnavailable


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """Leave no budget and no leader to the next test."""
    yield
    waiting.end_request()
    waiting.promote_follower()


def test_without_a_request_a_wait_has_its_own_limit() -> None:
    """The command line is not held to a request's budget."""
    for _ in range(2):
        with waiting.blocking(3.0) as seconds:
            assert seconds == 3.0


def test_a_wait_gets_what_earlier_ones_left() -> None:
    """Two waits of a request together take no longer than one may."""
    waiting.begin_request(0.2)
    with waiting.blocking(0.2) as first:
        assert first == 0.2
        time.sleep(0.05)
    with waiting.blocking(0.2) as second:
        assert 0 < second <= 0.15


def test_a_wait_is_never_longer_than_its_own_limit() -> None:
    """The budget bounds it from above only."""
    waiting.begin_request(5.0)
    with waiting.blocking(0.1) as seconds:
        assert seconds == 0.1


def test_a_spent_budget_is_refused_at_once() -> None:
    """Also when what spent it has failed."""
    waiting.begin_request(0.01)
    with contextlib.suppress(KeyError), waiting.blocking(1.0):
        time.sleep(0.02)
        raise KeyError
    with pytest.raises(ServiceUnavailable), waiting.blocking(1.0):
        pass


def test_time_between_waits_is_not_counted() -> None:
    """A model that writes a summary does not use up the store's time."""
    waiting.begin_request(0.05)
    time.sleep(0.06)
    with waiting.blocking(1.0) as seconds:
        assert seconds == 0.05


@pytest.mark.parametrize("budget", [None, 1.0])
def test_what_can_be_done_without_gets_less(budget: float | None) -> None:
    """And gives back what it did not use."""
    if budget is not None:
        waiting.begin_request(budget)
    with waiting.at_most(0.1), waiting.blocking(5.0) as seconds:
        assert 0 < seconds <= 0.1
    with waiting.blocking(5.0) as seconds:
        assert seconds > 0.8


def test_a_wait_without_a_limit_is_taken_from_no_budget() -> None:
    """A body that comes slowly has its own deadline, and leaves the store its time."""
    waiting.begin_request(0.05)
    with waiting.blocking() as seconds:
        assert seconds == math.inf
        time.sleep(0.06)
    with waiting.blocking(1.0) as seconds:
        assert seconds == 0.05


def test_the_leader_promotes_a_follower_once() -> None:
    """Whoever has to wait lets another thread lead, and not a second time."""
    promoted: list[str] = []
    waiting.lead(lambda: promoted.append("another"))
    assert waiting.is_leader()
    for limit in (None, 1.0):
        with waiting.blocking(limit):
            assert promoted == ["another"]
    assert not waiting.is_leader()


def test_a_follower_promotes_nobody() -> None:
    """A thread that never led can wait without taking the lead from the one that has it."""
    promoted: list[str] = []
    waiting.lead(lambda: promoted.append("another"))
    other = threading.Thread(target=waiting.promote_follower)
    other.start()
    other.join()
    assert waiting.is_leader()
    waiting.promote_follower()
    assert promoted == ["another"]


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize(("took", "rest"), [(0.25, 0.25), (4.0, waiting.LONGEST_REST)])
def test_long_work_is_followed_by_a_rest(
    monkeypatch: pytest.MonkeyPatch, took: float, rest: float, *, fails: bool
) -> None:
    """As long as the work took, up to a limit, whatever is left of the budget, also when it failed."""
    rests: list[float] = []
    clock = SimpleNamespace(monotonic=iter([10.0, 10.0 + took]).__next__, sleep=rests.append)
    waiting.begin_request(0.0)
    monkeypatch.setattr(waiting, "time", clock)
    with contextlib.suppress(KeyError), waiting.spaced():
        if fails:
            raise KeyError
    assert rests == [rest]
