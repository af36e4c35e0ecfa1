"""Whether an answer costs a server as much as before: the processor time of its processes.

How long a client waits depends on what else the machine does, and is only told. Processor time depends on
it less: where others use the processor's caches too, it was up to a quarter more. So the last three tenths
of the time are compared with the first three; a cost that doubles evenly is then 1.6 times as high.
"""

from __future__ import annotations

import os
import statistics
from bisect import bisect
from collections.abc import Iterable, Sequence
from itertools import chain, pairwise
from pathlib import Path
from typing import Final

from tests.reliability.report import say
from tests.reliability.soak_load import Paid

PARTS: Final = 10
FIRST: Final = slice(3)
LAST: Final = slice(-3, None)
MOST_DEARER: Final = 1.5
SHOWN: Final = 5
TICK: Final = 1 / os.sysconf("SC_CLK_TCK")

Reading = tuple[float, float]
"""A moment, and the processor time that a process had used by then, in seconds."""


def used_by(pid: int) -> float:
    """Return the processor time that a process has used, its own and the system's for it."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK


def judge_pace(
    answers: Iterable[Paid], workers: Sequence[Sequence[Reading]], clients: Sequence[Sequence[Reading]]
) -> list[str]:
    """Print what answers cost in each tenth of the time that the workers' readings span; return problems."""
    begun, ended = max(seen[0][0] for seen in workers), min(seen[-1][0] for seen in workers)
    edges = [begun + (ended - begun) * number / PARTS for number in range(PARTS + 1)]
    parts = _divide(answers, edges)
    if not all(parts):
        return ["nothing was answered in one of the tenths of the time"]
    spent = _spent(workers, edges)
    _tell("answers", map(len, parts))
    _tell_each("processor time of the workers", spent, parts)
    _tell_each("of it in the thread that answers", [sum(paid[2] for paid in part) for part in parts], parts)
    _tell_each("processor time of the clients", _spent(clients, edges), parts)
    _tell(
        "median answer in ms", (f"{1000 * statistics.median(paid[1] for paid in part):.1f}" for part in parts)
    )
    first, last = (_cost(spent[some], parts[some], parts) for some in (FIRST, LAST))
    say(f"  an answer costs {first:.2f} ms of the workers' time, at the end {last:.2f}; dearer are:")
    _tell_kinds(list(chain(*parts[FIRST])), list(chain(*parts[LAST])))
    if last > first * MOST_DEARER:
        return [f"an answer cost {first:.2f} ms of processor time at first and {last:.2f} ms at the end"]
    return []


def _cost(spent: Sequence[float], some: Sequence[Sequence[Paid]], parts: Sequence[Sequence[Paid]]) -> float:
    """Return the milliseconds that an answer cost in some parts, if all had the same mix of requests."""
    everything = list(chain(*parts))
    usual = {kind: statistics.fmean(costs) for kind, costs in _costs(everything).items()}
    mean = statistics.fmean(paid[2] for paid in everything)
    return 1000 * sum(spent) * mean / sum(usual[paid[3]] for paid in chain(*some))


def _divide(answers: Iterable[Paid], edges: Sequence[float]) -> list[list[Paid]]:
    parts: list[list[Paid]] = [[] for _ in range(PARTS)]
    for paid in answers:
        if edges[0] < paid[0] < edges[-1]:
            parts[bisect(edges, paid[0]) - 1].append(paid)
    return parts


def _spent(processes: Sequence[Sequence[Reading]], edges: Sequence[float]) -> list[float]:
    """Return the seconds of processor time that processes used between one edge and the next."""
    return [
        sum(_by(readings, end) - _by(readings, start) for readings in processes)
        for start, end in pairwise(edges)
    ]


def _by(readings: Sequence[Reading], moment: float) -> float:
    """Return what was used by a moment, on the line between the readings before and after it."""
    place = min(max(bisect(readings, (moment,)), 1), len(readings) - 1)
    (before, low), (after, high) = readings[place - 1], readings[place]
    return low + (high - low) * (moment - before) / (after - before)


def _tell(what: str, values: Iterable[object]) -> None:
    say(f"  {what}, tenth by tenth: {' '.join(map(str, values))}")


def _tell_each(what: str, seconds: Sequence[float], parts: Sequence[Sequence[Paid]]) -> None:
    shares = (f"{1000 * one / len(part):.2f}" for one, part in zip(seconds, parts, strict=True))
    _tell(f"{what} in ms an answer", shares)


def _tell_kinds(first: Sequence[Paid], last: Sequence[Paid]) -> None:
    """Print the kinds of request that have become dearer, those first that add most to the mean answer."""
    before, after = _costs(first), _costs(last)
    rises = {
        kind: (statistics.fmean(after[kind]) - statistics.fmean(before[kind])) * len(after[kind]) / len(last)
        for kind in before.keys() & after.keys()
    }
    for kind in sorted(rises, key=rises.__getitem__, reverse=True)[:SHOWN]:
        low, high = (1000 * statistics.fmean(costs[kind]) for costs in (before, after))
        say(f"    {kind}: {low:.2f} -> {high:.2f} ms, {1000 * rises[kind]:.3f} of the mean")


def _costs(answers: Iterable[Paid]) -> dict[str, list[float]]:
    costs: dict[str, list[float]] = {}
    for _, _, cost, kind in answers:
        costs.setdefault(kind, []).append(cost)
    return costs
