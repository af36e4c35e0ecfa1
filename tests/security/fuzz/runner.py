"""Runs schemathesis against a real server on each store, and says in figures how it went.

``CASES`` (2000 if unset) is how many requests each store has to stand at least, ``SECONDS`` (90) how long
a round may take, ``SEED`` (1) the seed of the first; more rounds follow, with the next seeds, until the
number is reached. ``STORES`` names the stores, ``sqlite`` and, when ``MONGODB_URI`` names a server,
``mongodb`` if unset. A failed check, an answer of 500 and above, a worker that died, and one that grew by
more than ``GROWTH_KIB`` are each a failure of the run.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pymongo

from tests.security.server import Memory, Server, new_project, serving

HERE = Path(__file__).parent
SPEC = HERE.parents[2] / "openapi.yaml"
GROWTH_KIB = 64 * 1024
"""How much the resident memory of a worker may grow over a run, in KiB."""

FIRST_PHASES = "examples,coverage,fuzzing,stateful"
LATER_PHASES = "fuzzing,stateful"
"""The other two send much the same each time."""

ROUNDS = 500


@dataclass(frozen=True, slots=True)
class Figures:
    """How a run went."""

    store: str
    statuses: Counter[str]
    explained: Counter[str]
    failed: bool
    seconds: float
    slowest: float
    before: dict[int, Memory]
    after: dict[int, Memory]

    @property
    def cases(self) -> int:
        """How many requests were answered."""
        return self.statuses.total()

    @property
    def passed(self) -> bool:
        """Whether everything held."""
        broken = any(status >= "500" for status in self.statuses)
        return not self.failed and not broken and self.is_bounded

    @property
    def is_bounded(self) -> bool:
        """Whether the workers are those of the beginning, and none grew beyond the bound."""
        return self.before.keys() == self.after.keys() and all(
            self.after[pid].resident - memory.resident <= GROWTH_KIB for pid, memory in self.before.items()
        )


def main() -> None:
    """Fuzz every store at once and print the figures; the exit status says whether all held."""
    cases = int(os.environ.get("CASES", "2000"))
    seconds = int(os.environ.get("SECONDS", "90"))
    usual = "sqlite,mongodb" if os.environ.get("MONGODB_URI") else "sqlite"
    stores = os.environ.get("STORES", usual).split(",")
    with ThreadPoolExecutor(len(stores)) as pool:
        results = list(pool.map(lambda store: fuzz(store, cases, seconds), stores))
    for figures in results:
        _show(figures)
    sys.exit(not all(figures.passed for figures in results))


def fuzz(store: str, cases: int, seconds: int) -> Figures:
    """Fuzz a fresh store until it has stood that many cases, or a round failed."""
    with tempfile.TemporaryDirectory() as name, _store_url(store, Path(name)) as url:
        folder = Path(name)
        with serving(url, folder) as server:
            before, started = server.memory(), time.monotonic()
            failed = _run_rounds(server, url, folder, cases, seconds)
            answers = [line.split() for line in _lines(folder / "answers")]
            return Figures(
                store,
                Counter(answer[0] for answer in answers),
                Counter(_lines(folder / "explained")),
                failed,
                time.monotonic() - started,
                max((float(answer[1]) for answer in answers), default=0.0),
                before,
                server.memory(),
            )


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="ascii").splitlines() if path.exists() else []


def _run_rounds(server: Server, store_url: str, folder: Path, cases: int, seconds: int) -> bool:
    """Run until there were enough cases; return whether a round failed."""
    seed, phases = int(os.environ.get("SEED", "1")), FIRST_PHASES
    for number in range(ROUNDS):
        # What a round remembers of its answers is all there is: it has a project of its own.
        key = new_project(store_url, f"round-{number}")
        options = ["--seed", str(seed + number), "--max-time", str(seconds), "--phases", phases]
        if not _run_round(server, key, folder, options):
            return True
        if len(_lines(folder / "answers")) >= cases:
            return False
        phases = LATER_PHASES
    return True


def _run_round(server: Server, key: str, folder: Path, options: list[str]) -> bool:
    arguments = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml")),
        *("run", str(SPEC), "--url", server.url, "--header", f"Authorization: Bearer {key}", *options),
    ]
    environment = os.environ | {"FUZZ_FOLDER": str(folder), "PYTHONPATH": str(SPEC.parent)}
    run = subprocess.run(  # our own arguments
        arguments, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    if run.returncode != 0:
        sys.stdout.write(run.stdout + run.stderr)
        sys.stdout.write(server.log.read_text(encoding="utf-8")[-5000:])
    return run.returncode == 0


@contextmanager
def _store_url(store: str, folder: Path) -> Iterator[str]:
    """Name a fresh store; afterwards the database of MongoDB is dropped."""
    if store == "sqlite":
        yield f"sqlite:///{folder}/store.db"
        return
    name = "fuzz_" + secrets.token_hex(6)
    url = urlunsplit(urlsplit(os.environ["MONGODB_URI"])._replace(path="/" + name))
    yield url
    with pymongo.MongoClient[dict[str, object]](url) as client:
        client.drop_database(name)


def _show(figures: Figures) -> None:
    answers = ", ".join(f"{status}: {count}" for status, count in sorted(figures.statuses.items()))
    rules = [f"    {count:6d}  {rule}" for rule, count in figures.explained.most_common()]
    workers = [
        f"    worker {number}: {before}; afterwards {figures.after.get(pid, 'it is gone')}"
        for number, (pid, before) in enumerate(figures.before.items(), 1)
    ]
    memory = "bounded" if figures.is_bounded else "FAILED"
    lines = [
        f"{figures.store}: {'passed' if figures.passed else 'FAILED'}",
        f"  {figures.cases} cases in {figures.seconds:.0f} s, the slowest answer {figures.slowest:.2f} s",
        f"  answers: {answers}",
        f"  {figures.explained.total()} of them refused, and rightly, by rules that no schema can say:",
        *rules,
        f"  memory {memory}: a worker may grow by {GROWTH_KIB // 1024} MiB",
        *workers,
    ]
    sys.stdout.write("\n".join(lines) + "\n")
