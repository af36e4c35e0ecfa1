"""What searches by meaning cost in a large store: ``make bench-meaning``.

A store gets so many messages of made-up words (``bench.search.store``), and as vectors blends of those of
real texts with some noise: as unevenly spread as real ones. Two worker processes that share files search
it, one after the other, in the way of ``POST /search``. What is nearest is held against all vectors, compared
in double precision.

With usearch installed beside the project (``pip install usearch``) ``--usearch`` measures an approximate
index over the same vectors.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.domain.records import Project, ScopeFilter
from app.domain.timestamps import now
from app.meaning.files import VectorFiles
from app.meaning.matrices import MOST_BYTES, Matrices
from app.meaning.scores import DIGITS
from app.search.keywords import Keywords
from app.search.query import Mode, QueryVector, SearchObject, SearchQuery
from app.stores.sqlite import open_sqlite
from bench.search.quality import real_texts
from bench.search.rankings import KeptVectors, find_embedder
from bench.search.store import SCOPE, fill

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from app.meaning.matrices import Source
    from app.meaning.scores import Scores

MODEL = "bench"
TEXTS = 2000
BATCH = 500
QUERIES = 30
NEAREST = 10
CANDIDATES = 1000
"""How many of the nearest items a search reads."""

PART = 20_000
"""How many vectors are compared at once in double precision."""

NOISE = 0.4
GIB = 1024**3


class Blends:
    """Makes vectors that lie between those of two texts, and a little beside."""

    def __init__(self, seed: int) -> None:
        texts = sorted(real_texts().values())[:: max(1, len(real_texts()) // TEXTS)]
        vectors = b"".join(KeptVectors(find_embedder()).of(texts))
        self._chance = np.random.default_rng(seed)
        self.dimensions = find_embedder().dimensions
        self._texts = np.frombuffer(vectors, "<f2").reshape(-1, self.dimensions).astype(np.float32)

    def make(self, count: int) -> NDArray[np.float16]:
        """Return so many vectors."""
        first, second = self._texts[self._chance.integers(len(self._texts), size=(2, count))]
        share = self._chance.random((count, 1), np.float32) / 2
        noise = self._chance.standard_normal((count, self.dimensions), np.float32)
        mixed = first * (1 - share) + second * share + noise * (NOISE / self.dimensions**0.5)
        return (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype("<f2")


def make_store(path: Path, messages: int) -> None:
    """Fill a store and give each of its items a vector."""
    store = open_sqlite(path, timeout=60)
    store.migrate()
    store.create_project(Project(SCOPE.project, immutable=False, created=now()))
    store.queue_for(MODEL)
    fill(store, messages)
    blends = Blends(1)
    while entries := store.queued(MODEL, BATCH):
        made = blends.make(len(entries))
        store.save_vectors([(one.ticket, row.tobytes()) for one, row in zip(entries, made, strict=True)])
    store.close()


def ask(kind: SearchObject, vector: bytes) -> SearchQuery:
    """Return a search by meaning."""
    place = ScopeFilter(SCOPE.project)
    return SearchQuery(place, kind, Keywords(), 20, mode=Mode.MEANING, vector=QueryVector(MODEL, vector))


class Stopwatch:
    """Times of one kind of work, of the clock and of this thread."""

    def __init__(self) -> None:
        self._wall: list[float] = []
        self._cpu: list[float] = []

    def time(self, work: Callable[[], Any]) -> Any:
        """Return what the work returns."""
        wall, cpu = time.perf_counter(), time.thread_time()
        done = work()
        self._cpu.append(time.thread_time() - cpu)
        self._wall.append(time.perf_counter() - wall)
        return done

    def row(self, name: str) -> str:
        """Return the medians as a row of the table, and the longest of the clock."""
        wall, cpu = (statistics.median(times) * 1000 for times in (self._wall, self._cpu))
        return f"| {name} | {cpu:.1f} | {wall:.1f} | {max(self._wall) * 1000:.1f} |"


class Watched(Matrices):
    """Vectors of a process, with what comparing them takes, and the items that were nearest."""

    def __init__(self, files: VectorFiles | None) -> None:
        super().__init__(MOST_BYTES, files)
        self.watch = Stopwatch()
        self.nearest: list[set[int]] = []

    def scores(self, place: Hashable | None, source: Source, vector: bytes) -> Scores:
        """Return how near items are, and note which are nearest."""
        found: Scores = self.watch.time(partial(super().scores, place, source, vector))
        first = next(found.nearest_first(NEAREST))
        self.nearest.append({seq for seq, _ in first[:NEAREST]})
        return found


def work(path: Path, folder: Path | None, queries: list[bytes]) -> list[set[int]]:
    """Search as a worker process does, and print what it costs; return which messages were nearest."""
    matrices = Watched(None if folder is None else VectorFiles(folder, 8 * GIB))
    store = open_sqlite(path)
    store.migrate()
    store.queue_for(MODEL, matrices)
    nearest = []
    for kind in (SearchObject.MESSAGE, SearchObject.DIALOGUE):
        first, later = Stopwatch(), Stopwatch()
        first.time(lambda kind=kind: store.search(ask(kind, queries[0])))
        print(first.row(f"first search for a {kind.value}"))
        matrices.watch, matrices.nearest = Stopwatch(), []
        for query in queries:
            later.time(lambda kind=kind, query=query: store.search(ask(kind, query)))
        print(later.row(f"search for a {kind.value}"))
        if kind is SearchObject.MESSAGE:
            print(matrices.watch.row("of it, comparing"))
            nearest = matrices.nearest.copy()
    print(f"| memory of the worker: {memory()} | | | |", flush=True)
    store.close()
    return nearest


def memory() -> str:
    """Return what this process takes: of its own, and mapped from files that others map, too."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    own, files = (int(found) // 1024 for found in re.findall(r"Rss(?:Anon|File):\s+(\d+)", status))
    return f"{own} MB of its own, {files} MB of files"


