"""One measurement: wrk against one server, and what the server's processes used meanwhile."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.process import Server

SCRIPT = Path(__file__).with_name("wrk.lua")


@dataclass(frozen=True, slots=True)
class Sample:
    """``cpu`` is microseconds of the process tree for each request; latencies are milliseconds."""

    rate: float
    cpu: float
    p50: float
    p99: float
    requests: int


@dataclass(frozen=True, slots=True)
class Driver:
    """How wrk is run. Its script's response callback makes it slower, and is the same for everybody."""

    connections: int = 16
    threads: int = 1

    def warm(self, server: Server, requests: Path, key: str) -> None:
        """Run the load for a second and count nothing."""
        self._run(f"http://127.0.0.1:{server.port}", requests, key, 1)

    def measure(self, server: Server, requests: Path, key: str, seconds: int) -> Sample:
        """Run the load; raises RuntimeError when any answer is not 200."""
        before = server.cpu_seconds()
        counted = self._run(f"http://127.0.0.1:{server.port}", requests, key, seconds)
        used = server.cpu_seconds() - before
        if counted["refused"] or counted["broken"] or not counted["requests"]:
            raise RuntimeError(f"{requests.name}: not every answer was 200: {counted}")
        return Sample(
            rate=counted["requests"] / counted["seconds"],
            cpu=used / counted["requests"] * 1e6,
            p50=counted["p50"],
            p99=counted["p99"],
            requests=int(counted["requests"]),
        )

    def _run(self, url: str, requests: Path, key: str, seconds: int) -> dict[str, float]:
        command = [
            "wrk",
            f"--threads={self.threads}",
            f"--connections={self.connections}",
            f"--duration={seconds}s",
            "--timeout=10s",
            f"--script={SCRIPT}",
            url,
            "--",
            str(requests),
            key,
        ]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        counted: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return counted
