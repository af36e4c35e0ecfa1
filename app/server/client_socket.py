"""The socket of one client, and the answers to what never becomes a request."""

from __future__ import annotations

import json
import select
import socket
import time
from typing import Any

from ..domain import timestamps
from ..waiting import promote_follower

_PIECE = 64 * 1024


class ClientSocket(socket.socket):
    """A socket that never blocks on sending, and on receiving only until its deadline."""

    def __init__(self, accepted: socket.socket) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        super().setblocking(False)  # noqa: FBT003  # socket's signature
        self.unsent = bytearray()
        self.deadline = 0.0
        self.expects_continue = False

    def setblocking(self, _flag: object) -> None:
        """Stay as it is: gunicorn switches it back and forth around its threads."""

    def settimeout(self, _seconds: float | None) -> None:
        """Stay as it is; see ``deadline``."""

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Return what has come, waiting for it until the deadline; raises TimeoutError then."""
        while True:
            try:
                return super().recv(size, flags)
            except BlockingIOError:
                self._await_data()

    def _await_data(self) -> None:
        left = self.deadline - time.monotonic()
        if left > 0:
            promote_follower()
            self._say_continue()
        poll = select.poll()
        poll.register(self, select.POLLIN)
        if left <= 0 or not poll.poll(left * 1000):
            raise TimeoutError("the client sends too slowly") from None

    def _say_continue(self) -> None:
        """Tell a client that waits for it (``Expect: 100-continue``) that its body is wanted.

        Not before it is: who is refused without it need not send it.
        """
        if self.expects_continue:
            self.expects_continue = False
            self.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.flush()

    def receive(self) -> bytes | None:
        """Return what has come, b"" at the end and None when nothing has."""
        try:
            return super().recv(_PIECE)
        except BlockingIOError:
            return None

    def sendall(self, data: Any, _flags: int = 0) -> None:
        """Keep what is to be sent for ``flush``, so that an answer's head and body go out together."""
        self.unsent += data

    def flush(self) -> bool:
        """Send what the client takes now; return whether that was everything."""
        while self.unsent:
            try:
                sent = self.send(self.unsent[:_PIECE])
            except BlockingIOError:
                return False
            del self.unsent[:sent]
        return True


def refusal(status: str, message: str) -> bytes:
    """Return a whole answer for what never reached the application, in the API's envelope."""
    failed = status.startswith("5") and not status.startswith("501")
    error: dict[str, Any] = {
        "code": "INTERNAL_ERROR" if failed else "INVALID_INPUT",
        "message": message,
        "type": "server_error" if failed else "validation_error",
        "details": [],
        "requestId": "",
        "timestamp": timestamps.now(),
    }
    body = json.dumps({"error": error}).encode()
    head = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class ErrorPage:
    """Stands in for a socket that gunicorn writes its own error page to: keeps only the status."""

    status = "500 Internal Server Error"

    @staticmethod
    def gettimeout() -> float:
        """Return the time limit of a socket that takes everything at once."""
        return 0.0

    def sendall(self, page: bytes) -> None:
        """Take the page."""
        self.status = page.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")[2]
