"""How the soak judges what an answer costs, on answers that are made up."""

from __future__ import annotations

import os
import time

import pytest

from tests.reliability.soak_load import Paid
from tests.reliability.soak_pace import Reading, judge_pace, used_by

SECONDS = 100


def answers(last: float = 0.001) -> list[Paid]:
    """Return ten answers a second, which cost a millisecond at first and ``last`` seconds at the end."""
    moments = [(number + 0.5) / 10 for number in range(10 * SECONDS)]
    return [
        (moment, 0.02, 0.001 + (last - 0.001) * moment / SECONDS, "odd" if number % 2 else "even")
        for number, moment in enumerate(moments)
    ]


def readings(made: list[Paid]) -> list[Reading]:
    """Return what a worker had used, second by second, when it used just what its answers cost."""
    return [(second, sum(paid[2] for paid in made if paid[0] < second)) for second in range(SECONDS + 1)]


@pytest.mark.parametrize(("last", "is_level"), [(0.001, True), (0.0015, True), (0.002, False)])
def test_a_cost_that_doubles_is_a_problem(last: float, is_level: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """One that rises by half is within what a busy machine does."""
    made = answers(last)
    problems = judge_pace(made, [readings(made)], [])
    assert (not problems) == is_level


def test_what_costs_more_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Waiting is told, and no problem however long; each worker's time counts."""
    made = [(moment, 9.0 if moment > 50 else 0.02, cost, kind) for moment, _, cost, kind in answers()]
    dearer = [(m, s, cost * 1.4 if m > 50 and kind == "odd" else cost, kind) for m, s, cost, kind in made]
    assert judge_pace(dearer, [readings(dearer), readings(dearer)], [readings(made)]) == []
    told = capsys.readouterr().out
    assert "processor time of the workers in ms an answer, tenth by tenth: 2.00" in told
    assert "processor time of the clients in ms an answer, tenth by tenth: 1.00" in told
    assert "median answer in ms, tenth by tenth: 20.0" in told
    assert "odd: 1.00 -> 1.40 ms, 0.200 of the mean" in told


def test_a_dear_request_that_comes_oftener_is_no_problem() -> None:
    """The mix is left to chance, and may cost more at the end."""
    made = [
        (moment, seconds, 0.02, "dear")
        if number % (40 if moment < 50 else 10) == 0
        else (moment, seconds, cost, kind)
        for number, (moment, seconds, cost, kind) in enumerate(answers())
    ]
    used = readings(made)
    assert used[-1][1] - used[70][1] > 1.5 * used[30][1]
    assert judge_pace(made, [used], []) == []


def test_a_tenth_without_answers_is_a_problem() -> None:
    """A server that stands still costs nothing."""
    made = [paid for paid in answers() if not 40 < paid[0] < 60]
    assert judge_pace(made, [readings(answers())], []) == [
        "nothing was answered in one of the tenths of the time"
    ]


def test_the_processor_time_of_a_process_grows_as_it_works() -> None:
    """It is that of all threads, and in seconds."""
    before, begun = used_by(os.getpid()), time.process_time()
    while time.process_time() - begun < 0.1:
        pass
    assert used_by(os.getpid()) - before == pytest.approx(time.process_time() - begun, abs=0.05)
