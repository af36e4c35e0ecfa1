"""``make races``: many clients at the same thing at the same moment, through four worker processes.

Nothing may be lost, nothing doubled, nobody refused merely because others write too.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

from app.services.verify import Seen, verify
from tests.reliability.concurrent_clients import ConcurrentClients, Figures
from tests.reliability.races_append import (
    race_against_deletion,
    race_against_end,
    storm_one_dialogue,
)
from tests.reliability.races_summaries import race_summaries_against_deletion
from tests.reliability.races_write import (
    race_disjoint_merges,
    race_on_etags,
    race_on_one_key,
)
from tests.reliability.report import conclude, say
from tests.reliability.server import Server
from tests.reliability.stores import KINDS, Home, grant, open_home

WORKERS = 4
PROJECT = "races"

RACES: dict[str, Callable[[ConcurrentClients], Figures]] = {
    "50 clients, one Idempotency-Key": race_on_one_key,
    "100 writers with If-Match": race_on_etags,
    "disjoint merges into one state": race_disjoint_merges,
    "appends against end": race_against_end,
    "appends against delete and re-creation": race_against_deletion,
    "64 clients append to one dialogue": storm_one_dialogue,
    "summaries against the deletion of what they quote": race_summaries_against_deletion,
}


def run_races(home: Home, names: list[str]) -> list[str]:
    """Run the races on one store, print their figures and return the problems."""
    key = grant(home, PROJECT)
    server = Server(home.url, home.folder / "server.log", workers=WORKERS)
    server.start()
    problems = []
    try:
        server.wait_until_ready()
        server.wait_until_all_serve()
        for name in names:
            began = time.monotonic()
            figures = RACES[name](ConcurrentClients(server.port, key))
            say(f"  {name}: {figures}; {time.monotonic() - began:.1f} s")
            problems += [f"{home.name}, {name}: {problem}" for problem in figures.problems]
    finally:
        server.stop()
    backend = home.open()
    try:
        seen = Seen()
        found = [
            f"{home.name}, verify: {problem}" for problem in verify(backend, PROJECT, seen, thorough=True)
        ]
    finally:
        backend.close()
    say(f"  verify: {seen.dialogues} dialogues, {seen.messages:,} messages, {len(found)} problems")
    return problems + found


def main() -> int:
    """Run what the command line asks for; 0 when nothing was wrong."""
    parser = argparse.ArgumentParser(prog="races", description=__doc__)
    parser.add_argument("--store", action="append", choices=KINDS)
    parser.add_argument("--only", default="", help="races whose name has this in it")
    options = parser.parse_args()
    names = [name for name in RACES if options.only.lower() in name.lower()]
    problems: list[str] = []
    for store in options.store or KINDS:
        with open_home(store) as home:
            if home is None:
                continue
            say(f"{store}, {WORKERS} workers:")
            problems += run_races(home, names)
    return conclude("races", problems)


if __name__ == "__main__":
    sys.exit(main())
