"""What erasing a large namespace costs others: the p99 of their appends without it, with it, and behind it.

    python -m bench.erasures                    # 25,000 dialogues of 4 messages, 8 clients
    python -m bench.erasures --dialogues 5000
    python -m bench.erasures --store mongodb

``make bench-erasures`` runs it, on SQLite and, where MONGODB_URI is set, on MongoDB; it fails where p99,
while the namespace is erased or while the sweeper then removes what was hidden, is more than 50 ms above what
it is without: what a busy machine makes clients wait for in any case is no part of that.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import secrets
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pymongo

from app.domain.records import Scope
from app.opening import open_backend
from app.settings import Settings
from app.stores import Backend, Transaction
from bench import data
from bench.backups import KEY, for_seconds, measure
from bench.process import Server
from bench.scale import Pattern, make_pattern, moment
from tests.ports import free_port

MOST_MS = 50.0
"""By how much p99 may be above what it is without an erasure."""
SECONDS = 6.0
STEP = 250
"""How many dialogues one transaction of the filling has."""
FILL_SECONDS = 120.0
"""How long it may take: that is not what is measured."""
NAMESPACE = "leaving"
MESSAGES = 4


@contextmanager
def filled(url: str, dialogues: int) -> Iterator[Backend]:
    """Give a store that has the namespace; a database is dropped afterwards."""
    backend = open_backend(Settings(store_url=url, request_timeout=FILL_SECONDS))
    try:
        backend.migrate()
        fill(backend, make_pattern(backend), range(dialogues))
        yield backend
    finally:
        backend.close()
        place = urlsplit(url)
        if place.scheme == "mongodb":
            with pymongo.MongoClient(url) as client:
                client.drop_database(place.path[1:])


def fill(store: Backend, pattern: Pattern, numbers: range) -> None:
    """Add dialogues with messages to the namespace."""
    for first in range(numbers.start, numbers.stop, STEP):
        step = range(first, min(numbers.stop, first + STEP))
        store.write(Scope(data.PROJECT, NAMESPACE), lambda tx, step=step: _insert(tx, pattern, step))


def _insert(tx: Transaction, pattern: Pattern, numbers: range) -> None:
    dialogue, message = pattern
    rows = []
    for number in numbers:
        uid, name, when = f"{number:026}", f"d{number}", moment(number)
        own = {"created": when, "modified": when}
        tx.insert_dialogue(
            replace(
                dialogue,
                namespace=NAMESPACE,
                id=name,
                uid=uid,
                total=MESSAGES,
                next_seq=MESSAGES,
                label=f"Order {number}",
                **own,
            )
        )
        rows += [
            replace(message, uid=uid, dialogue_id=name, id=f"m{seq}", seq=seq, **own)
            for seq in range(MESSAGES)
        ]
    tx.insert_messages(rows)


def compare(url: str, backend: Backend, folder: Path) -> float:
    """Measure appends without an erasure, with it and behind it; by how many ms p99 is worse at most."""
    port = free_port()
    environment = {
        "COLLOQUY_STORE_URL": url,
        "COLLOQUY_API_KEY": KEY,
        "COLLOQUY_PORT": str(port),
        "COLLOQUY_LOG_LEVEL": "error",
    }
    server = Server(
        [sys.executable, "-m", "app", "serve"], environment, port, "/health", folder / "server.log"
    )
    try:
        usual = show("without", measure(port, for_seconds(SECONDS)))
        begun = time.perf_counter()
        erasure = Erasure(port)
        during = show("erasing", measure(port, erasure.is_answered))
        print(f"          {erasure.counts} in {erasure.seconds:.1f} s", flush=True)
        behind = show("removing", measure(port, until_removed(backend)))
        print(f"          all gone {time.perf_counter() - begun:.1f} s after the beginning", flush=True)
        return max(during, behind) - usual
    finally:
        server.stop()


def show(name: str, measured: tuple[float, float, float]) -> float:
    """Print what was measured, and return the p99."""
    median, p99, rate = measured
    print(f"{name:>8}: p50 {median:6.1f} ms  p99 {p99:6.1f} ms  {rate:6.0f} appends/s", flush=True)
    return p99


class Erasure:
    """The erasure of the namespace, by a client of its own while others append."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.seconds = 0.0
        self.counts = ""
        self._thread = threading.Thread(target=self._erase)
        self._thread.start()

    def is_answered(self) -> bool:
        """Whether it has come to its end."""
        return not self._thread.is_alive()

    def _erase(self) -> None:
        begun = time.perf_counter()
        while (answer := self._ask()) is None:
            # It takes longer than one request may, and goes on with the next.
            time.sleep(1)
        self.seconds = time.perf_counter() - begun
        self.counts = "{dialogues} dialogues and {messages} messages".format_map(answer)

    def _ask(self) -> dict[str, int] | None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.request("DELETE", f"/namespace/{NAMESPACE}", headers={"Authorization": f"Bearer {KEY}"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
            return None
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"the erasure was answered {answer.status}")
        counts: dict[str, int] = json.loads(body)
        return counts


def until_removed(backend: Backend) -> Callable[[], bool]:
    """Return what says whether nothing awaits the sweeper any more; it looks once a second."""
    removed = threading.Event()

    def look() -> None:
        while backend.count_pending():
            time.sleep(1)
        removed.set()

    threading.Thread(target=look).start()
    return removed.is_set


def main() -> None:
    """Measure and print; the exit status is 1 if others wait for longer than they may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dialogues", type=int, default=25_000)
    parser.add_argument("--store", choices=["sqlite", "mongodb"], help="one store alone")
    wanted = parser.parse_args()
    waits = []
    with tempfile.TemporaryDirectory() as folder:
        urls = {"sqlite": f"sqlite:///{folder}/store.db"}
        if server := os.environ.get("MONGODB_URI"):
            urls["mongodb"] = urlunsplit(urlsplit(server)._replace(path="/bench_" + secrets.token_hex(4)))
        for url in [urls[wanted.store]] if wanted.store else urls.values():
            print(urlsplit(url).scheme, flush=True)
            with filled(url, wanted.dialogues) as backend:
                waits.append(compare(url, backend, Path(folder)))
    sys.exit(max(waits) > MOST_MS)


if __name__ == "__main__":
    main()
