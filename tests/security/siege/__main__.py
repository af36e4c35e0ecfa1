"""``python -m tests.security.siege``: every attack on a server with two workers, and what the victim met.

On SQLite without and with TLS, and on MongoDB where ``MONGODB_URI`` is set. Ends with 1 when a victim got an
error, a worker kept memory, or heavy requests slowed light ones: a round that did so is repeated twice, since
other programs on the machine do the same.
"""

from __future__ import annotations

import argparse
import os
import secrets
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pymongo import MongoClient

from tests.security.server import Server, serving
from tests.security.siege.rounds import HEAVY, ROUNDS, prepare, run

ATTEMPTS: Final = 3
TLS: Final = ("stalled_uploads", "unread_answers", "many_values", "large_lists")
"""Attacks that meet other code where the server speaks TLS."""

STORE: Final = ("many_values", *HEAVY, "large_lists")
"""Attacks that meet another store on MongoDB."""


@contextmanager
def besieged(url: str, *, tls: bool = False) -> Iterator[tuple[Server, str]]:
    """Run a server on a store, with what the attacks need."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = url or f"sqlite:///{folder}/store.db"
        with serving(url, folder, tls=tls, workers="2") as server:
            yield server, prepare(server, url)


@contextmanager
def database() -> Iterator[str]:
    """Give the URL of a new database on the server at ``MONGODB_URI``, and drop it afterwards."""
    client: MongoClient[dict[str, object]] = MongoClient(os.environ["MONGODB_URI"])
    name = f"siege_{secrets.token_hex(4)}"
    head, _, options = os.environ["MONGODB_URI"].partition("?")
    try:
        yield f"{head.rstrip('/')}/{name}?{options}"
    finally:
        client.drop_database(name)
        client.close()


def besiege(server: Server, key: str, attacks: Iterable[str], seconds: float) -> list[str]:
    """Run attacks, print their figures, and return what must not be."""
    _print("attack               request    p99 ms: quiet, loud  errors  MiB before, during, after")
    problems: list[str] = []
    for attack in attacks:
        for _ in range(ATTEMPTS):
            done = run(attack, server, key, seconds)
            found = done.problems()
            _print(*done.lines(), *found)
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
    _print("sqlite:")
    with besieged("") as (server, key):
        problems = besiege(server, key, asked, options.seconds)
    _print("sqlite, TLS:")
    with besieged("", tls=True) as (server, key):
        problems += besiege(server, key, [name for name in TLS if name in asked], options.seconds)
    if "MONGODB_URI" in os.environ:
        _print("mongodb:")
        with database() as url, besieged(url) as (server, key):
            problems += besiege(server, key, [name for name in STORE if name in asked], options.seconds)
    _print(f"siege: {len(problems)} problems")
    return bool(problems)


def _print(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)  # noqa: T201 - figures are printed


if __name__ == "__main__":
    sys.exit(main())
