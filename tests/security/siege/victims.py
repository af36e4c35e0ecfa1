"""Victims: what a client does while the server is attacked, and how long each of its requests takes."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

from tests.security.corpus import asked
from tests.security.server import Server

DIALOGUE: Final = "victim"
LARGE: Final = "large"
CLIENTS: Final = 4
PATIENCE_SECONDS: Final = 60
READER_PIECE: Final = 256 * 1024
READER_PAUSE: Final = READER_PIECE / 20_000_000
"""Seconds between two pieces of a reader that takes 20 MB a second."""


@dataclass(slots=True)
class Watch:
    """How long the requests of a victim took (seconds, by what it did), and what went wrong."""

    waits: dict[str, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def add(self, kind: str, request: Callable[[], str | None]) -> None:
        """Make one request, which returns what was wrong with its answer."""
        begun = time.monotonic()
        try:
            wrong = request()
        except OSError as error:
            wrong = type(error).__name__
        self.waits.setdefault(kind, []).append(time.monotonic() - begun)
        if wrong is not None:
            self.errors.append(f"{kind}: {wrong}")

    def p99(self, kind: str) -> float:
        """Return the 99th percentile of a kind of request, in seconds."""
        waits = self.waits[kind]
        return statistics.quantiles(waits, n=100)[98] if len(waits) > 1 else waits[0]


def ask(server: Server, watch: Watch, seconds: float) -> None:
    """Read a dialogue and append to it, four clients at once, each request on a connection of its own."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        for done in [pool.submit(_ask, server, watch, seconds) for _ in range(CLIENTS)]:
            done.result()


def _ask(server: Server, watch: Watch, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        watch.add("GET", lambda: _send(server, "GET", f"/dialogue/{DIALOGUE}"))
        message = {"dialogueId": DIALOGUE, "role": "user", "content": "Where is my book?"}
        watch.add("append", lambda body=message: _send(server, "POST", "/message", json.dumps(body)))  # type: ignore[misc]  # mypy infers no default
        time.sleep(0.01)


def _send(server: Server, method: str, path: str, body: str | None = None) -> str | None:
    with closing(server.client(PATIENCE_SECONDS)) as client:
        client.request(method, path, body, {"Authorization": f"Bearer {server.key}"})
        with client.getresponse() as response:
            response.read()
            return None if response.status == 200 else str(response.status)


def ask_to_continue(server: Server, watch: Watch, seconds: float) -> None:
    """Create dialogues with small bodies that wait for "100 Continue", as .NET and curl send larger ones."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        watch.add("Expect", lambda: _send_when_told(server))
        time.sleep(0.01)


def _send_when_told(server: Server) -> str | None:
    with server.connect(PATIENCE_SECONDS) as client:
        client.sendall(asked("POST /dialogue", 2).replace(b"@KEY@", server.key.encode()))
        told = client.recv(65536)
        if told != b"HTTP/1.1 100 Continue\r\n\r\n":
            return told.split(b"\r\n")[0].decode()
        client.sendall(b"{}")
        status = client.recv(65536).split(b"\r\n")[0]
        return None if b" 200 " in status else status.decode()


def read_large(server: Server, watch: Watch, seconds: float) -> None:
    """Read large answers at 20 MB a second, as a client behind a good line does."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        watch.add("large GET", lambda: _read_slowly(server))


def _read_slowly(server: Server) -> str | None:
    with closing(server.client(PATIENCE_SECONDS)) as client:
        client.request(
            "GET", f"/messages?dialogueId={LARGE}", headers={"Authorization": f"Bearer {server.key}"}
        )
        with client.getresponse() as response:
            whole = int(response.headers["Content-Length"])
            read = 0
            while piece := response.read(READER_PIECE):
                read += len(piece)
                time.sleep(READER_PAUSE)
            return None if read == whole else f"{read} of {whole} bytes"
