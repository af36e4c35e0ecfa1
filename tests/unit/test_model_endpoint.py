"""The client of a model's endpoint: its deadline, against endpoints that send now and then, and TLS."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

import pytest

from app.cli.local_tls import LocalCertificate
from app.model_endpoint.client import EndpointClient, EndpointError
from app.model_endpoint.deadline import Deadline
from tests.chat_endpoint import endpoint, says

DRIPS = 500
"""How often a dripping endpoint sends, 20 ms apart, before it gives up: far longer than a client waits."""


@contextmanager
def dripping(begin: bytes, piece: bytes) -> Iterator[tuple[str, Callable[[], int]]]:
    """Run an endpoint that drips; gives its address, and how many of its connections the client has ended."""
    ended = threading.Semaphore(0)

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            try:
                self.request.sendall(begin)
                for _ in range(DRIPS):
                    self.request.sendall(piece)
                    time.sleep(0.02)
            except OSError:
                ended.release()

    class Server(ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}", lambda: ended.acquire(timeout=60)
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("scheme", "begin", "piece"),
    [
        ("http", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b" "),
        ("http", b"HTTP/1.1 200 OK\r\nX-Endless: ", b"x"),
        ("http", b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        ("http", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
        ("https", b"\x16\x03\x03\x40\x00\x02\x00\x3f\xf0", b"\x03"),
    ],
    ids=["body", "header", "interim answers", "size of a chunk", "handshake"],
)
def test_an_endpoint_that_drips_is_given_up(scheme: str, begin: bytes, piece: bytes) -> None:
    """At the deadline, wherever it drips: the connection is shut down, and the next attempt made."""
    with dripping(begin, piece) as (address, is_ended):
        client = EndpointClient(f"{scheme}://{address}/v1", timeout=0.15, retries=1, sleep=lambda _: None)
        with pytest.raises(EndpointError, match=r"did not answer in time \(2 attempts\)"):
            client.post("/chat/completions", {})
        assert is_ended()
        assert is_ended()


def test_what_is_connected_too_late_is_shut_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that stands only after the deadline is of no use."""
    watch = Deadline._watch

    def watch_late(deadline: Deadline, connection: socket.socket) -> None:
        deadline._timer.cancel()
        while not deadline.has_passed:
            time.sleep(0.01)
        watch(deadline, connection)

    monkeypatch.setattr(Deadline, "_watch", watch_late)
    with endpoint(says("Hello")) as stub:
        url = f"http://127.0.0.1:{stub.server_address[1]}"
        with pytest.raises(EndpointError, match="did not answer in time"):
            EndpointClient(url, timeout=0.05, retries=0).post("/chat/completions", {})


@pytest.mark.parametrize("is_found", [True, False])
def test_a_host_whose_addresses_are_not_found_in_time_is_given_up(
    monkeypatch: pytest.MonkeyPatch, *, is_found: bool
) -> None:
    """The search for them goes on in a thread of its own; what it connects to late is closed at once."""
    search, may_find, connected = socket.getaddrinfo, threading.Event(), threading.Event()

    def search_long(*args: Any, **options: Any) -> Any:
        may_find.wait(60)
        if not is_found:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return search(*args, **options)

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            if self.request.recv(1) == b"":
                connected.set()

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        accepting = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        accepting.start()
        others = set(threading.enumerate())
        with monkeypatch.context() as patched:
            patched.setattr(socket, "getaddrinfo", search_long)
            client = EndpointClient(f"http://localhost:{server.server_address[1]}", timeout=0.05, retries=0)
            with pytest.raises(EndpointError, match="did not answer in time"):
                client.post("/chat/completions", {})
            may_find.set()
            for thread in set(threading.enumerate()) - others:
                thread.join(60)
        assert not is_found or connected.wait(60)
        server.shutdown()
        accepting.join()


def test_an_endpoint_may_speak_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its certificate has to be one that this machine trusts."""
    made = LocalCertificate.prepare(tmp_path, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.server)
    with endpoint(says("Hello")) as stub:
        stub.socket = context.wrap_socket(stub.socket, server_side=True)
        url = f"https://127.0.0.1:{stub.server_address[1]}/v1"
        client = EndpointClient(url, retries=0)
        with pytest.raises(EndpointError, match="cannot be reached"):
            client.post("/chat/completions", {"a": 1})
        monkeypatch.setenv("SSL_CERT_FILE", str(made.authority))
        answer = client.post("/chat/completions", {"a": 1})
    assert answer["choices"][0]["message"]["content"] == "Hello"
    assert stub.asked == [{"path": "/v1/chat/completions", "a": 1}]
