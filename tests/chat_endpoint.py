"""A stand-in for a chat model's endpoint: on loopback, as slow, broken or lying as a test wants."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[BaseHTTPRequestHandler, int], None]


class Stub(ThreadingHTTPServer):
    """A local endpoint that records what it is asked."""

    daemon_threads = True

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str | None] = []


class Handler(BaseHTTPRequestHandler):
    """Answers as the stub's ``answer`` says."""

    def do_POST(self) -> None:
        """Record the request and answer it."""
        stub = self.server
        assert isinstance(stub, Stub)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        stub.asked.append({"path": self.path} | json.loads(body))
        stub.keys.append(self.headers.get("Authorization"))
        stub.answer(self, len(stub.asked))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name is the library's
        """Say nothing."""


@contextmanager
def endpoint(answer: Answer) -> Iterator[Stub]:
    """Run a stub for a test."""
    stub = Stub(answer)
    thread = threading.Thread(target=stub.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield stub
    finally:
        stub.shutdown()
        stub.server_close()
        thread.join()


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    """Send one answer."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def says(content: Any) -> Answer:
    """An endpoint whose model always says this."""
    body = json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode()
    return lambda handler, _number: send(handler, 200, body)


def raw(status: int, body: bytes = b"", **headers: str) -> Answer:
    """An endpoint that always sends this."""
    return lambda handler, _number: send(handler, status, body, **headers)
