"""The socket of one client: how much goes through it at once."""

from __future__ import annotations

import socket
from contextlib import closing

from app.server.client_socket import LARGE_PIECE, PIECE, ClientSocket


class Counting(ClientSocket):
    """Counts how often it sends."""

    sends = 0

    def send(self, data: memoryview, *_: int) -> int:  # type: ignore[override]  # nobody here has flags
        """Send, and count it."""
        self.sends += 1
        return super().send(data)


def test_a_large_response_takes_few_calls() -> None:
    """Whoever sends it gives the interpreter up once for a large piece, and keeps what is not taken."""
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * LARGE_PIECE)
    with closing(Counting(ours)) as client, closing(theirs):
        whole = bytes(range(256)) * (4 * LARGE_PIECE // 256)
        client.sendall(whole)
        read = bytearray()
        while not client.flush():
            read += theirs.recv(len(whole))
        sent = client.sends
        while len(read) < len(whole):
            read += theirs.recv(len(whole))
        assert read == whole
        assert client.taken == len(whole)
        assert sent < len(whole) // PIECE


def test_what_has_come_is_read_up_to_a_bound() -> None:
    """A small request is read with a small buffer; nothing and the end are told apart."""
    ours, theirs = socket.socketpair()
    with closing(ClientSocket(ours)) as client, closing(theirs):
        assert client.receive() is None
        theirs.sendall(bytes(2 * PIECE))
        assert client.receive() == bytes(PIECE)
        assert client.receive(LARGE_PIECE) == bytes(PIECE)
        theirs.shutdown(socket.SHUT_WR)
        assert client.receive() == b""
