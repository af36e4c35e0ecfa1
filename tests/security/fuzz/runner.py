"""Runs schemathesis against a real server on each store, and says in figures how it went.

``CASES`` (2000 if unset) is how many requests each store has to stand at least, ``SECONDS`` (150) how
long the first round may take; more rounds follow, with other seeds, until the number is reached.
MongoDB takes part when ``MONGODB_URI`` names a server. Anything but zero failures, zero answers
of 500 and above, and a bounded memory is a failure of the run.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pymongo

from tests.security.server import Server, serving

HERE = Path(__file__).parent
SPEC = HERE.parents[2] / "openapi.yaml"
GROWTH_KIB = 64 * 1024
"""How much a worker's memory may grow over a run, in KiB."""

ROUNDS = 500


@dataclass(frozen=True, slots=True)
class Figures:
    """How a run went."""

    store: str
    statuses: dict[str, int]
    failed: bool
    seconds: float
    slowest: float
    before: int
    after: int

    @property
    def cases(self) -> int:
        """How many requests were answered."""
        return sum(self.statuses.values())

    @property
    def passed(self) -> bool:
        """Whether everything held."""
        broken = sum(count for status, count in self.statuses.items() if status >= "500")
        return not self.failed and not broken and self.after - self.before <= GROWTH_KIB


def main() -> None:
    """Fuzz every store at once and print the figures; the exit status says whether all held."""
    cases = int(os.environ.get("CASES", "2000"))
    seconds = int(os.environ.get("SECONDS", "150"))
    stores = ["sqlite", *(["mongodb"] if os.environ.get("MONGODB_URI") else [])]
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
            counts = folder / "counts"
            counts.touch()
            before, started = max(server.memory()), time.monotonic()
            failed = _run_rounds(server, folder, counts, cases, seconds)
            lines = [line.split() for line in counts.read_text(encoding="ascii").splitlines()]
            return Figures(
                store,
                _tally([line[0] for line in lines]),
                failed,
                time.monotonic() - started,
                max((float(line[1]) for line in lines), default=0.0),
                before,
                max(server.memory()),
            )


def _run_rounds(server: Server, folder: Path, counts: Path, cases: int, seconds: int) -> bool:
    """Run until there were enough cases; return whether a round failed."""
    seed = int(os.environ.get("SEED", "1"))
    for number in range(ROUNDS):
        # The first round covers everything, those after it go for numbers.
        if not _run_round(server, folder, counts, seed + number, seconds):
            return True
        if counts.read_text(encoding="ascii").count("\n") >= cases:
            return False
    return True


def _run_round(server: Server, folder: Path, counts: Path, seed: int, seconds: int) -> bool:
    arguments = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml")),
        *("run", str(SPEC), "--url", server.url, "--header", f"Authorization: Bearer {server.key}"),
        *("--seed", str(seed), "--max-time", str(seconds)),
    ]
    environment = os.environ | {"FUZZ_COUNTS": str(counts), "PYTHONPATH": str(SPEC.parent)}
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


def _tally(statuses: list[str]) -> dict[str, int]:
    return {status: statuses.count(status) for status in sorted(set(statuses))}


def _show(figures: Figures) -> None:
    answers = ", ".join(f"{status}: {count}" for status, count in figures.statuses.items())
    sys.stdout.write(
        f"{figures.store}: {'passed' if figures.passed else 'FAILED'}\n"
        f"  {figures.cases} cases in {figures.seconds:.0f} s, the slowest answer {figures.slowest:.2f} s\n"
        f"  answers: {answers}\n"
        f"  memory of the largest worker: {figures.before / 1024:.0f} MiB before, "
        f"{figures.after / 1024:.0f} MiB after\n"
    )
