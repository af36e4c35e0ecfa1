"""``python -m tests.security.siege``: every attack on a server with two workers, and what the victim met.

On SQLite without and with TLS, and on MongoDB where ``MONGODB_URI`` is set. Ends with 1 when a victim got an
error, a worker kept memory, or heavy requests slowed light ones: a round that did so is repeated twice, since
other programs on the machine do the same.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from tests.reliability.report import conclude, say
from tests.reliability.stores import Home, open_home
from tests.security.server import Server, serving
from tests.security.siege.rounds import HEAVY, ROUNDS, prepare, run

ATTEMPTS: Final = 3
TLS: Final = ("stalled_uploads", "unread_answers", "many_values", "large_lists")
"""Attacks that meet other code where the server speaks TLS."""

STORE: Final = tuple(name for name in HEAVY if name != "many_values")
"""Attacks that meet another store on MongoDB; bodies of many values meet none."""


@contextmanager
def besieged(home: Home, *, tls: bool = False) -> Iterator[tuple[Server, str]]:
    """Run a server on a store, with what the attacks need."""
    with serving(home.url, home.folder, tls=tls, workers="2") as server:
        yield server, prepare(server, home.url)


def besiege(server: Server, key: str, attacks: Iterable[str], seconds: float) -> list[str]:
    """Run attacks, print their figures, and return what must not be."""
    say("attack               request    p99 ms: quiet, loud  errors  MiB before, during, after")
    problems: list[str] = []
    for attack in attacks:
        for _ in range(ATTEMPTS):
            done = run(attack, server, key, seconds)
            found = done.problems()
            say("\n".join([*done.lines(), *found]))
            if not found:
                break
        problems += found
    return problems


def main() -> int:
    """Run the attacks that are named, or all; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("attacks", nargs="*", metavar="ATTACK", help=", ".join(ROUNDS))
    parser.add_argument("--seconds", type=float, default=2, help="how long each attack goes on")
    options = parser.parse_args()
    asked = options.attacks or list(ROUNDS)
    problems: list[str] = []
    for store, attacks, tls in (("sqlite", ROUNDS, False), ("sqlite", TLS, True), ("mongodb", STORE, False)):
        with open_home(store) as home:
            if home is None:
                continue
            say(f"{store}{', TLS' * tls}:")
            with besieged(home, tls=tls) as (server, key):
                problems += besiege(server, key, [name for name in attacks if name in asked], options.seconds)
    return conclude("siege", problems)


if __name__ == "__main__":
    sys.exit(main())
