"""The worker as clients meet it: nobody who waits, sends slowly or asks a lot keeps others waiting."""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.server import Server, serving

pytestmark = pytest.mark.server

ESTABLISHED = "01"
"""The state of an open connection in /proc/net/tcp."""

QUICK = 2.0
"""Seconds within which somebody is answered whom nobody keeps waiting, on a busy machine too."""


@contextmanager
def one_worker(folder: Path) -> Iterator[Server]:
    """Serve with one worker of four threads."""
    with serving(f"sqlite:///{folder}/store.db", folder / "log", WORKERS="1", THREADS="4") as running:
        yield running


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Give a server with one worker, for a test that keeps it busy or stops it."""
    with one_worker(tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a server with one worker, which is free again when a test is done."""
    with one_worker(tmp_path_factory.mktemp("worker")) as running:
        yield running


def send(server: Server, *lines: str, body: bytes = b"", path: str = "/search") -> socket.socket:
    """Open a connection and send a POST /search as it is, or another."""
    url = urlsplit(server.url)
    client = socket.create_connection((url.hostname, url.port), timeout=30)
    head = [f"POST {path} HTTP/1.1", "Host: a", f"Authorization: Bearer {server.key}", *lines, "", ""]
    client.sendall("\r\n".join(head).encode() + body)
    return client


def assert_healthy(server: Server) -> None:
    """Ask on a connection of its own, which has to be answered soon."""
    begun = time.monotonic()
    assert httpx.get(server.url + "/health", timeout=30).status_code == 200
    assert time.monotonic() - begun < QUICK


def test_new_clients_are_served_beside_busy_ones(server: Server) -> None:
    """While 24 clients send one search after the other, a new client is answered soon, time after time."""
    stop = threading.Event()

    def search() -> None:
        headers = {"Authorization": f"Bearer {server.key}"}
        with httpx.Client(base_url=server.url, headers=headers, timeout=30) as client:
            while not stop.is_set():
                body = {"query": "nothing", "object": "message"}
                answer = client.post("/search", json=body)
                # Of so many at once some are told to come back, and do.
                assert answer.status_code in (200, 429)

    with ThreadPoolExecutor(24) as pool:
        searches = [pool.submit(search) for _ in range(24)]
        try:
            for _ in range(8):
                time.sleep(0.25)
                assert_healthy(server)
        finally:
            stop.set()
        for done in searches:
            done.result()


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (["Content-Length: 0000000000000000000100"], b""),
        (["Content-Length: 1000000"], b"{" * 70_000),
        (["Content-Length: 100", "Expect: 100-continue"], b""),
        (["Transfer-Encoding: chunked"], b"20000\r\n" + b"{" * 70_000),
        (["Transfer-Encoding: chunked"], b"9\r\n\r\n0\r\n\r\n"),
    ],
    ids=["padded length", "large body", "asked to continue", "large chunk", "end of chunks inside one"],
)
def test_bodies_that_do_not_come_leave_threads_for_others(
    shared_server: Server, lines: list[str], body: bytes
) -> None:
    """However many clients leave their bodies unfinished, others are answered, with chunks too."""
    with ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(closing(send(shared_server, *lines, body=body)))
        time.sleep(0.3)
        assert_healthy(shared_server)
        text = b'{"query": "a", "object": "message"}'
        whole = b"%x\r\n%b\r\n0\r\n\r\n" % (len(text), text)
        begun = time.monotonic()
        chunked = stack.enter_context(closing(send(shared_server, "Transfer-Encoding: chunked", body=whole)))
        assert chunked.recv(100).startswith(b"HTTP/1.1 200")
        assert time.monotonic() - begun < QUICK


def test_large_bodies_wait_for_each_other_and_are_all_answered(shared_server: Server) -> None:
    """More than there are threads, with small requests in between, from clients that send no more."""
    large = b'{"tags": ["%b"]}' % (b"a" * 300_000)

    def create(_number: int) -> bytes:
        with closing(
            send(shared_server, f"Content-Length: {len(large)}", body=large, path="/dialogue")
        ) as client:
            client.shutdown(socket.SHUT_WR)
            return client.recv(12)

    with ThreadPoolExecutor(24) as pool:
        answers = pool.map(create, range(24))
        assert_healthy(shared_server)
        assert set(answers) == {b"HTTP/1.1 400"}


def test_a_heavy_request_with_a_large_body_does_not_wait(server: Server) -> None:
    """It would hold the place of a large body meanwhile: it has its turn at once, or is told to come back."""
    large = b'{"query": "a", "object": "message"%b}' % (b" " * 300_000)

    def search(_number: int) -> bytes:
        with closing(send(server, f"Content-Length: {len(large)}", body=large)) as client:
            return client.recv(12)

    with ThreadPoolExecutor(24) as pool:
        answers = set(pool.map(search, range(24)))
    assert b"HTTP/1.1 200" in answers
    assert answers <= {b"HTTP/1.1 200", b"HTTP/1.1 429"}


