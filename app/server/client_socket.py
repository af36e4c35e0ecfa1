"""The socket of one client."""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from typing import Any, Final

from ..waiting import blocking

PIECE: Final = 64 * 1024
"""How much is read at once of what may be small."""

LARGE_PIECE: Final = 240 * 1024
"""How much is read at once of a large body, or sent of a response without TLS.

Memory of this size is not mapped anew each time (see ``tuning``): 8 MiB take 9 ms of processor time in 35
calls as in 129 of 64 KiB, but 12 ms in 18 calls.

Each call gives up the interpreter, and who is busy with a large body gives it back only some time later. The
leader made others wait through hundreds of such calls for a body or a response of some megabytes.
"""


class ClientSocket(socket.socket):
    """A socket that never blocks on sending, and on receiving only until its deadline."""

    def __init__(self, accepted: socket.socket) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        super().setblocking(False)  # noqa: FBT003  # socket's signature
        self._pieces: deque[memoryview] = deque()
        """What is to be sent. A large body is sent as it is, since a copy of megabytes takes milliseconds."""
        self.taken = 0
        """How much of its response the client has taken since it began to wait for it."""
        self.deadline = 0.0
        self.expects_continue = False
        self.head: bytes | bytearray = b""
        """The head of the request at hand."""

    def setblocking(self, _flag: object) -> None:
        """Stay as it is: gunicorn switches it back and forth around its threads."""

    def settimeout(self, _seconds: float | None) -> None:
        """Stay as it is; see ``deadline``."""

    def recv(self, size: int, _flags: int = 0) -> bytes:
        """Return what has come, waiting for it until the deadline; raises TimeoutError then."""
        while True:
            try:
                return self.read_now(size)
            except BlockingIOError:
                self._wait_for_data()

    def _wait_for_data(self) -> None:
        left = self.deadline - time.monotonic()
        if left > 0:
            with blocking():
                if self.expects_continue:
                    self.expects_continue = False
                    self.send_continue()
                poll = select.poll()
                poll.register(self, select.POLLIN)
                if poll.poll(left * 1000):
                    return
        raise TimeoutError("the client sends too slowly") from None

    def send_continue(self) -> None:
        """Tell a client that waits for it (``Expect: 100-continue``) to send its body.

        A thread does so when it reads the body: a request that is rejected by its head need not send it.
        """
        self.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.flush()

    def receive(self, most: int = PIECE) -> bytes | None:
        """Return what has come, b"" at the end and None when nothing has."""
        try:
            return self.read_now(most)
        except BlockingIOError:
            return None

    def read_now(self, size: int) -> bytes:
        """Return what has come; raises BlockingIOError when nothing has."""
        return super().recv(size)

    def has_data(self) -> bool:
        """Whether something has come that was not received yet."""
        try:
            return bool(super().recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def sendall(self, data: Any, _flags: int = 0) -> None:
        """Keep what is to be sent for ``flush``; small pieces, a head and a body, are sent together."""
        if self._pieces and len(self._pieces[-1]) + len(data) <= PIECE:
            data = b"".join((self._pieces.pop(), data))
        self._pieces.append(memoryview(data))

    @property
    def unsent(self) -> int:
        """How many bytes are still to be sent."""
        return sum(map(len, self._pieces))

    @property
    def held_bytes(self) -> int:
        """How much memory is kept for them: a body is freed as a whole."""
        return sum(memoryview(piece.obj).nbytes for piece in self._pieces)

    @property
    def is_sent(self) -> bool:
        """Whether nothing is to be sent."""
        return not self._pieces

    def flush(self) -> bool:
        """Send what the socket accepts now; return whether that was everything."""
        while self.send_piece():
            pass
        return self.is_sent

    def send_piece(self) -> bool:
        """Send one piece, at most LARGE_PIECE; return whether the socket may accept another that is there."""
        try:
            return self._count_sent(self.send(self._pieces[0][:LARGE_PIECE])) if self._pieces else False
        except BlockingIOError:
            return False

    def _count_sent(self, sent: int) -> bool:
        """Note that so much of the first piece has gone; return whether more is to be sent."""
        self.taken += sent
        if sent < len(self._pieces[0]):
            self._pieces[0] = self._pieces[0][sent:]
        else:
            self._pieces.popleft()
        return bool(self._pieces)
