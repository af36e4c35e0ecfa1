"""Faults of MongoDB: fail points on each kind of command, and a server that steps down."""

from __future__ import annotations

import os
import random
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pymongo
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from app.stores.mongo import open_mongo
from tests.reliability.embeddings import EMBEDDER
from tests.reliability.faults import SETTINGS, TIMEOUT, Fault, Prover, Tally, let_age, send
from tests.reliability.faults_embedding import EmbeddingProver
from tests.reliability.harness import Harness
from tests.reliability.own_server import TO_FAIL
from tests.reliability.report import say
from tests.reliability.routes import Route
from tests.reliability.tcp_proxy import TcpProxy

APP = "colloquy"
"""The application name that the store connects under; the fail points meet nobody else."""

READS = frozenset({"find", "aggregate", "count", "getMore", "distinct"})
CHANGES = frozenset({"insert", "update", "delete", "findAndModify"})
ENDS = frozenset({"commitTransaction", "abortTransaction"})
COMMANDS = READS | CHANGES | ENDS

SELDOM = 12
"""The server steps down or is away for at least one in so many routes."""

SLOW = round(TIMEOUT * 1000) + 400

OVERDUE = SLOW / 1000 - TIMEOUT + 0.1
"""Seconds after an answer at which the server gets to what the request had given up."""

FAIL_POINTS: dict[str, tuple[frozenset[str], bool, dict[str, Any]]] = {
    # Name: the commands it is for, whether it lasts, and what it does.
    "a passing conflict": (
        CHANGES | READS,
        False,
        {"errorCode": 112, "errorLabels": ["TransientTransactionError"]},
    ),
    "a shutdown, labelled": (COMMANDS, False, {"errorCode": 91}),
    "not primary, labelled": (COMMANDS, False, {"errorCode": 10107}),
    "an error without labels": (COMMANDS, False, {"errorCode": 8000, "errorLabels": []}),
    "a dropped connection": (COMMANDS, False, {"closeConnection": True}),
    "one answer too late": (COMMANDS, False, {"blockConnection": True, "blockTimeMS": SLOW}),
    "an unknown commit": (
        frozenset({"commitTransaction"}),
        False,
        {"errorCode": 64, "errorLabels": ["UnknownTransactionCommitResult"]},
    ),
    "a write concern that fails": (
        frozenset({"commitTransaction"}),
        False,
        {"writeConcernError": {"code": 91, "errmsg": "replication stopped"}},
    ),
    "lasting errors with labels": (COMMANDS, True, {"errorCode": 91}),
    "lasting errors without labels": (COMMANDS, True, {"errorCode": 14031, "errorLabels": []}),
    "connections that always drop": (COMMANDS, True, {"closeConnection": True}),
    "answers that are always late": (COMMANDS, True, {"blockConnection": True, "blockTimeMS": SLOW}),
}


class Counted(CommandListener):
    """Counts the commands of the store."""

    def __init__(self) -> None:
        self.names: Counter[str] = Counter()

    def started(self, event: CommandStartedEvent) -> None:
        """Count one."""
        self.names[event.command_name] += 1

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Expect nothing of it."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Expect nothing of it."""


@contextmanager
def server() -> Iterator[str | None]:
    """Give the URI of a server that may be made to fail, or None."""
    given = os.environ.get("MONGODB_FAULTS_URI")
    started = None if given else TO_FAIL.start()
    try:
        yield given or started
    finally:
        if started:
            TO_FAIL.run("down")


def run(routes: list[Route], every: int) -> Iterator[tuple[str, Tally]]:
    """Prove all routes under one in ``every`` of the faults."""
    with server() as uri:
        if uri is None:
            say("mongodb: SKIPPED: MONGODB_FAULTS_URI names no server with fail points")
            return
        yield from _run(uri, routes, every)


