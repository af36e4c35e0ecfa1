"""``make crash``: kill the server, or the store under it, while clients write; then count.

Every round several client processes send every kind of write. At a random moment a SIGKILL goes to
the whole server, to one of its workers, or to the database server. When all is back, each client
compares what is stored with the answers it got: what was acknowledged is there once, what was
refused is not, what has no answer is there wholly or not at all, and sending that again is safe.
The server embeds all of it meanwhile: what a killed one leaves is queued or has vectors, all of it and
nothing else, and in the end all of it has vectors.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import secrets
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import fields
from multiprocessing.connection import Connection
from typing import Any

from app.services.verify import Seen, verify
from tests.reliability import stops
from tests.reliability.client import Client, Request
from tests.reliability.embeddings import drain, embeddings, queue_problems
from tests.reliability.erasures import run_erasures
from tests.reliability.report import conclude, say
from tests.reliability.server import ROOT, Server
from tests.reliability.stores import KINDS, Home, grant, open_home
from tests.reliability.writer import Orders, Report, serve

WRITERS = 6
SHORTEST, LONGEST = 0.2, 1.6
"""Seconds into a round at which something is killed."""

AFTER_SECONDS = 0.4
"""For how long clients go on after the kill, where there is somebody left to answer."""

LOOK_AGAIN = 5
"""How many of the last rounds are compared once more at the very end."""

TIMEOUTS = {"sqlite": 10.0, "mongodb": 4.0}
"""COLLOQUY_REQUEST_TIMEOUT: a killed database is waited for this long."""


class Conductor:
    """The rounds on one store."""

    def __init__(self, home: Home, seed: str, settings: dict[str, str]) -> None:
        self._home = home
        self._seed = seed
        self._random = random.Random(f"{seed} {home.name}")
        self._server = Server(home.url, home.folder / "server.log", timeout=TIMEOUTS[home.name])
        self._server.environment |= settings
        self._pipes: list[Connection] = []
        self._processes: list[Any] = []
        self.total = Report()
        self.kills: Counter[str] = Counter()

    def run(self, rounds: int) -> None:
        """Run all rounds and the checks behind the last one."""
        self._hire()
        self._server.start()
        try:
            for number in range(rounds):
                self._run_round(number)
            self._look_back(min(LOOK_AGAIN, rounds))
            self._drain(rounds)
        finally:
            self._server.stop()
            self._dismiss()
        self._verify_all()

    def _run_round(self, number: int) -> None:
        project = f"round-{number}"
        key = grant(self._home, project)
        client = Client(self._server.port, key)
        shared = client.send_until_answered(Request("POST", "/dialogue", {"id": "shared"})).json["id"]
        client.close()
        moment = self._random.uniform(SHORTEST, LONGEST)
        for writer, pipe in enumerate(self._pipes):
            seed = f"{self._seed} {self._home.name} {number} {writer}"
            seconds = moment + AFTER_SECONDS
            pipe.send(Orders(self._server.port, key, seconds, seed, number, writer, shared))
        time.sleep(moment)
        self._kill(number, project)
        for pipe in self._pipes:
            self._add(pipe.recv())
        self._server.wait_until_ready()
        for report in self._ask("check"):
            self._add(report)
        self._verify(project)

    def _kill(self, number: int, project: str) -> None:
        """Kill something, and bring it back.

        A server that starts queues what it finds without an entry: what is left is looked at before.
        """
        targets = ["server", "worker"] + ["store"] * self._home.can_be_killed
        target = targets[number % len(targets)]
        self.kills[target] += 1
        if target == "worker":
            self._server.kill_worker(self._random.randrange(8))
        elif target == "store":
            self._home.kill()
            self._home.revive()
        else:
            self._server.kill()
            self._examine_queue(project)
            self._server.start()

    def _examine_queue(self, project: str) -> None:
        """See that all that was written is queued or has vectors."""
        with closing(self._home.open()) as backend:
            self.total.problems += queue_problems(backend, project)

    def _drain(self, rounds: int) -> None:
        """Let the server embed what clients have written, and compare."""
        with closing(self._home.open()) as backend:
            self.total.problems += drain(backend, [f"round-{number}" for number in range(rounds)])

    def _verify(self, project: str) -> None:
        with closing(self._home.open()) as backend:
            problems = list(verify(backend, project, Seen(), thorough=True))
        self.total.problems += [f"verify: {problem}" for problem in problems]

    def _verify_all(self) -> None:
        """Run the command itself over the whole store, with every server gone."""
        command = [sys.executable, "-m", "app", "verify"]
        environment = os.environ | {"COLLOQUY_STORE_URL": self._home.url}
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        say(f"  colloquy verify: {done.stderr.strip()}")
        if done.returncode:
            self.total.problems += [f"colloquy verify: {line}" for line in done.stdout.splitlines()]
            self.total.problems.append(f"colloquy verify ended with status {done.returncode}")

    def _look_back(self, rounds: int) -> None:
        for report in self._ask((rounds, self._server.port)):
            self._add(report)

    def _ask(self, order: Any) -> list[Report]:
        for pipe in self._pipes:
            pipe.send(order)
        return [pipe.recv() for pipe in self._pipes]

    def _add(self, report: Report | None) -> None:
        for entry in fields(Report) if report is not None else ():
            added = getattr(self.total, entry.name) + getattr(report, entry.name)
            setattr(self.total, entry.name, added)

    def _hire(self) -> None:
        fresh = multiprocessing.get_context("spawn")
        for _ in range(WRITERS):
            ours, theirs = fresh.Pipe()
            process = fresh.Process(target=serve, args=(theirs,), daemon=True)
            process.start()
            self._pipes.append(ours)
            self._processes.append(process)

    def _dismiss(self) -> None:
        for pipe, process in zip(self._pipes, self._processes, strict=True):
            pipe.send(None)
            process.join(10)


def run_rounds(home: Home, rounds: int, seed: str) -> list[str]:
    """Run the rounds on one store, print their figures and return the problems."""
    began = time.monotonic()
    with embeddings() as settings:
        conductor = Conductor(home, seed, settings)
        conductor.run(rounds)
    total = conductor.total
    kills = ", ".join(f"{target} {count}" for target, count in sorted(conductor.kills.items()))
    unanswered = sum(total.unanswered.values())
    say(
        f"  {rounds} rounds, {WRITERS} clients, killed: {kills}; {time.monotonic() - began:.0f} s\n"
        f"  {total.acknowledged:,} writes acknowledged, {total.refused:,} refused, {unanswered:,} without "
        f"an answer: {total.kept} wholly there, {total.undone} not at all\n"
        f"  {total.repeated} of those repeated, {total.replayed} acknowledged ones replayed by their key\n"
        f"  {len(total.problems)} problems"
    )
    return total.problems


def main() -> int:
    """Run what the command line asks for; 0 when nothing was wrong."""
    options = _read_options()
    say(f"crash: seed {options.seed}")
    problems: list[str] = []
    for name in options.store or KINDS:
        with open_home(name, to_kill=True) as home:
            if home is None:
                continue
            say(f"{name}:")
            if options.failpoints:
                problems += stops.run_stops(home)
            else:
                problems += run_rounds(home, options.rounds, options.seed) + run_erasures(home)
    return conclude("crash", problems, f", seed {options.seed}")


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="crash", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--store", action="append", choices=KINDS)
    parser.add_argument("--seed", default=secrets.token_hex(4))
    parser.add_argument(
        "--failpoints", action="store_true", help="no rounds: stop between any two store operations"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
