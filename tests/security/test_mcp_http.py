"""MCP over HTTP: what strangers and one key can take of it. The API is a stand-in."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import uvicorn

from app.mcp import connections, keys
from app.mcp.api import ApiError
from app.mcp.connections import BoundedProtocol
from app.mcp.http import Gate, configure_http
from app.mcp.server import create_server

SECONDS = 60.0
CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "get_memory", "arguments": {"id": "m"}},
}
pytestmark = pytest.mark.server


class StandIn:
    """An API that knows two keys, and answers as a test wants."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.may_refuse = threading.Event()
        self.may_refuse.set()
        self.keys = {"good", "other"}
        self.is_away = False
        self.value = "tea"

    def send(
        self,
        _method: str,
        target: str,
        _body: bytes | None,
        headers: dict[str, str],
        *,
        is_patient: bool = True,
    ) -> tuple[int, bytes]:
        """See ``Transport``."""
        assert is_patient == (target != "/key")
        key = headers["Authorization"].removeprefix("Bearer ")
        self.asked.append((target, key))
        if self.is_away:
            raise ApiError("away")
        if key not in self.keys:
            assert self.may_refuse.wait(SECONDS)
            return (429, b"{}") if key == "limited" else (401, b"{}")
        if target != "/key" and key == "good":
            assert self.may_answer.wait(SECONDS)
        return 200, json.dumps({"id": "m", "value": self.value}).encode()


class Running:
    """A server in a thread, and clients that speak HTTP by hand."""

    def __init__(self, api: StandIn, server: uvicorn.Server, port: int) -> None:
        self.api = api
        self.server = server
        self.port = port

    def connect(self, sent: bytes = b"", *, receives: int = 0) -> socket.socket:
        """Connect and send."""
        client = socket.socket()
        client.settimeout(SECONDS)
        if receives:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
        client.connect(("127.0.0.1", self.port))
        client.sendall(sent)
        return client

    def ask(self, sent: bytes) -> bytes:
        """Send, and return what the server answers until it closes or its answer is whole."""
        with self.connect(sent) as client:
            return read(client)

    def connections(self) -> list[BoundedProtocol]:
        """Return those that are there; they are copied, since the server's thread changes them."""
        return [
            one for one in tuple(self.server.server_state.connections) if isinstance(one, BoundedProtocol)
        ]

    def is_idle(self) -> bool:
        """Whether no connection is left."""
        return not self.server.server_state.connections


def head(key: str | None, length: int, method: str = "POST") -> bytes:
    """Return the head of a request."""
    lines = [
        f"{method} /mcp HTTP/1.1",
        "Host: 127.0.0.1:1",
        "Content-Type: application/json",
        "Accept: application/json, text/event-stream",
        f"Content-Length: {length}",
        "Connection: close",
    ]
    if key is not None:
        lines.append(f"Authorization: Bearer {key}")
    return "\r\n".join([*lines, "", ""]).encode()


def call(key: str, size: int = 0) -> bytes:
    """Return a call of a tool whose body has at least so many bytes."""
    body = json.dumps(CALL).encode().ljust(size)
    return head(key, len(body)) + body


def read(client: socket.socket) -> bytes:
    """Return all that the server sends until it closes the connection; a reset is an end."""
    answer = b""
    try:
        while piece := client.recv(65536):
            answer += piece
    except ConnectionResetError:
        pass
    return answer


def await_true(condition: Callable[[], object]) -> None:
    """Wait until something is so, and fail if it does not become so."""
    until = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


@contextmanager
def serving(*, sends: int = 0) -> Iterator[Running]:
    """Run a server, whose sockets hold ``sends`` bytes of an answer or what is usual."""
    api = StandIn()
    made = create_server(api, key=None, namespace=None, read_only=False, version="test")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        if sends:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, sends)
        port = listener.getsockname()[1]
        server = uvicorn.Server(configure_http(made, api, "127.0.0.1", port))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            await_true(lambda: server.started)
            yield Running(api, server, port)
        finally:
            api.may_answer.set()
            api.may_refuse.set()
            server.should_exit = True
            thread.join()


@pytest.fixture
def running() -> Iterator[Running]:
    """Give a server."""
    with serving() as server:
        yield server


