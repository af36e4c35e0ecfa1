"""Stopping the server between any two store operations of each kind of write, in turn.

The server runs ``stop_wsgi``, whose worker kills itself behind the N-th operation of a request. For
each kind of write N goes from 1 until the request is answered: so every gap is met, the one before
the commit and the one behind it included. The server queues what it writes for an embedder; what a stopped
write meets has vectors already, or waits for them, by turns.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace

from app.stores import Backend
from tests.reliability.client import Client, Request
from tests.reliability.embeddings import embed_queued, embeddings, queue_problems
from tests.reliability.operations import Operations
from tests.reliability.report import say
from tests.reliability.server import Server
from tests.reliability.steps import Step
from tests.reliability.stop_points import COMMIT, HEADER, NOTE
from tests.reliability.stores import Home, grant
from tests.reliability.writer import Orders, Writer

COMMAND = (
    "-m",
    "gunicorn",
    "--preload",
    "--config",
    "gunicorn.conf.py",
    "tests.reliability.stop_wsgi:app",
)
MOST_STEPS = 40
LIFETIME_SECONDS = 0.4
"""After how long the database frees what an open transaction of a killed worker holds."""

KINDS: dict[str, Callable[[Operations], Step | None]] = {
    "create": Operations.create,
    "create without id": Operations.create_without_id,
    "create again": Operations.create_again,
    "fork": Operations.fork,
    "append": Operations.append,
    "batch": Operations.append_batch,
    "state": Operations.merge_state,
    "update": Operations.update,
    "tag": Operations.tag_message,
    "delete message": Operations.delete_message,
    "end": Operations.end,
    "compact": Operations.summarize,
    "delete": Operations.delete,
    "cascade": Operations.cascade,
    "erase": Operations.erase,
    "memory": Operations.create_memory,
    "delete memory": Operations.delete_memory,
}

IN_STEPS = ("erase",)
"""Kinds that commit more than once, and may have taken effect before their last commit."""

UNKEYED = ("create", "append", "batch", "delete message", "delete")
"""Kinds that are also stopped without an Idempotency-Key, where ids alone make a repeat safe."""


@dataclass
class Stop:
    """One stop: of which kind of write, and behind how many operations."""

    kind: str
    keyed: bool
    after: int


PROJECT = "stops"


class Stopper:
    """All stops on one store, which ``backend`` has open too."""

    def __init__(self, home: Home, backend: Backend, settings: dict[str, str]) -> None:
        self._backend = backend
        self._note = home.folder / "stopped-at"
        self._server = Server(home.url, home.folder / "stops.log", workers=1, timeout=8, command=COMMAND)
        self._server.environment |= {**settings, NOTE: str(self._note)}
        self._key = grant(home, PROJECT)
        self._count = 0
        self.met: Counter[str] = Counter()
        self.problems: list[str] = []

    def run(self) -> None:
        """Stop every kind of write at every step."""
        self._server.start()
        client = Client(self._server.port, self._key)
        client.send_until_answered(Request("POST", "/dialogue", {"id": "shared"}))
        client.close()
        try:
            for kind in KINDS:
                self._stop_everywhere(kind, keyed=kind != "erase")
            for kind in UNKEYED:
                self._stop_everywhere(kind, keyed=False)
            while self._backend.sweep():
                continue
            self.problems += queue_problems(self._backend, PROJECT)
        finally:
            self._server.stop()

    def _stop_everywhere(self, kind: str, *, keyed: bool) -> None:
        for after in range(1, MOST_STEPS):
            if not self._stop(Stop(kind, keyed, after)):
                break
        else:
            self.problems.append(f"{kind} has more than {MOST_STEPS} steps")
        self.problems += [f"{kind}: {problem}" for problem in queue_problems(self._backend, PROJECT)]

    def _stop(self, stop: Stop) -> bool:
        """Stop one write at one step; False when it has fewer steps and was answered."""
        self._count += 1
        orders = Orders(self._server.port, self._key, 0, str(self._count), self._count, 0, "shared")
        writer = Writer(orders)
        operations = Operations(random.Random(str(self._count)), writer.world, float(stop.keyed))
        step = _prepare(writer, operations, stop.kind)
        if stop.after % 2:
            embed_queued(self._backend)
        self._note.unlink(missing_ok=True)
        request = step.request.with_headers(**{HEADER: str(stop.after)})
        writer.take(replace(step, request=request))
        stopped = self._note.exists()
        name = self._note.read_text(encoding="ascii") if stopped else ""
        writer.forget_header(HEADER)
        writer.check()
        self._judge(stop, name, writer)
        return stopped

    def _judge(self, stop: Stop, name: str, writer: Writer) -> None:
        where = f"{stop.kind}{' with key' if stop.keyed else ''}, stopped after {stop.after} ({name})"
        report = writer.report
        self.problems += [f"{where}: {problem}" for problem in report.problems]
        if not name:
            return
        self.met[stop.kind] += 1
        if name != COMMIT and report.kept and stop.kind not in IN_STEPS:
            self.problems.append(f"{where}: took effect without its commit")


def _prepare(writer: Writer, operations: Operations, kind: str) -> Step:
    """Give the writer something to write to, then return the write that is to be stopped."""
    space = writer.world.doomed if kind == "erase" else writer.world.namespace
    for staged in operations.stage(space):
        writer.take(staged)
    step = KINDS[kind](operations)
    assert step is not None, f"no {kind} is possible: {writer.report.problems}"
    return step


def run_stops(home: Home) -> list[str]:
    """Stop everywhere on one store, print the figures and return the problems."""
    if home.name == "mongodb" and not home.can_be_killed:
        say("  stops: LEFT OUT, the open transactions of a killed worker would block for a minute each")
        return []
    began = time.monotonic()
    home.free_locks_after(LIFETIME_SECONDS)
    with embeddings() as settings, closing(home.open()) as backend:
        stopper = Stopper(home, backend, settings)
        stopper.run()
    met = ", ".join(f"{kind} {count}" for kind, count in stopper.met.items())
    say(f"  stopped between operations {sum(stopper.met.values())} times: {met}")
    say(f"  {len(stopper.problems)} problems; {time.monotonic() - began:.0f} s")
    return stopper.problems
