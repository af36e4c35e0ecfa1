"""Attacks: what a stranger, or one tenant, does to a server. Each runs in a process of its own."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from multiprocessing.synchronize import Event
from pathlib import Path
from threading import Semaphore
from typing import Final

from tests.security.corpus import get, head, post
from tests.security.server import Server, secured

RAMP_SECONDS: Final = 60

FIRST_SECONDS: Final = 1.0
"""How long the first answers are awaited before an attack counts as going on."""

MISTAKES: Final = (b"400", b"401", b"403", b"404")
"""The statuses of an attack that asks for nothing; 413 and 429 are what some of them meet."""

MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Target:
    """Where the attack goes, with a key of another project than the victim's."""

    host: str
    port: int
    key: str
    certificate: Path | None

    def connect(self, raw: bytes, *, source: str = "127.0.0.1", receives: int = 0) -> socket.socket:
        """Open a connection and send; ``receives`` is how many bytes it takes in before it is read."""
        client = socket.socket()
        client.settimeout(RAMP_SECONDS)
        if receives:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
        client.bind((source, 0))
        client.connect((self.host, self.port))
        client = secured(client, self.certificate)
        client.sendall(raw.replace(b"@KEY@", self.key.encode()))
        return client


@dataclass(frozen=True, slots=True)
class Siege:
    """What an attack is told and tells: that it goes on with full force, and that it is to stop."""

    target: Target
    ready: Event
    stop: Event

    def hold(self, clients: int, connect: Callable[[], socket.socket]) -> None:
        """Keep so many connections open, of which the server may close some: new ones replace the oldest."""
        held: deque[socket.socket] = deque()
        while not self.stop.is_set():
            with contextlib.suppress(OSError):
                held.append(connect())
            if len(held) > clients:
                self.ready.set()
                held.popleft().close()
        for client in held:
            client.close()

    def keep(self, clients: int, connect: Callable[[], socket.socket]) -> None:
        """Open so many connections and leave them as they are."""
        held = [connect() for _ in range(clients)]
        self.ready.set()
        self.stop.wait()
        for client in held:
            client.close()

    def repeat(self, clients: int, raw: bytes) -> None:
        """Have so many clients send the same request, again and again, without a pause.

        What the first request of each does to others lasts a moment; who attacks goes on. Raises RuntimeError
        for an answer among MISTAKES.
        """
        answers = Semaphore(0)
        with ThreadPoolExecutor(clients) as pool:
            repeating = [pool.submit(self._repeat, raw, answers) for _ in range(clients)]
            until = time.monotonic() + FIRST_SECONDS
            for _ in range(clients):
                answers.acquire(timeout=max(0, until - time.monotonic()))
            self.ready.set()
        for one in repeating:
            one.result()

    def _repeat(self, raw: bytes, answers: Semaphore) -> None:
        while not self.stop.is_set():
            with contextlib.suppress(OSError), contextlib.closing(self.target.connect(raw)) as client:
                begun = client.recv(65536)
                if begun[9:12] in MISTAKES:
                    raise RuntimeError(f"an attack asks for nothing: {begun[:1000]!r}")
                client.settimeout(0.2)
                while not self.stop.is_set() and client.recv(65536):
                    pass
            answers.release()


def idle_connections(siege: Siege) -> None:
    """Keep 2,100 connections open after one GET /health each, without a key."""

    def connect() -> socket.socket:
        client = siege.target.connect(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
        client.recv(65536)
        return client

    siege.hold(2100, connect)


def silent_connections(siege: Siege) -> None:
    """Open 2,100 connections and send nothing."""
    siege.hold(2100, lambda: siege.target.connect(b""))


def stalled_uploads(siege: Siege) -> None:
    """Send halves of 24 uploads."""
    raw = head("POST /dialogue HTTP/1.1", "Content-Length: 200000") + b"{" + b" " * 100_000
    siege.keep(24, lambda: siege.target.connect(raw))


def unread_answers(siege: Siege) -> None:
    """Ask for 120 answers of 4.5 MB, and read none of them."""
    raw = get("/messages?dialogueId=large")
    siege.keep(120, lambda: siege.target.connect(raw, receives=4096))


def many_values(siege: Siege) -> None:
    """Send bodies of 8 MB with 300,000 keys each, 16 at once, again and again."""
    values = ",".join(f'"key{n:06}":"value{n:06}"' for n in range(300_000))
    siege.repeat(16, post("/dialogue", f'{{"state":{{{values}}}}}'.encode()))


def many_searches(siege: Siege) -> None:
    """Search for 64 terms, 16 at once, again and again."""
    query = " ".join(f"w{n}" for n in range(64))
    siege.repeat(16, post("/search", {"query": query, "object": "message", "limit": 100}))


def many_compactions(siege: Siege) -> None:
    """Have the digest of a long dialogue made, 16 at once, again and again."""
    siege.repeat(16, post("/dialogue/long/compact", b""))


def many_contexts(siege: Siege) -> None:
    """Ask for the context of a long dialogue, 16 at once, again and again."""
    siege.repeat(16, get("/dialogue/long/context?maxTokens=100000"))


def large_lists(siege: Siege) -> None:
    """List large messages, 16 at once, again and again."""
    siege.repeat(16, get("/messages?dialogueId=large&limit=500"))


def long_forks(siege: Siege) -> None:
    """Fork a long dialogue, 16 at once, again and again."""
    siege.repeat(16, post("/dialogue", {"threadOf": "long", "forkAt": "m2999"}))


ATTACKS: Final[dict[str, Callable[[Siege], None]]] = {
    attack.__name__: attack
    for attack in (
        idle_connections,
        silent_connections,
        stalled_uploads,
        unread_answers,
        many_values,
        many_searches,
        many_compactions,
        many_contexts,
        large_lists,
        long_forks,
    )
}


@contextlib.contextmanager
def under(attack: str, server: Server, key: str) -> Iterator[None]:
    """Attack a server while the block runs. Raises RuntimeError when the attack fails."""
    spawn = multiprocessing.get_context("spawn")
    siege = Siege(Target(server.host, server.port, key, server.certificate), spawn.Event(), spawn.Event())
    process = spawn.Process(target=ATTACKS[attack], args=(siege,))
    process.start()
    try:
        if not siege.ready.wait(RAMP_SECONDS) or not process.is_alive():
            raise RuntimeError(f"{attack} did not come about")
        yield
    finally:
        siege.stop.set()
        process.join(RAMP_SECONDS)
        process.kill()
        process.join()
    if process.exitcode == 1:
        raise RuntimeError(f"{attack} failed; its output says why")


def seed(server: Server, key: str, dialogue: str, content: list[str]) -> None:
    """Give a project a dialogue with messages m0, m1 and so on; raises HTTPException when it is refused."""
    with contextlib.closing(server.client(RAMP_SECONDS)) as client:
        _write(client, key, "/dialogue", {"id": dialogue})
        for start in range(0, len(content), 25):
            batch = [
                {"id": f"m{number}", "role": "user", "content": text}
                for number, text in enumerate(content[start : start + 25], start)
            ]
            if sum(map(len, content[start : start + 25])) < MIB:
                _write(client, key, f"/messages?dialogueId={dialogue}", batch)
            else:
                for message in batch:
                    _write(client, key, f"/messages?dialogueId={dialogue}", [message])


def _write(client: HTTPConnection, key: str, path: str, body: object) -> None:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    client.request("POST", path, json.dumps(body), headers)
    with client.getresponse() as response:
        said = response.read()
        if response.status != 200:
            raise HTTPException(f"{path}: {response.status} {said[:200]!r}")
