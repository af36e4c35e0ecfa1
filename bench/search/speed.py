"""How fast searches of a large store are: ``python -m bench.search.speed STORE``.

STORE is one that ``bench.search.store`` has filled: a folder, or the URL of a MongoDB database. Each kind of
search is asked for many times, each time with other words of the frequency it is about, once by one thread
and once by eight. The CPU time of a search says what it costs where other work keeps the machine busy; with
``--process PID`` that of another process and those below it, such as a database's, is a column of its own.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from app.domain.records import ScopeFilter
from app.search.keywords import read_keywords
from app.search.query import SearchObject, SearchQuery
from app.stores import Backend
from bench.process import cpu_seconds_below
from bench.search.store import SCOPE, Language, open_store

ROUNDS = 40
CLIENTS = 8
SENTENCE = 17
KINDS = ("rare", "common", "function", "pair", "sentence")


class Searches:
    """Makes the words of searches."""

    def __init__(self) -> None:
        self._language = Language()
        self._random = random.Random(7)

    def rare(self) -> str:
        """Return a word that very few messages have."""
        return self._language.words[self._random.randrange(100_000, 110_000)]

    def common(self) -> str:
        """Return a word that a large part of the messages has, function words left out."""
        return self._language.words[self._random.randrange(120, 180)]

    def function(self) -> str:
        """Return one of the commonest words of all."""
        return self._language.words[self._random.randrange(8)]

    def pair(self) -> str:
        """Return two common words."""
        return f"{self.common()} {self.common()}"

    def sentence(self) -> str:
        """Return 17 words as a message may have them."""
        return self._language.sentence(SENTENCE)


@dataclass(frozen=True, slots=True)
class Spent:
    """The CPU seconds that this process has taken, and others."""

    own: float
    others: float


class Measurement:
    """Measures searches of a store, and prints a row of the table for each kind."""

    def __init__(self, backend: Backend, processes: Sequence[int]) -> None:
        self._backend = backend
        self._processes = processes

    def print_head(self) -> None:
        """Print the head of the table."""
        names = ["search", "of", "least ms", "median ms", "p99 ms", "CPU ms"]
        names += ["their CPU ms"] if self._processes else []
        print(f"| {' | '.join(names)} |\n|{' --- |' * len(names)}")

    def measure(self, name: str, make: Callable[[], str]) -> None:
        """Measure one kind of search over messages and dialogues."""
        for kind in (SearchObject.MESSAGE, SearchObject.DIALOGUE):
            texts = [make() for _ in range(ROUNDS)]
            for text in texts:
                self._ask(kind, text)
            before = self._spent()
            self._report(name, kind, [self._ask(kind, text) for text in texts], before)
            before = self._spent()
            with ThreadPoolExecutor(CLIENTS) as pool:
                taken = list(pool.map(partial(self._ask, kind), texts))
            self._report(f"{name}, {CLIENTS} at once", kind, taken, before)

    def measure_beginnings(self, make: Callable[[], str]) -> None:
        """Measure searches while typing."""
        before = self._spent()
        taken = [self._ask(SearchObject.MESSAGE, make()[:3], prefix=True) for _ in range(ROUNDS)]
        self._report("prefix of 3 letters", SearchObject.MESSAGE, taken, before)

    def _ask(self, kind: SearchObject, text: str, *, prefix: bool = False) -> float:
        """Return the seconds that one search takes."""
        started = time.perf_counter()
        keywords = read_keywords(text, prefix=prefix)
        self._backend.search(SearchQuery(ScopeFilter(SCOPE.project), kind, keywords, 20))
        return time.perf_counter() - started

    def _spent(self) -> Spent:
        return Spent(time.process_time(), sum(map(cpu_seconds_below, self._processes)))

    def _report(self, name: str, kind: SearchObject, seconds: list[float], before: Spent) -> None:
        spent = self._spent()
        seconds.sort()
        p99 = seconds[min(len(seconds) - 1, int(len(seconds) * 0.99))]
        figures = [seconds[0], statistics.median(seconds), p99, (spent.own - before.own) / len(seconds)]
        figures += [(spent.others - before.others) / len(seconds)] if self._processes else []
        shown = " | ".join(f"{figure * 1000:.1f}" for figure in figures)
        print(f"| {name} | {kind.value} | {shown} |", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store")
    parser.add_argument("--process", type=int, action="append", default=[])
    parser.add_argument("--only", action="append", choices=KINDS, help="one kind of search")
    options = parser.parse_args()
    with closing(open_store(options.store)) as backend:
        backend.migrate()
        searches = Searches()
        measurement = Measurement(backend, options.process)
        measurement.print_head()
        for name in options.only or KINDS:
            measurement.measure(name, getattr(searches, name))
        if not options.only:
            measurement.measure_beginnings(searches.common)


if __name__ == "__main__":
    main()