def test_a_body_that_arrives_as_the_worker_stops_is_answered(server: Server) -> None:
    """Who has sent half a request when SIGTERM comes has the usual time for the rest."""
    body = b'{"query": "a", "object": "message"}'
    client = send(server, f"Content-Length: {len(body)}", body=body[:9])
    with closing(client), ThreadPoolExecutor() as pool:
        await_read(urlsplit(server.url).port or 0)
        stopped = pool.submit(server.stop)
        time.sleep(3.5)
        client.sendall(body[9:])
        assert client.recv(100).startswith(b"HTTP/1.1 200")
        assert stopped.result() == 0


@pytest.mark.parametrize(
    ("path", "lines", "status"),
    [
        ("/v1/conversations", ["Transfer-Encoding: gzip"], b"400 Bad Request"),
        ("/v1/conversations", ["X: " + "a" * 70_000], b"431 Request Header Fields Too Large"),
        ("/dialogue", ["X-Y Z: a"], b"400 Bad Request"),
    ],
    ids=["another coding", "a long head", "malformed"],
)
def test_what_never_reaches_the_application_is_answered_alike(
    server: Server, path: str, lines: list[str], status: bytes
) -> None:
    """It has an id, the client's where it sent one, and OpenAI's envelope below /v1."""
    with closing(send(server, "X-Request-Id: mine", *lines, path=path)) as client:
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert b"\r\nX-Request-Id: mine\r\n" in head
    assert (b'"param":null' in body) == path.startswith("/v1")
    assert (b'"requestId":"mine"' in body) != path.startswith("/v1")


def children(pid: int) -> list[int]:
    """Return the worker processes of a server."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def connections_at(port: int) -> list[list[str]]:
    """Return the rows of /proc/net/tcp for what clients opened to a port."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    local = f"0100007F:{port:04X}"
    return [row for row in rows if row[1] == local and row[3] == ESTABLISHED]


def await_read(port: int) -> None:
    """Wait until the server has accepted what the only client opened, and read what it sent."""
    until = time.monotonic() + 30
    # A connection that is not accepted has no inode; behind the colon is how much is not read.
    while [row for row in connections_at(port) if row[9] == "0" or not row[4].endswith(":00000000")]:
        assert time.monotonic() < until
        time.sleep(0.02)


def clients_of(pid: int, port: int) -> int:
    """Return how many connections of clients a process holds."""
    inodes = {row[9] for row in connections_at(port)}
    held = [str(one.readlink()) for one in Path(f"/proc/{pid}/fd").iterdir() if one.is_symlink()]
    return len({f"socket:[{inode}]" for inode in inodes} & set(held))


def test_clients_that_keep_their_connections_are_spread_over_the_workers(tmp_path: Path) -> None:
    """When 16 more clients have come one after the other, each of two workers has six at least."""
    with (
        serving(f"sqlite:///{tmp_path}/store.db", tmp_path / "log", WORKERS="2") as server,
        ExitStack() as stack,
    ):
        port = urlsplit(server.url).port or 0

        def held() -> list[int]:
            return sorted(clients_of(pid, port) for pid in children(server.process.pid))

        def come() -> None:
            client = stack.enter_context(httpx.Client(base_url=server.url, timeout=30))
            assert client.get("/health").status_code == 200

        until = time.monotonic() + 30
        while len(held()) < 2 or held()[0] == 0:  # one worker is ready before the other
            assert time.monotonic() < until
            come()
            time.sleep(0.1)
        before = sum(held())
        for _ in range(16):
            come()
        assert sum(held()) == before + 16
        assert held()[0] >= 6


def test_a_reload_loses_no_request(tmp_path: Path) -> None:
    """While clients connect for each request, SIGHUP replaces the workers, and all are answered."""
    stop = threading.Event()

    def ask(server: Server) -> int:
        asked = 0
        while not stop.is_set():
            assert httpx.get(server.url + "/health", timeout=30).status_code == 200
            asked += 1
        return asked

    with (
        serving(f"sqlite:///{tmp_path}/store.db", tmp_path / "log", WORKERS="2") as server,
        ThreadPoolExecutor(6) as pool,
    ):
        before = set(children(server.process.pid))
        asking = [pool.submit(ask, server) for _ in range(6)]
        try:
            time.sleep(0.5)
            server.process.send_signal(signal.SIGHUP)
            until = time.monotonic() + 30
            while before & set(children(server.process.pid)) and time.monotonic() < until:
                time.sleep(0.1)
        finally:
            stop.set()
        assert all(done.result() for done in asking)
        assert not before & set(children(server.process.pid))
