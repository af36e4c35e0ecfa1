"""Requests that carry one Idempotency-Key and meet in one process."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from app import waiting
from app.domain.errors import IdempotencyConflict
from app.web.idempotency import RunningKeys


def test_requests_of_one_key_take_running() -> None:
    """However many come together, no two are inside at once."""
    running = RunningKeys()
    inside: list[int] = []
    most: list[int] = []

    def act(number: int) -> None:
        with running.hold("key"):
            inside.append(number)
            most.append(len(inside))
            inside.remove(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, range(40)))
    assert max(most) == 1
    assert len(most) == 40


def test_another_key_does_not_wait() -> None:
    """Only the same request does."""
    running = RunningKeys()
    entered = []
    with running.hold("key"), running.hold("other", 0.01):
        entered.append("other")
    assert entered == ["other"]


def test_a_repeat_whose_wait_runs_out_is_a_conflict() -> None:
    """It is told that the first still runs; once that is over, the key is free."""
    running = RunningKeys()
    entered = []
    with (
        running.hold("key"),
        pytest.raises(IdempotencyConflict, match="still being worked on"),
        running.hold("key", 0.01),
    ):
        entered.append("too early")
    with running.hold("key", 0.01):
        entered.append("afterwards")
    assert entered == ["afterwards"]


def test_the_wait_comes_out_of_the_requests_budget() -> None:
    """A repeat waits no longer than its request may wait for the store."""
    running = RunningKeys()
    entered = []
    waiting.begin_request(0.02)
    try:
        with running.hold("key"), pytest.raises(IdempotencyConflict), running.hold("key"):
            entered.append("too early")
    finally:
        waiting.end_request()
    assert not entered


def test_a_first_that_fails_frees_its_key() -> None:
    """The next one runs in its place."""
    running = RunningKeys()
    with pytest.raises(ValueError, match="failed"), running.hold("key"):
        raise ValueError("failed")
    entered = []
    with running.hold("key", 0.01):
        entered.append("next")
    assert entered == ["next"]
