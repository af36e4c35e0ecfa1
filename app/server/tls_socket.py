"""The socket of one client who speaks TLS.

Records are read and written through memory, so that neither a slow handshake nor a slow reader holds a
thread: to the worker it is a socket like the other one.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Any

from .client_socket import PIECE, ClientSocket

Accepted = tuple[socket.socket, Any]
"""A socket, and the address of its client."""


def server_context(certificate: str, key: str | None) -> ssl.SSLContext:
    """Return what the connections of a server share; raises OSError for files that cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    # A key that wants a password is refused; without one given here OpenSSL would ask the terminal.
    context.load_cert_chain(certificate, key, password="")
    return context


class TlsSocket(ClientSocket):
    """See the module. A client that breaks TLS gets an ``ssl.SSLError``, which is an OSError."""

    def __init__(self, accepted: socket.socket, context: ssl.SSLContext) -> None:
        super().__init__(accepted)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._is_greeted = False
        self._sealed = memoryview(b"")

    def read_now(self, size: int) -> bytes:
        """Return all that has come and can be read; raises BlockingIOError when that is nothing."""
        received = super().read_now(size)
        if received:
            self._incoming.write(received)
        else:
            self._incoming.write_eof()
        try:
            return self._open()
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def _open(self) -> bytes:
        """Return what the records that have come hold."""
        pieces = []
        try:
            if not self._is_greeted:
                self._tls.do_handshake()
                self._is_greeted = True
            while piece := self._tls.read(PIECE):
                pieces.append(piece)
        except ssl.SSLWantReadError:
            self._send_sealed()
            if not pieces:
                raise BlockingIOError from None
        return b"".join(pieces)

    @property
    def is_sent(self) -> bool:
        """Whether nothing is to be sent, sealed or not."""
        return super().is_sent and not self._sealed

    def send_piece(self) -> bool:
        """Seal and send one piece, at most PIECE; return whether the socket may accept another that is there.

        Each of the two gives up the interpreter. OpenSSL keeps memory for the largest piece of a connection.
        """
        if not self._send_sealed() or not self._pieces:
            return False
        is_left = self._count_sent(self._tls.write(self._pieces[0][:PIECE]))
        return self._send_sealed() and is_left

    def _send_sealed(self) -> bool:
        """Send records that are ready; return whether all of them went."""
        while self._sealed or self._outgoing.pending:
            self._sealed = self._sealed or memoryview(self._outgoing.read())
            try:
                self._sealed = self._sealed[self.send(self._sealed) :]
            except BlockingIOError:
                return False
        return True

    def shutdown(self, how: int) -> None:
        """Say in TLS, too, that nothing more comes."""
        # It has sent what it had to, and need not wait for the client's own.
        with contextlib.suppress(ssl.SSLError):
            self._tls.unwrap()
        self._send_sealed()
        super().shutdown(how)


def socket_opener(cfg: Any) -> Callable[[Accepted], tuple[ClientSocket, Any]]:
    """Return what makes a client's socket of the one that was accepted, as gunicorn is configured."""
    if not cfg.certfile:
        return lambda accepted: (ClientSocket(accepted[0]), accepted[1])
    context = server_context(cfg.certfile, cfg.keyfile)
    return lambda accepted: (TlsSocket(accepted[0], context), accepted[1])
