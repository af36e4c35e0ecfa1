"""How fast ``colloquy verify`` is on SQLite and what memory it takes, on a small store and on a large one.

    python -m bench.verifying                     # 20,000 and 200,000 messages
    python -m bench.verifying --messages 100000   # 10,000 and 100,000

Dialogues of 10 messages of about 300 characters are created by the rules that the API follows. The command
runs in a process of its own, three times on each store: the figures are the best, when the file is warm, with
the start of the command in them. The peak is that of the process's resident memory, as the system counts it.
``make bench-verify`` runs it; it fails where a problem is found, or where the peak on the large store is more
than a tenth above that on the small one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from itertools import islice
from pathlib import Path

from app.domain.records import Scope
from app.opening import open_backend
from app.schemas.dialogues import DialogueSchema
from app.services import dialogues
from app.services.bootstrap import prepare
from app.settings import Settings
from bench import data
from bench.process import Cost, run_command

MESSAGES = 200_000
PER_DIALOGUE = 10
STEP = 200
SHARE = 10
"""How many times as large the large store is."""
ROUNDS = 3
GROWTH = 1.1


def fill(path: Path, messages: int) -> None:
    """Make a store with so many messages."""
    backend = open_backend(Settings(store_url=f"sqlite:///{path}"))
    backend.migrate()
    prepare(backend, data.KEY)
    schema, bodies = DialogueSchema(), data.bodies(messages // PER_DIALOGUE)
    while step := [schema.load(body).command for body in islice(bodies, STEP)]:
        backend.write(
            Scope(data.PROJECT), lambda tx, step=step: [dialogues.create(tx, command) for command in step]
        )
    backend.close()


def verify(path: Path, arguments: list[str]) -> Cost:
    """Run the command once; what it took."""
    cost = run_command(path, "verify", *arguments, output=sys.stdout)
    if cost.status:
        raise RuntimeError("verify found a problem, or failed")
    return cost


def measure(path: Path, messages: int, arguments: list[str]) -> Cost:
    """Run the command some times, and print the best of each figure."""
    costs = [verify(path, arguments) for _ in range(ROUNDS)]
    best = Cost(*map(min, zip(*costs, strict=True)))
    print(
        f"{messages:,} messages, {path.stat().st_size / 2**20:,.0f} MiB: {best.seconds:.1f} s, "
        f"{messages / best.seconds:,.0f} a second; {best.cpu:.1f} s of CPU, "
        f"{messages / best.cpu:,.0f} a second; peak {best.peak:.0f} MiB",
        flush=True,
    )
    return best


def main() -> int:
    """Measure both stores; the exit status is 1 when memory grew."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=MESSAGES, help="of the large store")
    parser.add_argument("--thorough", action="store_const", const=["--thorough"], default=[])
    options = parser.parse_args()
    sizes = (options.messages // SHARE, options.messages)
    costs = []
    with tempfile.TemporaryDirectory() as folder:
        for messages in sizes:
            path = Path(folder) / f"{messages}.db"
            fill(path, messages)
            costs.append(measure(path, messages, options.thorough))
    few, many = costs
    further = (many.cpu - few.cpu) / (sizes[1] - sizes[0])
    print(f"each further message: {further * 1e6:.1f} us of CPU, {1 / further:,.0f} a second")
    return int(many.peak > GROWTH * few.peak)


if __name__ == "__main__":
    sys.exit(main())
