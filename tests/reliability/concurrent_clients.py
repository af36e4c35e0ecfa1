"""Many clients that start at the same moment, and what their requests came to.

Each request has a connection of its own, so that it goes to whichever worker process takes it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from tests.reliability.client import Answer, Client, Request

T = TypeVar("T")

CONFLICTS = (409, 412)


@dataclass
class Figures:
    """The answers of one race, and what was wrong with them."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        requests = sum(self.statuses.values())
        conflicts = sum(self.statuses[status] for status in CONFLICTS)
        failures = sum(count for status, count in self.statuses.items() if status == 0 or status >= 500)
        return (
            f"{requests:,} requests, {conflicts:,} conflicts, {failures} failures, "
            f"p50 {self.percentile(50):.0f} ms, p99 {self.percentile(99):.0f} ms, "
            f"slowest {self.percentile(100):.0f} ms, {len(self.problems)} problems"
        )

    def percentile(self, percent: int) -> float:
        """Return the time in milliseconds that so many percent of the requests stayed within."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else 0.0

    def expect(self, right: object, problem: str) -> None:
        """Note a problem unless something is right."""
        if not right:
            self.problems.append(problem)


class Caller:
    """One client of a crowd; its answers go into the crowd's figures."""

    def __init__(self, port: int, key: str, figures: Figures, lock: threading.Lock) -> None:
        self._client = Client(port, key)
        self._figures = figures
        self._lock = lock

    def send(self, request: Request, *allowed: int) -> Answer:
        """Send a request once; a status that is neither 2xx nor allowed is a problem."""
        answer = self._client.send(request)
        self._client.close()
        result = answer or Answer(0, "no answer", {}, 0.0)
        with self._lock:
            self._figures.statuses[result.status] += 1
            self._figures.seconds.append(result.seconds)
            if not result.accepted and result.status not in allowed:
                text = f"{request.method} {request.target}: {result.status} {result.text[:200]}"
                self._figures.problems.append(text)
        return result


class ConcurrentClients:
    """Makes callers and lets them run together."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._key = key
        self.figures = Figures()
        self.reader = Client(port, key)
        """A client whose requests are not counted."""

    def run(self, count: int, act: Callable[[int, Caller], T]) -> list[T]:
        """Run ``act`` in so many threads, each with a connection of its own, at the same moment."""
        lock = threading.Lock()
        gate = threading.Barrier(count)

        def start(number: int) -> T:
            caller = Caller(self._port, self._key, self.figures, lock)
            gate.wait()
            return act(number, caller)

        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(start, range(count)))
