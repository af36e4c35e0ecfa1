"""Figures that stand alone: starting, importing, shared commits, and the store without any server."""

from __future__ import annotations

import json
import random
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.domain.records import Scope
from app.schemas.messages import MessageSchema
from app.services import messages
from app.services.inputs import Condition
from app.stores import Backend
from app.stores.sqlite import open_sqlite
from bench import data, doors, works
from bench.lineup import COLLOQUY, Contender
from bench.load import Driver
from bench.stage import start

DELAY = 0.004
"""Seconds by which each commit is slowed where a slow disk is imitated."""

SLOW = Contender(
    "slow",
    "Colloquy on a slow disk",
    (sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "bench.contenders.slow_disk:app"),
    probe="/health",
    settings={**COLLOQUY.settings, "BENCH_COMMIT_DELAY": str(DELAY)},
)


def start_seconds(folder: Path, times: int = 3) -> float:
    """Return the median time from `serve` on a new store to the first answer."""
    taken = []
    for number in range(times):
        path = folder / f"start{number}" / "colloquy.db"
        server = start(COLLOQUY, f"sqlite:///{path}", folder)
        taken.append(server.started_in)
        server.stop()
    return statistics.median(taken)


def store_loop(store: Backend, count: int, operations: int) -> dict[str, float]:
    """Return the CPU microseconds of one read and one durable append, without any server."""
    scope = Scope(data.PROJECT)
    dice = random.Random(5)
    drafts = [
        MessageSchema().load({"role": "user", "content": data.sentence(dice)}) for _ in range(operations + 1)
    ]

    def read(number: int) -> None:
        store.get_dialogue(scope, f"d{number % count}")

    def append(number: int) -> None:
        dialogue_id, draft = f"d{number % count}", drafts[number]
        store.write(scope, lambda tx: messages.append(tx, dialogue_id, (draft,), Condition()))

    return {"get": _cpu_of(read, operations), "append": _cpu_of(append, operations)}


def _cpu_of(operation: Callable[[int], None], operations: int) -> float:
    operation(operations)  # the first call opens the file
    begun = time.process_time()
    for number in range(operations):
        operation(number)
    return (time.process_time() - begun) / operations * 1e6


def shared_commits(base: Path, folder: Path, seconds: int) -> dict[str, float]:
    """Return appends a second by 1 and by 32 clients, with each commit slowed and without."""
    figures: dict[str, float] = {}
    for name, contender in (("slow", SLOW), ("plain", COLLOQUY)):
        path = folder / f"commits-{name}.db"
        shutil.copy(base, path)
        server = start(contender, f"sqlite:///{path}", folder)
        requests = works.write(works.APPEND, 200, lambda first: [first], folder)
        try:
            for clients in (1, 32):
                Driver(clients).warm(server, requests, data.KEY)
                figures[f"{name}_{clients}"] = (
                    Driver(clients).measure(server, requests, data.KEY, seconds).rate
                )
        finally:
            server.stop()
    figures["slow_gain"] = figures["slow_32"] / figures["slow_1"]
    figures["plain_gain"] = figures["plain_32"] / figures["plain_1"]
    return figures


def moves(folder: Path, dialogues: int) -> dict[str, float]:
    """Return messages a second of `import`, `export` and `verify`, and the memory of an import.

    ``import_peak`` is in MB; ``import_growth`` is how many times as much all takes as half of it.
    """
    peaks, rate = [], 0.0
    for count in (dialogues // 2, dialogues):
        source = folder / f"import{count}.jsonl"
        with source.open("w") as lines:
            for body in data.bodies(count):
                turns: Any = body["messages"]
                plain = [{"role": item["role"], "content": item["content"]} for item in turns]
                lines.write(json.dumps({"id": body["id"], "messages": plain}) + "\n")
        path = folder / f"import{count}.db"
        store = open_sqlite(path)
        store.migrate()
        data.prepare(store, data.KEY)
        store.close()
        cost = doors.run(path, "import", str(source))
        peaks.append(cost.peak)
        rate = count * 10 / cost.seconds
    figures = {"import_rate": rate, "import_peak": peaks[1], "import_growth": peaks[1] / peaks[0]}
    return figures | doors.way_out(path, dialogues * 10)
