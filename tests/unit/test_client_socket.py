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


def test_one_piece_of_a_response_is_sent_at_a_time() -> None:
    """Others have their turn between the pieces; the memory of a body counts until all of it is gone."""
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * LARGE_PIECE)
    with closing(Counting(ours)) as client, closing(theirs):
        whole = bytes(LARGE_PIECE + 1)
        client.sendall(whole)
        assert (client.send_piece(), client.unsent, client.held_bytes) == (True, 1, len(whole))
        assert (client.send_piece(), client.unsent, client.held_bytes) == (False, 0, 0)
        assert client.is_sent
        assert not client.send_piece()
        assert client.sends == 2


def test_small_pieces_are_sent_together() -> None:
    """The head and the body of a small answer go in one call; a large body is not copied for it."""
    ours, theirs = socket.socketpair()
    with closing(Counting(ours)) as client, closing(theirs):
        for piece in (b"head", b"body"):
            client.sendall(piece)
        assert client.flush()
        assert (client.sends, theirs.recv(100)) == (1, b"headbody")
        large = bytes(PIECE)
        for piece in (b"head", large):
            client.sendall(piece)
        assert [piece.obj for piece in client._pieces] == [b"head", large]
        assert client._pieces[1].obj is large


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
