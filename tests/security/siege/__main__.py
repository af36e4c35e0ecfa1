"""``python -m tests.security.siege``: every attack on a server with two workers, and what the victim met."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.security.server import Server, serving
from tests.security.siege.rounds import ROUNDS, prepare, run


@contextmanager
def besieged() -> Iterator[tuple[Server, str]]:
    """Run a server on SQLite, with what the attacks need."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/store.db"
        with serving(url, Path(folder), workers="2") as server:
            yield server, prepare(server, url)


def main() -> None:
    """Run the attacks that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("attacks", nargs="*", metavar="ATTACK", help=", ".join(ROUNDS))
    parser.add_argument("--seconds", type=float, default=4, help="how long each attack goes on")
    options = parser.parse_args()
    _print(
        "attack               request    p99 ms, quiet and loud, errors, memory before, during, after (MiB)"
    )
    with besieged() as (server, key):
        for attack in options.attacks or ROUNDS:
            done = run(attack, server, key, options.seconds)
            _print(*done.lines(), *done.loud.errors[:3])


def _print(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)  # noqa: T201 - figures are printed


if __name__ == "__main__":
    main()
