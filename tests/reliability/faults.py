"""What a client is answered while the store fails: ``python -m tests.reliability.faults``.

Every operation of ``openapi.yaml`` is sent into a world of its own while one kind of database
command fails in one way. The answer has to be a correct 2xx, a documented 4xx, or 503 with
Retry-After, within the request timeout plus one second; what is left has to be all of the
request's effect or nothing of it, and after a repeat exactly the effect once. An embedder is on: what is left
is queued for it or has vectors, and what embeds in the background is made to fail as well.

MongoDB needs a server with fail points (``enableTestCommands``): the one that MONGODB_FAULTS_URI
names, else one that is started for this. Its whole deployment is made to fail, so it should be
nobody else's.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

from app.domain.records import Scope
from app.stores import Backend
from app.web.readiness import GOOD_SECONDS
from tests.contract.conftest import Api
from tests.reliability.embeddings import wrongly_queued
from tests.reliability.harness import UNDOCUMENTED, UNLIMITED, Harness
from tests.reliability.report import say
from tests.reliability.routes import ROUTES, Route, fill, is_between, prepare, world

PROJECT = "acme"
"""The one of the harness's key."""

TIMEOUT = 1.0
SLACK = 1.0

ATTEMPTS = 5
LOOKS = 10
LOOK_SECONDS = 0.1

SETTINGS = replace(UNLIMITED, request_timeout=TIMEOUT, key_cache=60.0)


@dataclass(frozen=True)
class Fault:
    """A way to fail. ``start`` begins it for some commands, or for all (None); leaving ends it."""

    name: str
    start: Callable[[str | None], AbstractContextManager[None]]
    commands: frozenset[str] | None = None
    """Which commands can fail so; None: it is not about single commands."""
    blocks_writes: bool = False
    """Whether nothing can be written while it lasts, so that /ready has to say so."""


@dataclass
class Tally:
    """What was tried, and what came of it."""

    cases: int = 0
    answers: dict[int, int] = field(default_factory=dict)
    commands: dict[str, int] = field(default_factory=dict)
    slowest: float = 0.0
    problems: list[str] = field(default_factory=list)

    def note(self, status: int, seconds: float, command: str | None) -> None:
        """Count one answer."""
        self.cases += 1
        self.answers[status] = self.answers.get(status, 0) + 1
        if command is not None:
            self.commands[command] = self.commands.get(command, 0) + 1
        self.slowest = max(self.slowest, seconds)


class Prover:
    """Sends requests into failing stores and judges what comes back."""

    def __init__(self, stage: Harness, name: str) -> None:
        self._backend = stage.backend
        self._api = stage.client()
        self._name = name
        self._worlds = 0
        self._before: dict[str, Any] = {}
        self._after: dict[str, Any] = {}
        self.tally = Tally()

    def learn(self, route: Route) -> None:
        """Send a request while nothing fails, and remember what it leaves."""
        for _ in range(ATTEMPTS):
            namespace = self._world(route)
            self._before[route.name] = world(self._api, namespace)
            answer = send(self._api, route, namespace)
            if answer.status_code != 503:  # A busy machine may take longer than TIMEOUT.
                break
        assert answer.status_code == route.expected, f"{route.name}: {answer.get_data(as_text=True)}"
        self._after[route.name] = world(self._api, namespace)

    def prove(self, route: Route, fault: Fault, command: str | None) -> None:
        """Send a request while something fails, then what a client would send next."""
        namespace = self._world(route)
        where = f"{self._name}: {route.name}, {fault.name}" + (f" at {command}" if command else "")
        let_age(route)
        with fault.start(command):
            begun = time.monotonic()
            try:
                answer = send(self._api, route, namespace)
            except UNDOCUMENTED as error:
                self.tally.problems.append(f"{where}: not as documented: {error}")
                return
            seconds = time.monotonic() - begun
        self.tally.note(answer.status_code, seconds, command)
        try:
            self._judge(route, fault, answer, seconds)
            self._follow_up(route, answer.status_code, namespace)
        except UNDOCUMENTED as error:
            self.tally.problems.append(f"{where}: {error}")

    def _world(self, route: Route) -> str:
        self._worlds += 1
        namespace = f"w{self._worlds}@{self._name}"
        (route.prepare or prepare)(self._api, namespace)
        return namespace

    @staticmethod
    def _judge(route: Route, fault: Fault, answer: Any, seconds: float) -> None:
        status = answer.status_code
        if fault.blocks_writes and route.operation == "getReadiness":
            assert status == 503, "ready, although nothing can be written"
        assert status in (route.expected, 503), f"answered {status}: {answer.get_data(as_text=True)}"
        assert seconds < TIMEOUT + SLACK, f"answered {status} after {seconds:.2f} s"
        if status == 503:
            assert answer.headers.get("Retry-After"), "503 without Retry-After"

    def _follow_up(self, route: Route, status: int, namespace: str) -> None:
        self._compare(route, status, namespace)
        wait_for_queue(self._backend, namespace)

    def _compare(self, route: Route, status: int, namespace: str) -> None:
        before, after = self._before[route.name], self._after[route.name]
        if status == 503:
            left = self._settled(namespace)
            whole = left in (before, after) or (route.in_steps and is_between(before, left, after))
            assert whole, f"left half of its effect: {left}, neither {before} nor {after}"
        else:
            left = world(self._api, namespace)
            assert left == after, f"answered {status} and left {left}, not {after}"
        if route.writes and not is_safe_to_repeat(route):
            self._api.ok("GET", f"/dialogue?namespace={namespace}")
            return
        repeat = send(self._api, route, namespace)
        assert repeat.status_code == route.expected, f"the next request was answered {repeat.status_code}"
        assert world(self._api, namespace) == after, "the repeat changed what was there"

    def _settled(self, namespace: str) -> Any:
        """Return the world once it stands still: an unknown commit may be settled while it is read."""
        last = None
        for _ in range(LOOKS):
            try:
                seen = world(self._api, namespace)
            except AssertionError:
                seen = None  # What a list had shown was gone a moment later.
            if seen is not None and seen == last:
                break
            last = seen
            time.sleep(LOOK_SECONDS)
        return last


