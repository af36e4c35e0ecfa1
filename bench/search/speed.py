"""How fast searches of a large store are: ``python -m bench.search.speed FOLDER``.

FOLDER is one that ``bench.search.store`` has filled. Each kind of search is asked for many times,
each time with other words of the frequency it is about, once by one thread and once by eight. The
CPU time of a search says what it costs where other work keeps the machine busy.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.domain.records import ScopeFilter
from app.search.keywords import read_keywords
from app.search.query import SearchObject, SearchQuery
from app.stores import Backend
from app.stores.sqlite import open_sqlite
from bench.search.store import SCOPE, Language

ROUNDS = 40
CLIENTS = 8
SENTENCE = 17


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


def ask(backend: Backend, kind: SearchObject, text: str, *, prefix: bool = False) -> float:
    """Return the seconds that one search takes."""
    started = time.perf_counter()
    keywords = read_keywords(text, prefix=prefix)
    backend.search(SearchQuery(ScopeFilter(SCOPE.project), kind, keywords, 20))
    return time.perf_counter() - started


def report(name: str, kind: SearchObject, seconds: list[float], cpu: float) -> None:
    """Print a row of the table; ``cpu`` is what all of them took together."""
    seconds.sort()
    p99 = seconds[min(len(seconds) - 1, int(len(seconds) * 0.99))]
    median, mean = statistics.median(seconds), cpu / len(seconds)
    print(
        f"| {name} | {kind.value} | {median * 1000:.1f} | {p99 * 1000:.1f} | {mean * 1000:.1f} |", flush=True
    )


def measure(backend: Backend, name: str, make: Callable[[], str]) -> None:
    """Measure one kind of search over messages and dialogues."""
    for kind in (SearchObject.MESSAGE, SearchObject.DIALOGUE):
        texts = [make() for _ in range(ROUNDS)]
        for text in texts:
            ask(backend, kind, text)
        started = time.process_time()
        taken = [ask(backend, kind, text) for text in texts]
        report(name, kind, taken, time.process_time() - started)
        started = time.process_time()
        with ThreadPoolExecutor(CLIENTS) as pool:
            taken = list(pool.map(lambda text, kind=kind: ask(backend, kind, text), texts))
        report(f"{name}, {CLIENTS} at once", kind, taken, time.process_time() - started)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    backend = open_sqlite(parser.parse_args().folder / "colloquy.db")
    backend.migrate()
    searches = Searches()
    print("| search | of | median ms | p99 ms | CPU ms |\n| --- | --- | --- | --- | --- |")
    kinds = (searches.rare, searches.common, searches.function, searches.pair, searches.sentence)
    for make in kinds:
        measure(backend, make.__name__, make)
    beginnings = [
        ask(backend, SearchObject.MESSAGE, searches.common()[:3], prefix=True) for _ in range(ROUNDS)
    ]
    report("prefix of 3 letters", SearchObject.MESSAGE, beginnings)
    backend.close()


if __name__ == "__main__":
    main()
