"""Hostile input against a real server: the right answer, little work, no echo, and nobody else waits."""

from __future__ import annotations

import json
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tests.security.corpus import CASES, CONTENTS, LIMIT, MIB, Case, asked, head, post
from tests.security.server import Server, serving

pytestmark = pytest.mark.server

WORK_SECONDS = 2.0
MOST_ECHOED = 200
SLOW_CLIENTS = 40
PACE = 0.01
"""Seconds between the requests of a client that is measured: its own haste shall not be what it waits for."""
PATIENCE_SECONDS = 90

Answer = tuple[int, bytes]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server with the dialogue ``d``."""
    folder = tmp_path_factory.mktemp("corpus")
    # Small limits, so that what is just below them and just above costs little.
    limits = {"body_bytes": str(LIMIT), "message_bytes": str(MIB)}
    with serving(f"sqlite:///{folder}/store.db", folder, tls=False, **limits) as running:
        message = {"role": "user", "content": "Where is my book?"}
        assert exchange(running, post("/dialogue", {"id": "d", "message": message}))[0] == 200
        yield running


def exchange(server: Server, raw: bytes, *, shut: bool = False) -> Answer:
    """Send bytes as they are and return the status and the body of the answer."""
    with server.connect(PATIENCE_SECONDS) as client:
        try:
            client.sendall(raw.replace(b"@KEY@", server.key.encode()))
            if shut:
                client.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before all was sent; the answer is there to be read
        return read_answer(client)


def read_answer(client: socket.socket) -> Answer:
    """Read one answer: its head, then as much as its length says."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _receive(client)
    heading, _, body = received.partition(b"\r\n\r\n")
    lines = heading.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
    while len(body) < int(headers["content-length"]):
        body += _receive(client)
    return int(lines[0].split()[1]), body


def _receive(client: socket.socket) -> bytes:
    data = client.recv(65536)
    assert data, "the server closed the connection without a whole answer"
    return data


def work_of(server: Server, task: Callable[[], Answer]) -> tuple[Answer, float]:
    """Return what a task answers, and how many seconds of processor time the workers spent on it."""
    before = _processor_seconds(server)
    answer = task()
    return answer, _processor_seconds(server) - before


def _processor_seconds(server: Server) -> float:
    times = [Path(f"/proc/{pid}/stat").read_text(encoding="ascii").split()[13:15] for pid in server.workers()]
    return sum(int(ticks) for pair in times for ticks in pair) / 100


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_hostile_request_is_answered_cheaply_and_without_echo(server: Server, case: Case) -> None:
    """Each hostile request gets its answer in the envelope, for little work and echoing little."""
    (status, body), work = work_of(server, lambda: exchange(server, case.raw, shut=case.shut))
    assert status in case.statuses, body[:500]
    assert work < WORK_SECONDS
    if status >= 400:
        error = json.loads(body)["error"]
        assert set(error) == {"code", "message", "type", "details", "requestId", "timestamp"}
        assert case.code in (None, error["code"])
        assert body.count(b"Z") - error["timestamp"].count("Z") <= MOST_ECHOED


MANY_BLOCKS = {"60,000 blocks", "80,000 text blocks"}
"""A context of such a message takes up to three seconds: each block is counted and written by itself."""


@pytest.mark.parametrize("name", CONTENTS)
def test_pathological_content_takes_bounded_work(server: Server, name: str) -> None:
    """Storing, finding, digesting and planning a context take at most two seconds each, whatever was said."""
    dialogue = "c" + str(list(CONTENTS).index(name))
    message = {"role": "user", "content": CONTENTS[name]}
    steps = {
        "store": post("/dialogue", {"id": dialogue, "message": message}),
        "digest": post(f"/dialogue/{dialogue}/compact", b""),
        "context": head(f"GET /dialogue/{dialogue}/context HTTP/1.1"),
        "openai": head(f"GET /dialogue/{dialogue}/context?format=openai HTTP/1.1"),
        "anthropic": head(f"GET /dialogue/{dialogue}/context?format=anthropic HTTP/1.1"),
        "search": post("/search", {"query": "word w17 pay 1234567890", "object": "message"}),
    }
    slow: dict[str, float] = {}
    for step, raw in steps.items():
        (status, body), work = work_of(server, lambda raw=raw: exchange(server, raw))  # type: ignore[misc]  # mypy infers no default
        # A last message that is larger than the budget of a context is refused, and rightly.
        assert status == 200 or (status == 400 and b"maxTokens" in body), (step, body[:300])
        if work >= WORK_SECONDS * (2 if name in MANY_BLOCKS else 1):
            slow[step] = work
    assert not slow


def test_stranger_is_refused_before_the_body_has_arrived(server: Server) -> None:
    """An upload of 8 MiB without a key is refused early: the body is neither awaited nor parsed."""
    with server.connect(PATIENCE_SECONDS) as client:
        started = time.monotonic()
        raw = head("POST /dialogue HTTP/1.1", f"Content-Length: {8 * MIB}", key=False)
        client.sendall(raw + b"[" * (128 * 1024))
        status, body = read_answer(client)
        assert time.monotonic() - started < WORK_SECONDS
    assert (status, json.loads(body)["error"]["code"]) == (401, "UNAUTHORIZED")


def test_stranger_who_sends_all_of_it_still_reads_the_answer(server: Server) -> None:
    """A client without a key that sends 8 MiB before it reads gets its 401, not a broken connection."""
    status, _ = exchange(server, post("/dialogue", b"[" * 8 * MIB, key=False))
    assert status == 401


def test_body_of_a_stranger_is_not_parsed(server: Server) -> None:
    """What is wrong with a body is not said to a client without a key."""
    status, body = exchange(server, post("/dialogue", b'{"a":NaN}', key=False))
    assert (status, json.loads(body)["error"]["code"]) == (401, "UNAUTHORIZED")


