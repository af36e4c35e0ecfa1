"""The line between the application and its database server, which can be cut or fall silent."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

CHUNK = 65536


class TcpProxy:
    """Forwards each connection to ``port`` of the loopback to ``target``, the host and port of a server."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._flows = threading.Event()
        self._flows.set()
        self._ends: set[socket.socket] = set()
        self._mutex = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._listen()

    @contextmanager
    def silent(self, _: str | None) -> Iterator[None]:
        """Connections stay and can be made, but nothing comes through until it is over."""
        self._flows.clear()
        try:
            yield
        finally:
            self._flows.set()

    @contextmanager
    def cut(self, _: str | None) -> Iterator[None]:
        """Every connection breaks, and none can be made."""
        self.close()
        try:
            yield
        finally:
            self._listener = socket.create_server(("127.0.0.1", self.port))
            self._listen()

    def close(self) -> None:
        """Break every connection and listen no more."""
        # To close a socket does not wake a thread that waits for it; to shut it down does.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._mutex:
            ends = list(self._ends)
        for end in ends:
            _shut(end)

    def _listen(self) -> None:
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                client, _ = listener.accept()
                self._connect(client)

    def _connect(self, client: socket.socket) -> None:
        """Join a client to the server; one that the server does not take loses its connection."""
        try:
            server = socket.create_connection(self._target)
        except OSError:
            _shut(client)
            return
        with self._mutex:
            self._ends |= {client, server}
        for one, other in ((client, server), (server, client)):
            threading.Thread(target=self._forward, args=(one, other), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                self._flows.wait()
                sink.sendall(data)
        with self._mutex:
            self._ends -= {source, sink}
        _shut(source)
        _shut(sink)


def _shut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
        end.close()
