"""The cost of one request without a server around it: Colloquy and bare Flask in one process, in turns.

Both serve copies of one SQLite file, or of one MongoDB database. What is compared is CPU time, taken in short
alternating runs, so that a busy machine slows both alike; the median of the runs' ratios is what is reported.
"""

from __future__ import annotations

import importlib
import io
import json
import logging
import os
import random
import secrets
import shutil
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pymongo

from app import logs
from app.settings import Settings
from app.stores import Backend
from app.stores.mongo import open_mongo
from app.stores.sqlite import open_sqlite
from app.wiring import create_app
from bench import data

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

SIZE = data.Size(dialogues=200, long=0)
LONG = 200
"""How many messages the dialogue has, on MongoDB, of which a page is read."""

REQUESTS = {"get": 100, "append": 40}
"""How many requests one run takes: some 10 to 30 ms."""

LISTS = {"list": 20, "page": 20}
"""The same for 100 dialogues and for 100 messages, on MongoDB."""

TARGETS = {
    "list": ("/dialogue", "limit=100"),
    "page": ("/messages", "dialogueId=long&limit=100"),
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Medians: microseconds of CPU a request of each, and the ratio within each pair of runs."""

    ours: float
    flask: float
    ratio: float


class Pair:
    """Both applications over copies of the same data: ours on ``store``, bare Flask on that at ``url``."""

    def __init__(self, folder: Path, store: Backend, url: str) -> None:
        # As `serve` sets it up, the access log included; it goes where nobody reads it.
        logs.configure("error")
        self._log = (folder / "access.log").open("wb")
        logs.access.open(self._log.fileno(), logging.INFO)
        self.store = store
        self.ours: Application = create_app(Settings(), store)
        os.environ["BENCH_STORE"] = url
        self.flask: Application = importlib.import_module("bench.contenders.flask_app").app

    def compare(self, work: str, rounds: int) -> Comparison:
        """Measure a work in turns; the first round only warms up."""
        requests = (REQUESTS | LISTS)[work]
        rows = []
        for number in range(rounds + 1):
            first, second = (self.ours, self.flask) if number % 2 else (self.flask, self.ours)
            times = {id(app): measure(app, work, number, requests) for app in (first, second)}
            rows.append((times[id(self.ours)], times[id(self.flask)]))
        ours, flask = zip(*rows[1:], strict=True)
        ratios = [one / other for one, other in rows[1:]]
        return Comparison(statistics.median(ours), statistics.median(flask), statistics.median(ratios))


def on_sqlite(folder: Path) -> Pair:
    """Return both on copies of a file."""
    base = folder / "base.db"
    store = open_sqlite(base)
    store.migrate()
    data.load(store, SIZE)
    store.close()
    for name in ("ours", "flask"):
        shutil.copy(base, folder / f"{name}.db")
    return Pair(folder, open_sqlite(folder / "ours.db"), f"sqlite:///{folder / 'flask.db'}")


@contextmanager
def on_mongodb(uri: str, folder: Path) -> Iterator[Pair]:
    """Give both on databases of their own, which are dropped afterwards."""
    with pymongo.MongoClient[dict[str, Any]](uri) as client, ExitStack() as stack:
        names = [f"bench_{secrets.token_hex(6)}" for _ in range(2)]
        ours, flask = [urlunsplit(urlsplit(uri)._replace(path="/" + name)) for name in names]
        for name in names:
            stack.callback(client.drop_database, name)
        for url in (ours, flask):
            store = open_mongo(url, timeout=60)
            stack.callback(store.close)
            store.migrate()
            data.load(store, data.Size(SIZE.dialogues, LONG))
        pair = Pair(folder, open_mongo(ours, timeout=60), flask)
        stack.callback(pair.store.close)
        yield pair


def count_reads(pair: Pair) -> int:
    """Return how many statements one GET of a dialogue runs, the key being known."""
    dice = random.Random(0)
    call(pair.ours, environ_of("get", dice))
    seen: list[str] = []
    connection = pair.store._db.connection()  # type: ignore[attr-defined]  # noqa: SLF001  # what it runs
    connection.set_trace_callback(seen.append)
    call(pair.ours, environ_of("get", dice))
    connection.set_trace_callback(None)
    print(f"get     {len(seen)} read of the store: {'ok' if len(seen) == 1 else 'TOO MANY'}")
    return len(seen)


def measure(app: Application, work: str, seed: int, requests: int) -> float:
    """Return the CPU microseconds a request of one run."""
    dice = random.Random(seed)  # the same requests for both
    environs = [environ_of(work, dice) for _ in range(requests)]
    begun = time.process_time()
    for environ in environs:
        call(app, environ)
    return (time.process_time() - begun) / requests * 1e6


def environ_of(work: str, dice: random.Random) -> dict[str, Any]:
    """Return what gunicorn would hand over for a request of that kind."""
    dialogue = f"/dialogue/d{dice.randrange(SIZE.dialogues)}"
    path, query = TARGETS.get(work, (dialogue, ""))
    body = b""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "RAW_URI": f"{path}?{query}" if query else path,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1:8080",
        "HTTP_AUTHORIZATION": f"Bearer {data.KEY}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if work == "append":
        body = json.dumps({"role": "user", "content": data.sentence(dice)}).encode()
        environ |= {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": dialogue + "/message",
            "RAW_URI": dialogue + "/message",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
        }
    return environ | {"wsgi.input": io.BytesIO(body)}


def call(app: Application, environ: dict[str, Any]) -> bytes:
    """Return the body of a 200; anything else is an error of the bench."""
    statuses: list[str] = []

    def start_response(status: str, _headers: Any, _error: Any = None) -> None:
        statuses.append(status)

    answer = app(environ, start_response)
    body = b"".join(answer)
    close = getattr(answer, "close", None)
    if close is not None:
        close()
    if statuses != ["200 OK"]:
        raise RuntimeError(f"{environ['PATH_INFO']} answered {statuses}: {body[:300]!r}")
    return body