def test_a_key_is_looked_up_before_a_body_comes(running: Running) -> None:
    """Heads alone are answered: 401 without a key that the API knows, 405 to what is no POST, 503 unknown."""
    for key, method, status in (
        (None, "POST", b"401"),
        ("bad", "POST", b"401"),
        ("limited", "POST", b"503"),
        ("good", "GET", b"405"),
    ):
        assert running.ask(head(key, 1000, method)).startswith(b"HTTP/1.1 " + status)
    assert running.api.asked == [("/key", "bad"), ("/key", "limited")]
    running.api.is_away = True
    assert running.ask(head("good", 1000)).startswith(b"HTTP/1.1 503")


def test_a_known_key_is_not_looked_up_each_time(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for a while; the oldest is forgotten for a new one."""
    monkeypatch.setattr(keys, "MOST_KNOWN", 1)
    for key in ("good", "good", "other", "good"):
        assert b"tea" in running.ask(call(key))
    looked_up = [key for target, key in running.api.asked if target == "/key"]
    assert looked_up == ["good", "other", "good"]


def test_few_keys_are_looked_up_at_a_time(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who comes when too many wait is told so, and not kept."""
    assert b"tea" in running.ask(call("good"))
    monkeypatch.setattr(keys, "MOST_UNASKED", 0)
    assert running.ask(head("other", 1000)).startswith(b"HTTP/1.1 503")
    assert b"tea" in running.ask(call("good"))


def test_strangers_do_not_stand_before_known_keys(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that the API knew is looked up while wrong ones take all places; a revoked one is forgotten."""
    monkeypatch.setattr(keys, "KNOWN_SECONDS", 0.0)
    monkeypatch.setattr(keys, "MOST_UNASKED", 1)
    assert b"tea" in running.ask(call("good"))
    running.api.may_refuse.clear()
    with ThreadPoolExecutor(1) as pool:
        stranger = pool.submit(running.ask, head("bad", 1000))
        await_true(lambda: ("/key", "bad") in running.api.asked)
        assert running.ask(head("other", 1000)).startswith(b"HTTP/1.1 503")
        assert b"tea" in running.ask(call("good"))
        running.api.may_refuse.set()
        assert stranger.result(SECONDS).startswith(b"HTTP/1.1 401")
    gate = running.server.config.app
    assert isinstance(gate, Gate)
    assert gate._keys._known
    running.api.keys.remove("good")
    assert running.ask(head("good", 1000)).startswith(b"HTTP/1.1 401")
    assert not gate._keys._known


@pytest.mark.parametrize("sent", [b"", b"POST /mcp HTTP/1.1\r\nHost: a\r\nX-A: "], ids=["nothing", "half"])
def test_heads_have_to_come_in_time(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    """A client that sends nothing, or half a head, is closed; also where more of it comes now and then."""
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    with serving() as running, running.connect(sent) as silent, running.connect(sent) as dripping:

        def drip() -> bool:
            try:
                dripping.sendall(b"P" if not sent else b"x")
            except OSError:
                return True
            return running.is_idle()

        await_true(lambda: len(running.server.server_state.connections) == 2)
        await_true(drip)
        assert read(silent) == b""


def test_bodies_have_to_come_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is for the whole of one, however it drips."""
    monkeypatch.setattr(connections, "TRANSFER_SECONDS", 0.3)
    with serving() as running, running.connect(head("good", 100_000)) as client:

        def drip() -> bool:
            try:
                client.sendall(b" ")
            except OSError:
                return True
            return running.is_idle()

        await_true(lambda: running.api.asked == [("/key", "good")])
        await_true(drip)
        assert b"tea" in running.ask(call("good"))


def test_answers_have_to_be_read_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that takes nothing of a large answer is closed."""
    monkeypatch.setattr(connections, "TRANSFER_SECONDS", 0.3)
    with serving() as running:
        running.api.value = "x" * 8_000_000
        with running.connect(call("good"), receives=4096) as client:
            await_true(lambda: len(running.api.asked) == 2)
            await_true(running.is_idle)
            assert len(read(client)) < 8_000_000


def test_refusals_have_to_be_read_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that sends one request after the other and reads nothing is closed, with and without a key."""
    monkeypatch.setattr(connections, "TRANSFER_SECONDS", 0.3)
    request = head(None, 0, "GET").replace(b"Connection: close\r\n", b"")
    with serving(sends=4096) as running, running.connect(receives=4096) as client:
        client.settimeout(0)
        left = b""

        def pour() -> bool:
            nonlocal left
            left = left or request * 500
            try:
                left = left[client.send(left) :]
            except BlockingIOError:
                pass
            except OSError:
                return True
            return running.is_idle()

        await_true(lambda: len(running.server.server_state.connections) == 1)
        await_true(pour)


def test_a_turn_is_not_held_behind_an_unread_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next request of a client that does not read is closed with it, and its turn given back."""
    monkeypatch.setattr(connections, "TRANSFER_SECONDS", 0.3)
    request = call("good").replace(b"Connection: close\r\n", b"")
    with serving() as running:
        running.api.value = "x" * 8_000_000
        gate = running.server.config.app
        assert isinstance(gate, Gate)
        with running.connect(request * 2, receives=4096):
            await_true(lambda: len(running.api.asked) >= 2)
            await_true(running.is_idle)
            await_true(lambda: not gate._keys._present)


def test_waiting_for_a_turn_is_no_delay_of_the_client(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody asks for the body until then, and no time runs."""
    monkeypatch.setattr(keys, "MOST_RUNNING", 1)
    gate = running.server.config.app
    assert isinstance(gate, Gate)
    running.api.may_answer.clear()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(running.ask, call("good"))
        await_true(lambda: len(running.api.asked) == 2)
        second = pool.submit(running.ask, call("good", 300_000))
        await_true(lambda: gate._keys._present.total() == 2)
        await_true(lambda: any(map(is_paused, running.connections())))
        assert [one.deadline for one in running.connections()] == [None, None]
        running.api.may_answer.set()
        assert b"tea" in first.result(SECONDS)
        assert b"tea" in second.result(SECONDS)


def is_paused(connection: BoundedProtocol) -> bool:
    """Whether the server reads no more of a body for now."""
    return connection.flow.read_paused and connection.cycle is not None and connection.cycle.more_body


def test_an_answer_is_awaited_for_as_long_as_it_takes(running: Running) -> None:
    """The limits are the client's: none runs from when its request is there until it is answered."""
    running.api.may_answer.clear()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(running.ask, call("good"))
        await_true(lambda: len(running.api.asked) == 2)
        [connection] = running.server.server_state.connections
        assert isinstance(connection, BoundedProtocol)
        assert connection.deadline is None
        running.api.may_answer.set()
        assert b"tea" in asked.result(SECONDS)


def test_strangers_connections_make_room(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that wait are closed for new ones, and whoever asks is answered."""
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 5)
    silent = [running.connect() for _ in range(20)]
    try:
        assert b"tea" in running.ask(call("good"))
        await_true(lambda: len(running.server.server_state.connections) <= 5)
    finally:
        for client in silent:
            client.close()


def test_room_is_made_by_who_is_awaited_for_longest(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much time a client has: one that has just come is not closed for one that reads no answer."""
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 2)
    running.api.value = "x" * 8_000_000
    with running.connect(call("good"), receives=4096):
        await_true(lambda: any(one.flow.write_paused for one in running.connections()))
        [unread] = running.connections()
        with running.connect() as silent:
            await_true(lambda: len(running.connections()) == 2)
            running.api.value = "tea"
            assert b"tea" in running.ask(call("good"))
            await_true(lambda: unread not in running.connections())
            silent.sendall(call("good"))
            assert b"tea" in read(silent)


def test_requests_of_one_key_take_turns(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few are at work, some wait, more are told to come back; other keys are answered meanwhile."""
    monkeypatch.setattr(keys, "MOST_RUNNING", 1)
    monkeypatch.setattr(keys, "MOST_PRESENT", 2)
    gate = running.server.config.app
    assert isinstance(gate, Gate)
    running.api.may_answer.clear()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(running.ask, call("good"))
        await_true(lambda: len(running.api.asked) == 2)
        second = pool.submit(running.ask, call("good"))
        await_true(lambda: gate._keys._present.total() == 2)
        assert running.ask(head("good", 1000)).startswith(b"HTTP/1.1 429")
        assert b"tea" in running.ask(call("other"))
        assert not first.done()
        assert not second.done()
        assert [key for target, key in running.api.asked if target != "/key"] == ["good", "other"]
        running.api.may_answer.set()
        assert b"tea" in first.result(SECONDS)
        assert b"tea" in second.result(SECONDS)
    await_true(lambda: not (gate._keys._present or gate._keys._running))
