"""The rounds: every contender in turn, again and again, and the medians of what was counted."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any

from bench import data, works
from bench.lineup import Contender
from bench.load import Driver, Sample
from bench.stage import Stage

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how often: ``seconds`` of load for each contender in each of ``rounds``."""

    rounds: int
    seconds: int
    connections: int = 16


def run(
    stage: Stage, lineup: tuple[Contender, ...], chosen: tuple[works.Work, ...], plan: Plan, say: Say
) -> Any:
    """Return, for each work, the medians of each contender that does it."""
    driver = Driver(plan.connections)
    results: dict[str, Any] = {}
    for work in chosen:
        who = [item.name for item in lineup if work.name in item.works and stage.store in item.stores]
        samples = _take(stage, work, who, plan, driver)
        results[work.name] = summarise(samples)
        for name, row in results[work.name].items():
            say(f"{stage.store:8} {work.name:7} {name:11} {_words(row)}")
    return results


def _take(
    stage: Stage, work: works.Work, who: list[str], plan: Plan, driver: Driver
) -> dict[str, list[Sample]]:
    files = {name: stage.requests(work, name) for name in who}
    for name in who:
        driver.warm(stage.servers[name], files[name], data.KEY)
    samples: dict[str, list[Sample]] = {name: [] for name in who}
    for number in range(plan.rounds):
        # Each begins a round in its turn, so that nobody always follows the same neighbour.
        turn = number % len(who)
        for name in who[turn:] + who[:turn]:
            sample = driver.measure(stage.servers[name], files[name], data.KEY, plan.seconds)
            samples[name].append(sample)
    return samples


def summarise(samples: dict[str, list[Sample]]) -> dict[str, dict[str, Any]]:
    """Return medians, and ``cpu_to``: the medians of the CPU ratios to each other one within a round."""
    rows: dict[str, dict[str, Any]] = {name: _medians(taken) for name, taken in samples.items()}
    for name, taken in samples.items():
        rows[name]["cpu_to"] = {
            other: statistics.median(one.cpu / two.cpu for one, two in zip(taken, theirs, strict=True))
            for other, theirs in samples.items()
            if other != name
        }
    return rows


def _medians(taken: list[Sample]) -> dict[str, Any]:
    rows = [asdict(sample) for sample in taken]
    return {entry.name: statistics.median(row[entry.name] for row in rows) for entry in fields(Sample)}


def _words(row: dict[str, Any]) -> str:
    ratio = f"{row['cpu_to']['flask']:6.2f} x Flask" if "flask" in row["cpu_to"] else ""
    return (
        f"{row['rate']:8.0f}/s  p50 {row['p50']:7.1f}  p99 {row['p99']:7.1f} ms  "
        f"CPU {row['cpu']:6.0f} us {ratio}"
    )
