"""A deadline for one request over HTTP, whatever it waits for.

The time limits of sockets are for one wait each, so that an endpoint which sends a byte now and then outlasts
them: in its handshake, its headers, or its body. Here the connection is shut down when the time is up.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError, wait
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

    def connect(self, connect: Callable[[], socket.socket]) -> socket.socket:
        """Return the connection that a function makes in a thread of its own; raises TimeoutError, if late.

        Nothing ends the search for a host's addresses from outside: its thread is left behind, and closes
        what it connects to after all.
        """
        made: Future[socket.socket] = Future()
        threading.Thread(target=_connect, args=(connect, made), daemon=True).start()
        wait([made], max(0.0, self._ends - time.monotonic()))
        if made.cancel():
            raise TimeoutError
        connection = made.result()
        self._watch(connection)
        return connection

    def _watch(self, connection: socket.socket) -> None:
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


def _connect(connect: Callable[[], socket.socket], made: Future[socket.socket]) -> None:
    try:
        connection = connect()
    except Exception as error:  # noqa: BLE001  raised again by who waits for it
        with contextlib.suppress(InvalidStateError):
            made.set_exception(error)
        return
    try:
        made.set_result(connection)
    except InvalidStateError:
        connection.close()


class _Watched(HTTPConnection):
    """A connection that a deadline watches from its beginning."""

    def __init__(self, *args: Any, deadline: Deadline, **options: Any) -> None:
        super().__init__(*args, **options)
        self._deadline = deadline

    def _new_conn(self) -> socket.socket:
        return self._deadline.connect(super()._new_conn)


class _WatchedTls(_Watched, HTTPSConnection):
    """The same with TLS, whose handshake is watched as well."""


def pool_within(deadline: Deadline, url: str) -> HTTPConnectionPool:
    """Return a pool of connections to the host of an address, which end at the deadline."""
    pool = connection_from_url(url, timeout=deadline.seconds, retries=False, deadline=deadline)
    pool.ConnectionCls = _WatchedTls if pool.scheme == "https" else _Watched
    return pool