HEADERS = head("POST /dialogue HTTP/1.1", "Content-Length: 1000")

SLOW_KINDS = {
    "headers a byte a second": (b"", HEADERS),
    "a body a byte a second": (HEADERS, b"{" * 1000),
    "chunks a byte a second": (
        head("POST /dialogue HTTP/1.1", "Transfer-Encoding: chunked"),
        b"1\r\n{\r\n" * 200,
    ),
    "the rest of a large body a byte a second": (
        head("POST /dialogue HTTP/1.1", "Content-Length: 1000000") + b"{" * 70_000,
        b"{" * 1000,
    ),
    "the rest of many chunks a byte a second": (
        head("POST /dialogue HTTP/1.1", "Transfer-Encoding: chunked") + b"10000\r\n" + b"{" * 65_536,
        b"\r\n" + b"1\r\n{\r\n" * 200,
    ),
    "an awaited body a byte a second": (
        asked("POST /dialogue", 1000),
        b"{" * 1000,
    ),
    "a stranger's body a byte a second": (
        head("POST /dialogue HTTP/1.1", "Content-Length: 9000", key=False),
        b"{" * 9000,
    ),
    "a thousand requests at once": (b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n" * 1000, b""),
    "answers read a byte a second": (head("GET /docs/swagger-ui-bundle.js HTTP/1.1", key=False), b""),
}


@pytest.mark.parametrize("kind", SLOW_KINDS)
def test_slow_clients_keep_nobody_waiting(server: Server, kind: str) -> None:
    """While 40 clients dawdle, or do not stop to ask, the slowest of another's requests stays quick."""
    at_once, slowly = (part.replace(b"@KEY@", server.key.encode()) for part in SLOW_KINDS[kind])
    stop = Event()
    with ThreadPoolExecutor(SLOW_CLIENTS) as pool:
        for _ in range(SLOW_CLIENTS):
            pool.submit(_dawdle, server, at_once, slowly, stop)
        time.sleep(1.5)
        try:
            waits = _measure(server, 3.0)
        finally:
            stop.set()
    assert len(waits) >= 20
    assert statistics.quantiles(waits, n=100)[98] < 1.0


def _dawdle(server: Server, at_once: bytes, slowly: bytes, stop: Event) -> None:
    """Send a byte a second, again and again, and read as slowly."""
    while not stop.is_set():
        with closing(socket.socket()) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect((server.host, server.port))
            client.sendall(at_once)
            _dawdle_on(client, slowly, stop)


def _dawdle_on(client: socket.socket, slowly: bytes, stop: Event) -> None:
    try:
        for byte in slowly:
            if stop.wait(1):
                return
            client.send(bytes([byte]))
        while not stop.wait(1) and client.recv(1):
            pass
    except OSError:
        return


def _measure(server: Server, seconds: float) -> list[float]:
    """Return how long each of another client's requests took."""
    waits = []
    until = time.monotonic() + seconds
    with closing(HTTPConnection(server.host, server.port, timeout=PATIENCE_SECONDS)) as client:
        while time.monotonic() < until:
            started = time.monotonic()
            client.request("POST", "/dialogue", "{}", {"Authorization": f"Bearer {server.key}"})
            with client.getresponse() as response:
                response.read()
            waits.append(time.monotonic() - started)
            time.sleep(PACE)
    return waits


def test_client_that_is_too_slow_is_told_so(server: Server) -> None:
    """A request whose headers do not arrive in time is answered 408 in the envelope."""
    with socket.create_connection((server.host, server.port), timeout=60) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost:")
        status, body = read_answer(client)
    assert (status, json.loads(body)["error"]["code"]) == (408, "INVALID_INPUT")


def test_pipelined_requests_are_all_answered(server: Server) -> None:
    """Requests that are sent without waiting for answers are answered in order."""
    with server.connect(PATIENCE_SECONDS) as client:
        client.sendall(
            b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n" * 3 + b"GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n"
        )
        received = b""
        while b"ROUTE_NOT_FOUND" not in received:
            received += _receive(client)
    assert received.count(b"HTTP/1.1 200") == 3


def test_body_after_a_continue_is_taken(server: Server) -> None:
    """A client that asks with Expect: 100-continue is told to go on, and its body is taken."""
    with server.connect(PATIENCE_SECONDS) as client:
        client.sendall(asked("POST /dialogue", 2).replace(b"@KEY@", server.key.encode()))
        assert _receive(client) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"{}")
        assert read_answer(client)[0] == 200


def test_body_that_did_not_wait_needs_no_continue(server: Server) -> None:
    """A body that comes along with its Expect is taken, and no later request is told to go on instead."""
    once = (asked("POST /dialogue", 2) + b"{}").replace(b"@KEY@", server.key.encode())
    slowly = head("POST /dialogue HTTP/1.1", "Content-Length: 100000").replace(b"@KEY@", server.key.encode())
    with server.connect(PATIENCE_SECONDS) as client:
        client.sendall(once)
        assert read_answer(client)[0] == 200
        client.sendall(slowly + b"{" + b" " * 80_000)
        time.sleep(0.5)
        client.sendall(b" " * 19_998 + b"}")
        assert read_answer(client)[0] == 200


def test_server_survives_all_of_it(server: Server) -> None:
    """After the corpus the server answers, and no worker has died or logged an error."""
    status, body = exchange(server, head("GET /dialogue/d HTTP/1.1"))
    dialogue: Any = json.loads(body)
    assert (status, dialogue["id"]) == (200, "d")
    log = server.log.read_text(encoding="utf-8")
    assert "Traceback" not in log
    assert '"level":"error"' not in log
