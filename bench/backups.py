"""What a backup costs those who write meanwhile, on SQLite: the p99 of appends without and with it.

    python -m bench.backups                    # 40,000 dialogues, 8 clients, three rounds
    python -m bench.backups --dialogues 5000

``make bench-backups`` runs it; it fails where p99 during a backup is more than twice what it is without.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from app.opening import open_backend
from app.settings import Settings
from bench.process import ROOT, Server
from bench.scale import fill, make_pattern
from tests.ports import free_port

CLIENTS = 8
SECONDS = 6.0
ROUNDS = 3
MOST = 2.0
KEY = "colloquy_" + "k" * 43


def append(port: int, number: int, stop: Callable[[], bool], taken: list[float]) -> None:
    """Append to one dialogue after the other, and note how long each took, in seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    body = json.dumps({"role": "user", "content": "a message of some words " * 8})
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    count = 0
    while not stop():
        begun = time.perf_counter()
        connection.request("POST", f"/dialogue/own-{number}-{count % 50}/messages", body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status == http.HTTPStatus.NOT_FOUND:
            made = json.dumps({"id": f"own-{number}-{count % 50}"})
            connection.request("POST", "/dialogue", made, headers)
            connection.getresponse().read()
            continue
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"an append was answered {answer.status}")
        taken.append(time.perf_counter() - begun)
        count += 1


def measure(port: int, stop: Callable[[], bool]) -> tuple[float, float, float]:
    """Return p50 and p99, in milliseconds, and appends a second until ``stop`` says so."""
    taken: list[list[float]] = [[] for _ in range(CLIENTS)]
    threads = [
        threading.Thread(target=append, args=(port, number, stop, mine)) for number, mine in enumerate(taken)
    ]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    every = sorted(1000 * one for mine in taken for one in mine)
    seconds = time.perf_counter() - begun
    return statistics.median(every), every[int(len(every) * 0.99)], len(every) / seconds


def for_seconds(seconds: float) -> Callable[[], bool]:
    """Return what says whether so long has passed since now."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def main() -> None:
    """Measure and print; the exit status is 1 if backups cost more than they may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dialogues", type=int, default=40_000)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/store.db"
        backend = open_backend(Settings(store_url=url))
        backend.migrate()
        fill(backend, make_pattern(backend), range(wanted.dialogues))
        backend.close()
        port = free_port()
        environment = {
            "COLLOQUY_STORE_URL": url,
            "COLLOQUY_API_KEY": KEY,
            "COLLOQUY_PORT": str(port),
            "COLLOQUY_LOG_LEVEL": "error",
        }
        command = [sys.executable, "-m", "app", "serve"]
        server = Server(command, environment, port, "/health", Path(folder) / "server.log")
        try:
            ratios = [compare(port, environment, Path(folder)) for _ in range(ROUNDS)]
        finally:
            server.stop()
    print(f"p99 with a backup is {statistics.median(ratios):.2f} times that without (median)")
    sys.exit(statistics.median(ratios) > MOST)


def compare(port: int, environment: dict[str, str], folder: Path) -> float:
    """Measure appends without and with a backup, and return how many times p99 that is."""
    usual = measure(port, for_seconds(SECONDS))
    command = [sys.executable, "-m", "app", "backup", str(folder / "backup")]
    begun = time.perf_counter()
    backup = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stderr=subprocess.DEVNULL)
    during = measure(port, lambda: backup.poll() is not None)
    if backup.wait():
        raise RuntimeError("the backup failed")
    size = (folder / "backup").stat().st_size / 1_000_000
    for name, (median, p99, rate) in (("without", usual), ("with", during)):
        print(f"{name:>8}: p50 {median:6.1f} ms  p99 {p99:6.1f} ms  {rate:6.0f} appends/s")
    print(f"          a backup of {size:.0f} MB in {time.perf_counter() - begun:.1f} s")
    return during[1] / usual[1]


if __name__ == "__main__":
    main()
