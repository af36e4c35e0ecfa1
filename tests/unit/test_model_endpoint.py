"""The client of a model's endpoint: its deadline, against endpoints that send now and then, and TLS."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer

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
    connect = Deadline.watch

    def watch_late(deadline: Deadline, connection: object) -> None:
        deadline._timer.cancel()
        while not deadline.has_passed:
            time.sleep(0.01)
        connect(deadline, connection)  # type: ignore[arg-type]  # a socket

    monkeypatch.setattr(Deadline, "watch", watch_late)
    with endpoint(says("Hello")) as stub:
        url = f"http://127.0.0.1:{stub.server_address[1]}"
        with pytest.raises(EndpointError, match="did not answer in time"):
            EndpointClient(url, timeout=0.05, retries=0).post("/chat/completions", {})


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
