"""``make soak``: a server under mixed load for long, and whether it stays as it was.

Clients come and go on each store (see ``soak_load``) while memory, file descriptors, threads, the sessions
and open transactions of MongoDB and the write-ahead log of SQLite are looked at. The first part of the time
warms caches up. After it the memory of each process may grow by no more than ``--growth`` MiB from the first
tenth of what is left to the last, the number of descriptors, threads, sessions and transactions may not grow
beyond their noise, and an answer may not cost more than at first (see ``soak_pace``). When the clients have
gone, every transaction ends within QUIET_SECONDS.
"""

from __future__ import annotations

import argparse
import multiprocessing
import secrets
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Final

from app.services.verify import Seen, verify
from tests.reliability.driver_sessions import Sessions
from tests.reliability.report import conclude, say
from tests.reliability.server import Server
from tests.reliability.soak_load import Load, visit
from tests.reliability.soak_pace import Reading, judge_pace, used_by
from tests.reliability.soak_wsgi import FOLDER
from tests.reliability.stores import KINDS, Home, grant, open_home

PROJECT: Final = "soak"
APPLICATION: Final = "tests.reliability.soak_wsgi:create()"
COMMAND: Final = ("-m", "app.server", "--config", "python:app.cli.gunicorn_config", APPLICATION)
CLIENTS: Final = 6
WARM_SECONDS: Final = 60.0
"""How long caches fill: the larger of this and a tenth of the time; a third of it where that is less."""

LOOKS: Final = 200
MOST_MORE: Final = 12
"""Of each of LEVELS: pools open connections and sessions as they are needed, up to one for each thread."""

LEVELS: Final = ("descriptors", "threads", "sessions", "transactions")
QUIET_SECONDS: Final = 100.0
"""Longer than what is in doubt is tried to be ended."""

MOST_LOG_MIB: Final = 64.0


@dataclass(frozen=True, slots=True)
class Look:
    """What a process holds: memory of its own in MiB, descriptors, threads, sessions, transactions."""

    memory: float
    descriptors: int
    threads: int
    sessions: int
    transactions: int

    @classmethod
    def at(cls, pid: int, folder: Path) -> Look:
        """Look at a process, which counts in a folder."""
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
        fields = dict(line.split(":", 1) for line in status)
        memory = int(fields["RssAnon"].split()[0]) / 1024
        descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        return cls(memory, descriptors, int(fields["Threads"]), *Sessions.of(folder, pid))


@dataclass(frozen=True, slots=True)
class Course:
    """What was seen while clients were there: of each worker and each client, by its process."""

    begun: float
    loads: list[Load]
    looks: dict[int, list[tuple[float, Look]]]
    workers: dict[int, list[Reading]]
    clients: dict[int, list[Reading]]
    log_mib: float
    """The largest write-ahead log."""


def soak(home: Home, seconds: float, growth: float, seed: str) -> list[str]:
    """Load a server on one store for so long; print the figures and return the problems."""
    key = grant(home, PROJECT)
    server = Server(home.url, home.folder / "server.log", command=COMMAND)
    server.environment[FOLDER] = str(home.folder)
    server.start()
    try:
        server.wait_until_ready()
        pids = server.workers()
        course = _load(home, server, key, seconds, seed)
        left = _wait_for_quiet(home.folder, pids)
        stayed = server.workers() == pids
    finally:
        server.stop()
    warm = course.begun + min(max(WARM_SECONDS, seconds / 10), seconds / 3)
    problems = [problem for load in course.loads for problem in load.problems]
    if left:
        problems.append(f"{left} transactions were still open {QUIET_SECONDS:.0f} s after the last request")
    if course.log_mib > MOST_LOG_MIB:
        problems.append(f"the write-ahead log grew to {course.log_mib:.0f} MiB")
    if stayed:
        for pid, seen in course.looks.items():
            problems += _judge(pid, [look for moment, look in seen if moment > warm], growth)
        problems += _judge_pace(course, warm)
    else:
        problems.append("a worker ended and was replaced, so that neither's figures say anything")
    backend = home.open()
    try:
        problems += map(str, verify(backend, PROJECT, Seen(), thorough=True))
    finally:
        backend.close()
    answers = sum(len(load.answers) for load in course.loads)
    say(f"  {answers:,} answers in {seconds:.0f} s; write-ahead log at most {course.log_mib:.1f} MiB")
    return [f"{home.name}: {problem}" for problem in problems]


