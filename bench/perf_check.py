"""Fails when a request has become dearer than the figures in baseline.json allow.

GET and append run in this process, in turns with bare Flask; what counts is the ratio of their CPU
times, so that a slow or busy machine does not matter. A median of short runs still wavers by some
per cent: a ratio beyond the bound is measured again before it counts. With ``--record`` the ratios
become the new baseline. ``--mongodb`` prints those on the server that MONGODB_URI names, lists too; they
are held to no bound, since most of that time is the driver's.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from bench.inprocess import LISTS, REQUESTS, Comparison, Pair, count_reads, on_mongodb, on_sqlite

BASELINE = Path(__file__).with_name("baseline.json")
GROWTH = 1.3
"""A ratio may be this many times the recorded one."""

ROUNDS = 40
TRIES = 3


def main() -> int:
    """Measure, compare or record; the exit status is 1 when a bound is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", help="make the measured ratios the baseline")
    parser.add_argument("--mongodb", action="store_true", help="measure on MongoDB")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.mongodb:
            return show_mongodb(Path(folder))
        pair = on_sqlite(Path(folder))
        reads = count_reads(pair)
        if options.record:
            return record(pair)
        return 0 if [check(pair, work) for work in REQUESTS] == [True] * len(REQUESTS) and reads == 1 else 1


def show_mongodb(folder: Path) -> int:
    """Print what each work costs on MongoDB."""
    with on_mongodb(os.environ["MONGODB_URI"], folder) as pair:
        for work in REQUESTS | LISTS:
            print(f"{work:7} {_words(pair.compare(work, ROUNDS))}", flush=True)
    return 0


def record(pair: Pair) -> int:
    """Write the baseline."""
    measured = {work: round(pair.compare(work, 2 * ROUNDS).ratio, 3) for work in REQUESTS}
    BASELINE.write_text(json.dumps({"cpu_to_bare_flask": measured}, indent=1) + "\n")
    return 0


def check(pair: Pair, work: str) -> bool:
    """Whether a work stays within its bound in one of a few tries."""
    allowed = json.loads(BASELINE.read_text())["cpu_to_bare_flask"][work] * GROWTH
    for _ in range(TRIES):
        found = pair.compare(work, ROUNDS)
        is_met = found.ratio <= allowed
        print(f"{work:7} {_words(found)}, at most {allowed:.2f}: {'ok' if is_met else 'TOO MUCH'}")
        if is_met:
            return True
    return False


def _words(found: Comparison) -> str:
    return f"{found.ours:6.0f} us, bare Flask {found.flask:6.0f} us: ratio {found.ratio:.2f}"


if __name__ == "__main__":
    sys.exit(main())