def _run(uri: str, routes: list[Route], every: int) -> Iterator[tuple[str, Tally]]:
    name = "proof_" + secrets.token_hex(6)
    line = TcpProxy(pymongo.uri_parser.parse_uri(uri)["nodelist"][0])
    # A direct connection stays on the line; by the replica set's name it would find the server itself.
    url = f"mongodb://127.0.0.1:{line.port}/{name}?directConnection=true"
    counted = Counted()
    pymongo.monitoring.register(counted)
    admin: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(uri, appname="faults")
    backend = open_mongo(url, timeout=SETTINGS.request_timeout)
    backend.migrate()
    try:
        stage = Harness(backend, SETTINGS, EMBEDDER)
        prover, embedding = Prover(stage, "mongodb"), EmbeddingProver(stage, "mongodb")
        sent = {route.name: _learn(prover, route, counted) for route in routes}
        _prove_commands(prover, routes, sent, Faults(admin), every)
        yield "mongodb, each command", prover.tally
        _prove_embedding(embedding, counted, Faults(admin), every)
        yield "mongodb, each command of embedding", embedding.tally
        prover.tally = Tally()
        _prove_stepdown(prover, routes, Faults(admin), every)
        yield "mongodb, stepping down", prover.tally
        for what, start in {"silent": line.silent, "cut off": line.cut}.items():
            prover.tally = Tally()
            for route in routes[:: min(every, SELDOM)]:
                prover.prove(route, Fault(f"a server that is {what}", start, blocks_writes=True), None)
            yield f"mongodb, {what}", prover.tally
    finally:
        backend.close()
        line.close()
        admin.drop_database(name)
        admin.close()


def _learn(prover: Prover, route: Route, counted: Counted) -> set[str]:
    """Return which kinds of commands a request sends while nothing fails."""
    prover.learn(route)
    namespace = prover._world(route)
    let_age(route)
    counted.names.clear()
    send(prover._api, route, namespace)
    return set(counted.names) & COMMANDS


class Faults:
    """Switches faults on and off."""

    def __init__(self, admin: pymongo.MongoClient[dict[str, Any]]) -> None:
        self._admin = admin.admin

    def point(self, name: str) -> Fault:
        """Return a fail point as a fault."""
        commands, lasts, data = FAIL_POINTS[name]

        @contextmanager
        def start(command: str | None) -> Iterator[None]:
            mode: Any = "alwaysOn" if lasts else {"times": 1}
            point = {"failCommands": [command], "appName": APP, **data}
            self._admin.command({"configureFailPoint": "failCommand", "mode": mode, "data": point})
            try:
                yield
            finally:
                self._admin.command({"configureFailPoint": "failCommand", "mode": "off"})
                if lasts and "blockTimeMS" in data:
                    time.sleep(OVERDUE)

        return Fault(name, start, commands, blocks_writes=lasts)

    def stepdown(self, seconds: float) -> Fault:
        """Return a server that is no primary for a while."""

        @contextmanager
        def start(_: str | None) -> Iterator[None]:
            self._admin.command({"replSetStepDown": 10, "force": True})
            back = threading.Timer(seconds, self._freeze)
            back.start()
            try:
                yield
            finally:
                back.cancel()
                back.join()
                self._freeze()

        return Fault(f"a stepdown of {seconds} s", start)

    def _freeze(self) -> None:
        self._admin.command({"replSetFreeze": 0})


def _prove_commands(
    prover: Prover, routes: list[Route], sent: dict[str, set[str]], faults: Faults, every: int
) -> None:
    shuffle = random.Random(len(routes))
    for route in routes:
        fitting = _fitting(faults, sent[route.name])
        for command, point in shuffle.sample(fitting, -(-len(fitting) // every)):
            prover.prove(route, point, command)


def _fitting(faults: Faults, sent: set[str]) -> list[tuple[str, Fault]]:
    """Return each command with each fail point that is for it."""
    points = [faults.point(name) for name in FAIL_POINTS]
    pairs = [(command, point) for command in sorted(sent) for point in points]
    return [(command, point) for command, point in pairs if command in (point.commands or ())]


def _prove_embedding(embedding: EmbeddingProver, counted: Counted, faults: Faults, every: int) -> None:
    counted.names.clear()
    embedding.work()
    fitting = _fitting(faults, set(counted.names) & COMMANDS)
    count = -(-len(fitting) // min(every, SELDOM))
    for command, point in random.Random(count).sample(fitting, count):
        embedding.prove(point, command)


def _prove_stepdown(prover: Prover, routes: list[Route], faults: Faults, every: int) -> None:
    for route in routes[:: min(every, SELDOM)]:
        for seconds in (0.3, TIMEOUT * 2):
            prover.prove(route, faults.stepdown(seconds), None)
