"""An endpoint for embeddings beside a server under proof, and what has to hold of the queue behind it."""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from zlib import crc32

from app.domain.records import Scope
from app.stores import Backend
from app.stores.mongo import MongoBackend
from app.stores.mongo import vectors as mongo_vectors
from app.stores.mongo.mapping import place
from app.stores.sqlite import SqliteBackend
from app.stores.sqlite import vectors as sqlite_vectors
from tests.fake_embedder import FakeEmbedder
from tests.reliability.report import say

DIMENSIONS = 8
NAME = "proof"
MODEL = f"{NAME}/{DIMENSIONS}"
"""What the server calls the vectors of this endpoint."""

BATCH = 10
"""Few, since a store reads them within one time limit, and that of a proof may be short."""

EMBEDDER = FakeEmbedder(MODEL, DIMENSIONS)
"""One in the process of the proof."""

DRAIN_SECONDS = 90.0
"""How long a queue may take to run empty: a process that was killed keeps its claim for half a minute."""


class Handler(BaseHTTPRequestHandler):
    """Answers with a vector for each text."""

    def do_POST(self) -> None:
        """Embed."""
        texts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
        data = [{"index": place, "embedding": embed(text)} for place, text in enumerate(texts)]
        body = json.dumps({"data": data}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is the library's
        """Say nothing."""


def embed(text: str) -> list[float]:
    """Return a direction that depends on the text alone."""
    return [math.sin(crc32(text.encode()) + place) for place in range(DIMENSIONS)]


@contextmanager
def embeddings() -> Iterator[dict[str, str]]:
    """Run an endpoint; gives the settings of a server that uses it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield {
            "COLLOQUY_EMBEDDER": "endpoint",
            "COLLOQUY_EMBEDDER_URL": f"http://127.0.0.1:{server.server_port}",
            "COLLOQUY_EMBEDDER_MODEL": NAME,
            "COLLOQUY_EMBEDDER_DIMENSIONS": str(DIMENSIONS),
        }
    finally:
        server.shutdown()
        server.server_close()


def embed_queued(backend: Backend) -> None:
    """Embed what waits, without the walk that would queue what a write has left out."""
    while entries := backend.queued(MODEL, BATCH):
        pieces = [b"".join(made) for made in EMBEDDER.passages([entry.text for entry in entries])]
        backend.save_vectors([(entry.ticket, made) for entry, made in zip(entries, pieces, strict=True)])


def wrongly_queued(backend: Backend, scope: Scope) -> list[str]:
    """Return the items of a namespace with neither an entry nor vectors, and what has no item."""
    read = _read_documents if isinstance(backend, MongoBackend) else _read_rows
    return sorted(found for items, known in read(backend, scope) for found in items ^ known)


def _read_rows(backend: Backend, scope: Scope) -> Iterator[tuple[set[str], set[str]]]:
    assert isinstance(backend, SqliteBackend)
    here = (scope.project, scope.namespace)
    for kind in sqlite_vectors.KINDS:
        of_items = f"SELECT number FROM {kind} WHERE project = ? AND namespace = ?"  # noqa: S608  a table's name
        items = backend._db.all(of_items, here)
        of_vectors = "SELECT number FROM vector WHERE kind = ? AND project = ? AND namespace = ?"
        known = backend._db.all(of_vectors, (kind, *here))
        yield {f"{kind} {number}" for (number,) in items}, {f"{kind} {number}" for (number,) in known}


def _read_documents(backend: Backend, scope: Scope) -> Iterator[tuple[set[str], set[str]]]:
    assert isinstance(backend, MongoBackend)
    here = place(scope)
    for kind in mongo_vectors.KINDS:
        items = backend._db.database[kind].find(here, ["_id"])
        known = backend._db.vectors.find({**here, "kind": kind}, ["item"])
        yield {f"{kind} {one['_id']}" for one in items}, {f"{kind} {one['item']}" for one in known}


def queue_problems(backend: Backend, project: str) -> list[str]:
    """Return what is wrong with the queue: every item has an entry or vectors, and nothing else has."""
    found = backend.embedding_progress(project, MODEL)
    wrong = {"items without an entry": found.unqueued, "vectors or entries without an item": found.orphans}
    return [f"embedding, {project}: {count} {what}" for what, count in wrong.items() if count]


def drain(backend: Backend, projects: list[str]) -> list[str]:
    """Wait until a running server has embedded everything; what is wrong with the vectors then."""
    began = time.monotonic()
    while True:
        found = {name: backend.embedding_progress(name, MODEL) for name in projects}
        left = [one for one in found.values() if one.waiting or one.unqueued or not one.is_walked]
        if not left or time.monotonic() > began + DRAIN_SECONDS:
            break
        time.sleep(0.5)
    say(f"  everything was embedded {time.monotonic() - began:.0f} s behind the last write")
    wrong = {name: one for name, one in found.items() if one in left or one.orphans}
    return [f"embedding, {name}: {one}" for name, one in wrong.items()]