def wait_for_queue(backend: Backend, namespace: str) -> None:
    """Wait until every item is queued or has vectors, and nothing else has."""
    for _ in range(LOOKS):
        wrong = wrongly_queued(backend, Scope(PROJECT, namespace))
        if not wrong:
            return
        time.sleep(LOOK_SECONDS)
    raise AssertionError(f"left what is not queued rightly: {wrong}")


def is_safe_to_repeat(route: Route) -> bool:
    """Whether the request carries ids of its own or an Idempotency-Key."""
    return route.keyed or not route.variant


def let_age(route: Route) -> None:
    """Wait until a good answer is not given again, so that the next one has to be found out in the store."""
    if route.operation == "getReadiness":
        time.sleep(GOOD_SECONDS)


def send(api: Api, route: Route, namespace: str) -> Any:
    """Send a request; its repeat is the same in every byte."""
    headers = dict(route.headers)
    if route.writes and route.keyed:
        headers["Idempotency-Key"] = f"{route.name} {namespace}"
    path, body = fill(route.path, namespace), fill(route.body, namespace)
    return api.call(route.method, path, body, headers=headers)


def report(name: str, tally: Tally) -> None:
    """Print what was tried, and each problem."""
    for problem in tally.problems:
        say(f"PROBLEM {problem[:2000]}")
    answers = ", ".join(f"{count} x {status}" for status, count in sorted(tally.answers.items()))
    commands = ", ".join(f"{command} {count}" for command, count in sorted(tally.commands.items()))
    where = f"; failed at: {commands}" if commands else ""
    figures = f"slowest answer {tally.slowest:.2f} s, {len(tally.problems)} problems"
    say(f"{name}: {tally.cases} faults: {answers}; {figures}{where}")


def main() -> int:
    """Run the proofs; 0 when nothing was wrong."""
    from tests.reliability import faults_mongo, faults_sqlite  # noqa: PLC0415  # each knows this module

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=("sqlite", "mongodb"), action="append")
    parser.add_argument("--every", type=int, default=1, help="try one in so many faults of each route")
    parser.add_argument("--only", default="", help="only routes whose name contains this")
    parser.add_argument(
        "--part",
        type=_read_part,
        default=(1, 1),
        help="1/3: a third of the routes, for three runs side by side",
    )
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    part, parts = options.part
    routes = [route for route in ROUTES if options.only in route.name][part - 1 :: parts]
    problems = 0
    runs: dict[str, Callable[[list[Route], int], Iterator[tuple[str, Tally]]]] = {
        "sqlite": faults_sqlite.run,
        "mongodb": faults_mongo.run,
    }
    for store in options.store or runs:
        for name, tally in runs[store](routes, options.every):
            report(name, tally)
            problems += len(tally.problems)
    return 1 if problems else 0


def _read_part(text: str) -> tuple[int, int]:
    part, parts = map(int, text.split("/"))
    if not 1 <= part <= parts:
        raise ValueError
    return part, parts


if __name__ == "__main__":
    sys.exit(main())