def _load(home: Home, server: Server, key: str, seconds: float, seed: str) -> Course:
    """Let clients in, and look at the processes meanwhile."""
    pipes, processes = _start_clients(server.port, key, seed)
    begun = time.monotonic()
    until = begun + seconds
    for pipe in pipes:
        pipe.send(until)
    looks: dict[int, list[tuple[float, Look]]] = {pid: [] for pid in server.workers()}
    workers: dict[int, list[Reading]] = {pid: [] for pid in looks}
    clients: dict[int, list[Reading]] = {process.pid or 0: [] for process in processes}
    wal, log_mib = home.folder / "colloquy.db-wal", 0.0
    while time.monotonic() < until:
        for pid, readings in (workers | clients).items():
            if Path(f"/proc/{pid}").exists():
                readings.append((time.monotonic(), used_by(pid)))
        for pid, seen in looks.items():
            if Path(f"/proc/{pid}").exists():
                seen.append((time.monotonic(), Look.at(pid, home.folder)))
        if wal.exists():
            log_mib = max(log_mib, wal.stat().st_size / 2**20)
        time.sleep(seconds / LOOKS)
    loads = [pipe.recv() for pipe in pipes]
    for process in processes:
        process.join()
    return Course(begun, loads, looks, workers, clients, log_mib)


def _start_clients(port: int, key: str, seed: str) -> tuple[list[Connection], list[SpawnProcess]]:
    """Return the pipes and the processes of clients when all of them wait for the time to end."""
    fresh = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    for number in range(CLIENTS):
        ours, theirs = fresh.Pipe()
        processes.append(fresh.Process(target=visit, args=(port, key, f"{seed}-{number}", theirs)))
        processes[-1].start()
        pipes.append(ours)
    for pipe in pipes:
        pipe.recv()
    return pipes, processes


def _wait_for_quiet(folder: Path, pids: Sequence[int]) -> int:
    """Wait until no transaction is open; return how many there are when that takes too long."""
    until = time.monotonic() + QUIET_SECONDS
    while True:
        left = sum(Sessions.of(folder, pid).transactions for pid in pids)
        if not left or time.monotonic() >= until:
            return left
        time.sleep(0.05)


def _split(values: Sequence[float]) -> list[Sequence[float]]:
    """Return the tenths of a series that is long enough to have them."""
    count = min(10, len(values))
    edges = [len(values) * number // count for number in range(count + 1)]
    return [values[start:end] for start, end in pairwise(edges)]


def _tenths(values: Sequence[float]) -> tuple[float, float]:
    """Return the medians of the first and of the last tenth."""
    tenth = max(1, len(values) // 10)
    return statistics.median(values[:tenth]), statistics.median(values[-tenth:])


def _judge(pid: int, looks: Sequence[Look], growth: float) -> list[str]:
    problems = []
    memory = [look.memory for look in looks]
    first, last = _tenths(memory)
    noise = statistics.pstdev(memory)
    say(f"  worker {pid}: {first:.1f} MiB, at the end {last:.1f}; standard deviation {noise:.1f}")
    say(
        f"    memory, tenth by tenth: {' '.join(f'{statistics.median(part):.0f}' for part in _split(memory))}"
    )
    if last - first > growth:
        problems.append(f"worker {pid} grew from {first:.1f} to {last:.1f} MiB")
    for name in LEVELS:
        before, after = _tenths([getattr(look, name) for look in looks])
        say(f"    {name}: {before:.0f}, at the end {after:.0f}")
        if after - before > MOST_MORE:
            problems.append(f"worker {pid}: {name} rose from {before:.0f} to {after:.0f}")
    return problems


def _judge_pace(course: Course, warm: float) -> list[str]:
    answers = sorted(answer for load in course.loads for answer in load.answers)
    workers, clients = (
        [[reading for reading in readings if reading[0] > warm] for readings in used.values()]
        for used in (course.workers, course.clients)
    )
    return judge_pace(answers, workers, clients)


def main() -> int:
    """Run what the command line asks for; 0 when nothing was wrong."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--store", action="append", choices=KINDS)
    parser.add_argument("--minutes", type=float, default=60, help="for each store")
    parser.add_argument("--growth", type=float, default=10, help="MiB that a worker may grow when warm")
    parser.add_argument("--seed", default=secrets.token_hex(4))
    options = parser.parse_args()
    problems: list[str] = []
    for store in options.store or KINDS:
        with open_home(store) as home:
            if home is None:
                continue
            say(f"{store}:")
            problems += soak(home, options.minutes * 60, options.growth, options.seed)
    return conclude("soak", problems, f", seed {options.seed}")


if __name__ == "__main__":
    sys.exit(main())