def vectors_of(path: Path) -> tuple[list[int], NDArray[np.float16]]:
    """Return the numbers of the messages' vectors, and these."""
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT seq, pieces FROM vector WHERE kind = 'message'").fetchall()
    connection.close()
    stored = np.frombuffer(b"".join(pieces for _, pieces in rows), "<f2").reshape(len(rows), -1)
    return [seq for seq, _ in rows], stored


def exact(stored: NDArray[np.float16], queries: list[bytes], count: int) -> Iterator[set[int]]:
    """Yield the places of the nearest to each query, with all that are as near to five digits."""
    asked = np.array([np.frombuffer(query, "<f2") for query in queries]).astype(np.float64)
    parts = (
        stored[start : start + PART].astype(np.float64) @ asked.T for start in range(0, len(stored), PART)
    )
    for scores in np.concatenate(list(parts)).T.round(DIGITS):
        yield set(np.flatnonzero(scores >= np.sort(scores)[-count]).tolist())


def recall(right: Iterator[set[int]], found: Iterable[Collection[int]]) -> float:
    """Return the share of what was found that is right."""
    return statistics.mean(len(near & set(have)) / len(have) for near, have in zip(right, found, strict=True))


def measure_usearch(stored: NDArray[np.float16], queries: list[bytes]) -> None:
    """Print the same of an approximate index."""
    from usearch.index import Index

    index = Index(ndim=stored.shape[1], metric="ip", dtype="f16")
    wall, cpu = time.perf_counter(), time.process_time()
    index.add(np.arange(len(stored)), stored, threads=1)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(
        f"| usearch: built in {cpu:.0f} s of CPU, {wall:.0f} s; {index.memory_usage / 2**20:.0f} MiB | | | |"
    )
    for count in (NEAREST, CANDIDATES):
        index.expansion_search = max(64, count)
        watch = Stopwatch()
        found = [
            watch.time(partial(index.search, np.frombuffer(query, "<f2"), count)).keys.tolist()
            for query in queries
        ]
        print(
            watch.row(
                f"usearch, {count} nearest alone, recall {recall(exact(stored, queries, count), found):.3f}"
            ),
            flush=True,
        )


def measure(path: Path, *, shares: bool, usearch: bool) -> None:
    """Search with two workers, one after the other, and print what it costs."""
    queries = [row.tobytes() for row in Blends(2).make(QUERIES)]
    seqs, stored = vectors_of(path)
    print(f"{len(seqs):,} messages with vectors of {stored.shape[1]} numbers\n")
    print("| what | CPU ms, median | ms, median | ms, most |\n| --- | --- | --- | --- |", flush=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        for _ in range(2):
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as worker:
                found = worker.submit(work, path, Path(folder) if shares else None, queries).result()
        sizes = [one.stat().st_size for one in Path(folder).iterdir()]
    print(f"| files: {sum(sizes) / 2**20:.0f} MiB | | | |")
    right = ({seqs[place] for place in near} for near in exact(stored, queries, NEAREST))
    print(f"| recall of the {NEAREST} nearest: {recall(right, found):.3f} | | | |", flush=True)
    if usearch:
        measure_usearch(stored, queries)


def main() -> None:
    """Make the store, unless it is there, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=300_000)
    parser.add_argument("--folder", type=Path, help="where the store is, or is made and stays")
    parser.add_argument("--alone", action="store_true", help="share no files")
    parser.add_argument("--usearch", action="store_true", help="measure an approximate index, too")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "colloquy.db"
        if not path.exists():
            make_store(path, arguments.messages)
        measure(path, shares=not arguments.alone, usearch=arguments.usearch)


if __name__ == "__main__":
    main()
