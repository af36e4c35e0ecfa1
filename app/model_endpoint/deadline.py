"""A deadline for one request over HTTP, whatever it waits for.

The time limits of sockets are for one wait each, so that an endpoint which sends a byte now and then outlasts
them: in its handshake, its headers, or its body. Here the connection is shut down when the time is up.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from types import TracebackType
from typing import Any, Self

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, connection_from_url


class Deadline:
    """Shuts its connections down when so many seconds are over, if the block it was entered with is not."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._ends = time.monotonic() + seconds
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True
        self._changing = threading.Lock()
        self._watched: list[socket.socket] = []

    @property
    def has_passed(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._ends

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._changing:
            for one in self._watched:
                one.close()
            self._watched.clear()

    def watch(self, connection: socket.socket) -> None:
        """Watch a connection, by a descriptor of its own: TLS takes the socket's away."""
        with self._changing:
            self._watched.append(connection.dup())
        if self.has_passed:
            self._end()

    def _end(self) -> None:
        with self._changing:
            for one in self._watched:
                with contextlib.suppress(OSError):  # the other side may have ended it
                    one.shutdown(socket.SHUT_RDWR)


class _Watched(HTTPConnection):
    """A connection that a deadline watches from the moment that it stands."""

    def __init__(self, *args: Any, deadline: Deadline, **options: Any) -> None:
        super().__init__(*args, **options)
        self._deadline = deadline

    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn()
        self._deadline.watch(connection)
        return connection


class _WatchedTls(_Watched, HTTPSConnection):
    """The same with TLS, whose handshake is watched as well."""


def pool_within(deadline: Deadline, url: str) -> HTTPConnectionPool:
    """Return a pool of connections to the host of an address, which end at the deadline.

    Finding the host's addresses is not watched, and connecting to each may take as long as the whole.
    """
    pool = connection_from_url(url, timeout=deadline.seconds, retries=False, deadline=deadline)
    pool.ConnectionCls = _WatchedTls if pool.scheme == "https" else _Watched
    return pool
