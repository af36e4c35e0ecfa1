"""How evenly clients that keep their connections are spread over the workers, and what that does to them.

wrk reads dialogues from SQLite over so many connections, which it opens anew for each run. How many requests
each worker answered is what it counted for its metrics meanwhile.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

from bench import data, works
from bench.lineup import COLLOQUY
from bench.load import Driver
from bench.process import Server
from bench.stage import Stage, sqlite_stage

FLUSH_SECONDS = 2.2
"""After how long a worker has written what it counted."""


def main() -> int:
    """Measure for each number of connections, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, nargs="+", default=[8, 64])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="colloquy-bench-") as folder,
        sqlite_stage((COLLOQUY,), data.Size(400, 0), Path(folder)) as stage,
    ):
        for connections in chosen.connections:
            rows = [measure(stage, connections, chosen.seconds) for _ in range(chosen.rounds)]
            shares, rates, late = zip(*rows, strict=True)
            print(
                f"{connections:3} connections: the busiest worker served {statistics.median(shares):.0%} "
                f"(at most {max(shares):.0%}), {statistics.median(rates):.0f} GET a second, "
                f"99 of 100 within {statistics.median(late):.1f} ms",
                flush=True,
            )
    return 0


def measure(stage: Stage, connections: int, seconds: int) -> tuple[float, float, float]:
    """Return the busiest worker's share of the requests, requests a second, and the 99th percentile in ms."""
    server, driver = stage.servers[COLLOQUY.name], Driver(connections)
    requests = stage.requests(works.GET, COLLOQUY.name)
    time.sleep(FLUSH_SECONDS)
    before = answered(server)
    sample = driver.measure(server, requests, data.KEY, seconds)
    time.sleep(FLUSH_SECONDS)
    counts = answered(server) - before
    return max(counts.values()) / counts.total(), sample.rate, sample.p99


def answered(server: Server) -> Counter[int]:
    """Return how many requests each worker has answered, by its process id."""
    counts: Counter[int] = Counter()
    for pid in server.tree():
        for path in metrics_files(pid):
            values = MmapedDict.read_all_values_from_file(path)
            counts[pid] += sum(int(value) for key, value, *_ in values if "http_requests_total" in key)
    return counts


def metrics_files(pid: int) -> set[str]:
    """Return the files of counters that a process has mapped."""
    paths = {line.split()[-1] for line in Path(f"/proc/{pid}/maps").read_text().splitlines()}
    return {path for path in paths if path.endswith(f"counter_{pid}.db")}


if __name__ == "__main__":
    sys.exit(main())
