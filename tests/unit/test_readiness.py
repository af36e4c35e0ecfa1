"""Readiness is found out at most once a second, and a failure is never given twice."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from app import waiting
from app.domain.errors import ServiceUnavailable
from app.web.readiness import GOOD_SECONDS, Readiness


class Checked:
    """A store that counts how often it is asked, fails as told, and answers when it is let."""

    def __init__(self) -> None:
        self.asked = 0
        self.fails = False
        self.free = threading.Event()
        self.free.set()

    def check_ready(self) -> None:
        """Answer."""
        self.asked += 1
        self.free.wait(10)
        if self.fails:
            raise ServiceUnavailable


@pytest.fixture
def store() -> Checked:
    """A store."""
    return Checked()


@pytest.fixture
def readiness(store: Checked) -> Readiness:
    """What is asked."""
    return Readiness(cast("Any", store))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be set."""
    times = [1000.0]
    monkeypatch.setattr("app.web.readiness.time", type("Time", (), {"monotonic": lambda: times[0]}))
    return times


def test_good_check_is_given_again_for_a_second(
    store: Checked, readiness: Readiness, clock: list[float]
) -> None:
    """Within a second the store is not asked again; then it is."""
    for after, asked in ((0.0, 1), (0.5, 1), (0.49, 1), (0.02, 2), (0.9, 2), (5.0, 3)):
        clock[0] += after
        readiness.require()
        assert store.asked == asked


def test_second_counts_from_the_beginning_of_a_check(
    store: Checked, readiness: Readiness, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What took a second to find out is too old to be given again."""

    def work_slowly() -> None:
        store.asked += 1
        clock[0] += GOOD_SECONDS

    monkeypatch.setattr(store, "check_ready", work_slowly)
    readiness.require()
    readiness.require()
    assert store.asked == 2


def test_failure_is_not_remembered(store: Checked, readiness: Readiness) -> None:
    """After a failure the store is asked each time, and once it is well that is said at once."""
    store.fails = True
    for asked in (1, 2, 3):
        with pytest.raises(ServiceUnavailable):
            readiness.require()
        assert store.asked == asked
    store.fails = False
    readiness.require()


@pytest.mark.parametrize("fails", [False, True])
def test_those_who_ask_at_once_share_one_check(store: Checked, readiness: Readiness, *, fails: bool) -> None:
    """Eight who ask while a check runs get what it finds; who waits for it lets another lead."""
    store.fails = fails
    store.free.clear()
    left: list[int] = []

    def ask() -> BaseException | None:
        waiting.lead(lambda: left.append(1))
        try:
            readiness.require()
        except ServiceUnavailable as error:
            return error
        return None

    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(ask) for _ in range(8)]
        deadline = time.monotonic() + 10
        while len(left) < 7:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        store.free.set()
        failed = [answer.result() is not None for answer in answers]
    assert (failed, store.asked) == ([fails] * 8, 1)


def test_unexpected_error_is_passed_on(store: Checked, readiness: Readiness) -> None:
    """A bug in the check reaches whoever asked, and does not keep others from asking."""
    store.check_ready = None  # type: ignore[assignment, method-assign]  # a bug
    for _ in range(2):
        with pytest.raises(TypeError):
            readiness.require()
