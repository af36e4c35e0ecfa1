"""Work in steps: it rests between two, within the budget of its request."""

from __future__ import annotations

import time

import pytest

from app import waiting
from app.domain.errors import ServiceUnavailable
from app.domain.ids import last_id, new_id
from app.domain.timestamps import now


def test_a_step_is_repeated_until_it_has_a_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """None is no result, and everything else is; behind the last step nobody rests.

    A rest is as long as the step before it, within bounds.
    """
    steps: list[tuple[float, int | None]] = [(0.0, None), (0.03, None), (2.0, None), (5.0, 0)]
    rests: list[float] = []
    clock = 0.0

    def step() -> int | None:
        nonlocal clock
        seconds, result = steps.pop(0)
        clock += seconds
        return result

    monkeypatch.setattr(time, "sleep", rests.append)
    monkeypatch.setattr(time, "monotonic", lambda: clock)
    assert waiting.in_steps(step) == 0
    assert rests == [waiting.SHORTEST_REST, pytest.approx(0.03), waiting.REST_BETWEEN_STEPS]


def test_steps_end_with_the_budget_of_the_request() -> None:
    """The rests count, so that a request does not go on for ever."""
    steps: list[None] = []
    waiting.begin_request(3 * waiting.SHORTEST_REST)
    try:
        with pytest.raises(ServiceUnavailable):
            waiting.in_steps(lambda: steps.append(None))
    finally:
        waiting.end_request()
    assert 1 < len(steps) < 5


def test_ids_of_a_moment_sort_before_those_made_later() -> None:
    """What was made up to a millisecond is told from what is made in the next one."""
    before = new_id()
    moment = now()
    time.sleep(0.002)
    assert before <= last_id(moment) < new_id()
