"""``python -m bench quick`` or ``full``: run, print, and write bench/results/."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.stores.sqlite import open_sqlite
from bench import data, doors, machine, report, rounds, singles, targets, works
from bench.contenders.workers import WORKERS
from bench.lineup import COLLOQUY, LINEUP, QUICK, Contender
from bench.stage import Stage, mongo_stage, sqlite_stage

BEGUN = time.monotonic()


def say(text: str) -> None:
    """Report progress."""
    print(f"{time.monotonic() - BEGUN:6.0f} s  {text}", flush=True)


def main() -> int:
    """Run the bench; the exit status says whether every measured target is met."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("extent", choices=("quick", "full"))
    parser.add_argument("--rounds", type=int, default=None)
    parser.add_argument("--seconds", type=int, default=None)
    chosen = parser.parse_args()
    is_quick = chosen.extent == "quick"
    plan = rounds.Plan(chosen.rounds or (3 if is_quick else 5), chosen.seconds or (2 if is_quick else 3))
    found: dict[str, Any] = {
        "machine": machine.describe(),
        "extent": chosen.extent,
        "stores": {},
        "singles": {},
    }
    found["plan"] = {**asdict(plan), "workers": WORKERS}
    with tempfile.TemporaryDirectory(prefix="colloquy-bench-") as folder:
        if is_quick:
            quick(found, plan, Path(folder))
        else:
            full(found, plan, Path(folder))
    verdicts = targets.judge(found)
    print("\n" + report.write(found, verdicts))
    return 1 if any(verdict.met is False for verdict in verdicts) else 0


def quick(found: dict[str, Any], plan: rounds.Plan, folder: Path) -> None:
    """GET and append on SQLite, and how long a start takes."""
    found["singles"]["start"] = singles.start_seconds(folder)
    with sqlite_stage(QUICK, data.Size(400, 0), folder) as stage:
        say("all have started and answer the same")
        found["stores"]["sqlite"] = rounds.run(stage, QUICK, (works.GET, works.APPEND), plan, say)
        _note_memory(found["singles"], stage, None)


def full(found: dict[str, Any], plan: rounds.Plan, folder: Path) -> None:
    """Everything, on both stores where MONGODB_URI names a server."""
    figures = found["singles"]
    figures["start"] = singles.start_seconds(folder)
    with sqlite_stage(_on("sqlite"), data.Size(), folder) as stage:
        say("SQLite: all have started and answer the same")
        first = rounds.run(stage, LINEUP, (works.GET, works.APPEND), plan, say)
        rest = tuple(work for work in works.WORKS if work.name not in first)
        # Works of which only ratios to bare Flask are wanted are done in fewer rounds.
        fewer = rounds.Plan(max(3, plan.rounds - 2), plan.seconds, plan.connections)
        found["stores"]["sqlite"] = first | rounds.run(stage, LINEUP, rest, fewer, say)
        # Every kind of request has been made by now, so that what they need once is there.
        early = stage.servers["colloquy"].memory().largest
        say("all of it once more, for the memory of a worker")
        rounds.run(stage, (COLLOQUY,), works.WORKS, fewer, say)
        _note_memory(figures, stage, early)
        say("the Python client and the console's first page")
        figures |= doors.client_calls(stage.servers["colloquy"], stage.count)
        figures |= doors.console_page(stage.servers["colloquy"])
    store = open_sqlite(folder / "base.db")
    figures |= {f"loop_{name}": cpu for name, cpu in singles.store_loop(store, 1000, 1000).items()}
    store.close()
    say("commits that share a sync")
    figures |= singles.shared_commits(folder / "base.db", folder, plan.seconds)
    say("import, export, verify")
    figures |= singles.moves(folder, 3000)
    uri = os.environ.get("MONGODB_URI")
    if not uri:
        say("MONGODB_URI names no server: MongoDB is left out")
        return
    with mongo_stage(uri, _on("mongodb"), data.Size(200, 500), folder) as stage:
        say("MongoDB: all have started and answer the same")
        found["stores"]["mongodb"] = rounds.run(
            stage, LINEUP, (works.GET, works.APPEND, works.LIST), plan, say
        )


def _on(store: str) -> tuple[Contender, ...]:
    return tuple(contender for contender in LINEUP if store in contender.stores)


def _note_memory(figures: dict[str, float], stage: Stage, early: float | None) -> None:
    figures["memory"] = stage.servers["colloquy"].memory().largest
    figures["memory_flask"] = stage.servers["flask"].memory().largest
    if early is not None:
        figures["memory_growth"] = figures["memory"] / early


if __name__ == "__main__":
    sys.exit(main())
