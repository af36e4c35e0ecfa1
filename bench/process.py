"""Server processes: starting, stopping, and what their whole tree has used."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
SMALLEST_WORKER = 20.0
PATIENCE = 40.0
"""Seconds within which a server has to answer its first request."""


class ServerError(RuntimeError):
    """A server did not start, or died."""


class Cost(NamedTuple):
    """What a command took: seconds, start included, seconds of CPU, MiB at the peak; and its exit status."""

    seconds: float
    cpu: float
    peak: float
    status: int


def run_command(path: Path, *arguments: str, output: IO[str] | None = None) -> Cost:
    """Run a command of Colloquy's on a SQLite file; ``output`` takes what it prints."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT,
        env={**os.environ, "COLLOQUY_STORE_URL": f"sqlite:///{path}"},
        stdout=output or subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begun
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(seconds, cpu, usage.ru_maxrss / 1024, process.returncode)


@dataclass(frozen=True, slots=True)
class Memory:
    """Proportional set sizes of the processes that answer, in MB."""

    largest: float
    mean: float


class Server:
    """One contender, running. ``started_in`` is the seconds from start to its first answer."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], port: int, probe: str, log: Path
    ) -> None:
        self.port = port
        self._log = log
        begun = time.perf_counter()
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._await(probe)
        self.started_in = time.perf_counter() - begun

    def _await(self, probe: str) -> None:
        until = time.monotonic() + PATIENCE
        while not answers(f"http://127.0.0.1:{self.port}{probe}"):
            if self._process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise ServerError(f"no answer; the end of {self._log}:\n{self._log.read_text()[-3000:]}")
            time.sleep(0.01)

    def tree(self) -> list[int]:
        """Return the process ids of the server and all its descendants."""
        return descendants(self._process.pid)

    def cpu_seconds(self) -> float:
        """Return the user and system time of the whole tree, ended children included."""
        return cpu_seconds_below(self._process.pid)

    def memory(self) -> Memory:
        """Return what the workers (whatever has no children of its own) take."""
        tree = self.tree()
        parents = {_parent(pid) for pid in tree}
        sizes = [_proportional_set(pid) for pid in tree if pid not in parents]
        # uvicorn's resource tracker is small, and answers nothing.
        sizes = [size for size in sizes if size > SMALLEST_WORKER] or sizes
        return Memory(max(sizes), sum(sizes) / len(sizes))

    def stop(self) -> None:
        """End the server and what it started."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def answers(url: str) -> bool:
    """Whether anything answers there, an error being an answer too."""
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310  # our own server on the loopback address
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except OSError:
        return False


def _fields(pid: int) -> list[str]:
    """Return what /proc/PID/stat has behind the name, which may contain anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _parent(pid: int) -> int:
    fields = _fields(pid)
    return int(fields[1]) if fields else 0


def _ticks(pid: int) -> int:
    """Return utime, stime, and those of children that were waited for."""
    return sum(map(int, _fields(pid)[11:15]))


def descendants(root: int) -> list[int]:
    """Return a process and everything below it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            children.setdefault(_parent(int(entry.name)), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def cpu_seconds_below(root: int) -> float:
    """Return the user and system time of a process and everything below it, ended children included."""
    return sum(_ticks(pid) for pid in descendants(root)) / TICKS


def _proportional_set(pid: int) -> float:
    """Return a process's PSS in MB; pages shared with siblings count in part."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0
