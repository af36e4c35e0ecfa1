"""The clients of a soak: each comes, makes a world in a namespace of its own, uses it, erases it and goes.

They send every request that ``routes`` knows, refused ones among them, and large messages, long lists and
malformed bodies besides. What is answered with 500 or not at all is a problem.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Final, cast

from tests.contract.conftest import Api
from tests.reliability import routes
from tests.reliability.client import Answer, Client, Request
from tests.reliability.soak_wsgi import COST

VISIT: Final = 60
"""How many requests a client sends before it erases its world and leaves."""

LARGE: Final = "A large message. " * 20_000
UNUSUAL: Final = (
    Request("POST", "/messages?dialogueId=d&namespace={ns}", [{"role": "user", "content": LARGE}]),
    Request("GET", "/messages?dialogueId=d&namespace={ns}&limit=500"),
    Request("POST", "/dialogue", [{}]),
    Request("GET", "/dialogue/missing?namespace={ns}"),
    Request("GET", "/no/such/route"),
)
PATIENCE: Final = 40.0


Paid = tuple[float, float, float, str]
"""An answer: when it came, how long it took, what it cost the thread that answered, all in seconds; to what.

The garbage collection of a client passes over plain tuples of numbers and strings, however many there are.
"""


@dataclass
class Load:
    """What one client process met: what was answered, and what was wrong."""

    answers: list[Paid] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class Visitor:
    """One client, with the part of ``Api`` that ``routes`` needs to make a world."""

    def __init__(self, port: int, key: str, load: Load) -> None:
        self._client = Client(port, key, PATIENCE)
        self._load = load

    def ok(self, method: str, path: str, body: Any = None) -> Any:
        """Send what has to be accepted, and return the answer's JSON."""
        answer = self.send(Request(method, path, body), f"{method}, to come or to go")
        if answer is None or not answer.accepted:
            raise ConnectionError(f"{method} {path}: {answer.text[:200] if answer else 'no answer'}")
        return answer.json

    def send(self, request: Request, kind: str) -> Answer | None:
        """Send a request once, and note what it took, or what was wrong."""
        answer = self._client.send(request)
        if answer is None or answer.status >= 500:
            seen = "no answer" if answer is None else f"{answer.status} {answer.text[:200]}"
            self._load.problems.append(f"{request.method} {request.target}: {seen}")
        else:
            # What the server refuses before it reaches the application has no cost.
            cost = int(answer.headers.get(COST, 0)) / 1e9
            self._load.answers.append((time.monotonic(), answer.seconds, cost, kind))
        return answer

    def leave(self) -> None:
        """Close the connection."""
        self._client.close()


def visit(port: int, key: str, seed: str, pipe: Connection) -> None:
    """Be one client after the other until a moment of the monotonic clock; send back a ``Load``.

    Says in the pipe that it is there, reads that moment from it, and writes its load into it.
    """
    chance = random.Random(seed)
    load, number = Load(), 0
    pipe.send(None)
    until = pipe.recv()
    while time.monotonic() < until:
        number += 1
        visitor = Visitor(port, key, load)
        try:
            _stay(visitor, chance, f"{seed}-{number}", until)
        except ConnectionError as error:
            load.problems.append(str(error))
        visitor.leave()
    pipe.send(load)


def _stay(visitor: Visitor, chance: random.Random, namespace: str, until: float) -> None:
    routes.prepare(cast("Api", visitor), namespace)
    for _ in range(VISIT):
        if time.monotonic() >= until:
            break
        if chance.random() < 0.1:
            asked = chance.choice(UNUSUAL)
            kind = f"{asked.method} {asked.path}"
            visitor.send(Request(asked.method, routes.fill(asked.path, namespace), asked.body), kind)
        else:
            route = chance.choice(routes.ROUTES)
            path, body = routes.fill(route.path, namespace), routes.fill(route.body, namespace)
            visitor.send(Request(route.method, path, body, headers=route.headers), route.name)
    visitor.ok("DELETE", f"/namespace/{namespace}")
