"""A client's connection, which the worker's threads hand to each other."""

from __future__ import annotations

import contextlib
import enum
import math
import selectors
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from gunicorn.http import get_parser
from gunicorn.workers.gthread import TConn

from ..domain.addresses import network_of
from .admission import LargeBodies
from .client_socket import LARGE_PIECE, PIECE, ClientSocket
from .eviction import Spared, rank_buffered
from .piece_reader import PieceReader
from .refusals import refusal
from .request_buffer import RequestBuffer
from .wsgi import base_environ

RECEIVE_SECONDS: Final = 20.0
"""How long the head of a request and the first 64 KiB of its body may take to arrive."""

TRANSFER_SECONDS: Final = 60.0
"""How long the rest of a large body, and a response that a client reads slowly, may take."""

LINGER_SECONDS: Final = 2.0
"""How long a connection that is being closed is still read, so that the client can read its response."""

BUFFERED_BYTES: Final = 256 * 1024 * 1024
"""How much of bodies and responses may be buffered for slow clients; ``eviction`` says who goes beyond it."""


class Phase(enum.Enum):
    """What a connection waits for."""

    RECEIVING = "the rest of a request"
    QUEUED = "its turn: the request is there, and is large"
    PIPELINED = "the response to a request that came right behind another"
    SENDING = "its client to read a response"
    CLOSING = "its client to close it"


EVENTS: Final = {
    Phase.RECEIVING: selectors.EVENT_READ,
    Phase.QUEUED: 0,
    Phase.PIPELINED: selectors.EVENT_WRITE,
    Phase.SENDING: selectors.EVENT_WRITE,
    Phase.CLOSING: selectors.EVENT_READ,
}
"""What a connection's socket is watched for meanwhile."""


class Connection(TConn):  # type: ignore[misc]  # gunicorn has no types
    """A connection: what it waits for, until when (infinite while a thread handles it), and what has come.

    ``poller`` watches its socket, and ``resume`` is called when what it waits for has happened.
    ``accepted`` is the client's socket and address, ``server`` the address that it connected to.
    """

    initialized: bool

    def __init__(
        self,
        cfg: Any,
        poller: selectors.BaseSelector,
        resume: Callable[[Connection], None],
        accepted: tuple[ClientSocket, Any],
        server: Any,
    ) -> None:
        super().__init__(cfg, accepted[0], accepted[1], server)
        self.environ = base_environ(self.client, self.server)
        self.network = network_of(self.environ["REMOTE_ADDR"])
        self.owner = self.network
        """To whom what is buffered counts: a key, or without one an address."""
        self.data_ready = True
        self.phase = Phase.RECEIVING
        self.deadline = math.inf
        self.buffer = RequestBuffer()
        self.keeps_alive = True
        self.was_served = False
        self.was_continued = False
        self.since = time.monotonic()
        """When it began to wait; for a request, when its first bytes came."""
        self.counted = 0
        """How much of what is buffered for all connections is counted as its own."""
        self.watched = 0
        self._poller = poller
        self._resume = resume

    def init(self) -> None:
        """Attach the parser; TLS is the socket's own business, where gunicorn would wrap it."""
        if self.initialized:
            return
        self.initialized = True
        self.parser = get_parser(self.cfg, self.sock, self.client)
        self.parser.unreader = PieceReader(self.sock)

    def _notify(self, _sock: object) -> None:
        self._resume(self)

    def receive(self) -> bytes | None:
        """Return what has come, of a large body much at once; b"" at the end and None when nothing has."""
        return self.sock.receive(LARGE_PIECE if self.buffer.is_ready else PIECE)  # type: ignore[no-any-return]  # gunicorn has no types

    @property
    def buffered_bytes(self) -> int:
        """How many bytes of a body or a response are buffered for the client."""
        return len(self.buffer.data) + int(self.sock.held_bytes)

    @property
    def is_idle(self) -> bool:
        """Whether nothing of its next request has been read."""
        return self.phase is Phase.RECEIVING and not self.buffer.data

    @property
    def is_closing(self) -> bool:
        """Whether its last response has been sent."""
        return self.phase is Phase.CLOSING

    def is_fresh(self, now: float, grace: float) -> bool:
        """Whether its client connected a moment ago, and its first request is still to be read."""
        return self.is_idle and not self.was_served and now - self.since < grace

    def has_arrived(self) -> bool:
        """Whether a request has come that nobody has read yet."""
        return self.is_idle and self.sock.has_data()

    def progress(self, now: float) -> float:
        """Return how much of its transfer is done, as a part of what should be by now; 1 is in time."""
        if self.phase is Phase.SENDING:
            done, whole = self.sock.taken, self.sock.taken + self.sock.unsent
        else:
            done, whole = len(self.buffer.data), self.buffer.expected_bytes
        should_take: float = TRANSFER_SECONDS * done / whole
        return should_take / max(now - self.since, 0.001)

    def keeps_pace(self, now: float) -> bool:
        """Whether its transfer will be over within TRANSFER_SECONDS, if it goes on as it has."""
        return self.progress(now) >= 1

    def wait(self, phase: Phase | None) -> None:
        """Watch the socket for what this phase waits for, or for nothing."""
        event = 0 if phase is None else EVENTS[phase]
        self.phase = phase or self.phase
        if event == self.watched:
            return
        before, self.watched = self.watched, event
        if not event:
            self._poller.unregister(self.sock)
        elif before:
            self._poller.modify(self.sock, event, self._notify)
        else:
            self._register(event)

    def _register(self, event: int) -> None:
        """Register last of all: from here on another thread may have the connection."""
        try:
            self._poller.register(self.sock, event, self._notify)
        except (OSError, ValueError):
            self.watched = 0
            raise


class Connections:
    """All connections of a worker. Only the leader touches those that wait."""

    def __init__(self, large: LargeBodies) -> None:
        self._all: dict[Connection, None] = {}
        self._large = large
        self._buffered = 0
        self.spared = Spared()
        self.handover = threading.RLock()
        """Held while a connection is handed to another thread, and while waiting ones are looked through."""

    def __len__(self) -> int:
        return len(self._all)

    def __contains__(self, conn: object) -> bool:
        return conn in self._all

    def add(self, conn: Connection) -> None:
        """Add a new connection."""
        self._all[conn] = None

    def wait(self, conn: Connection, phase: Phase, seconds: float) -> None:
        """Leave a connection to the leader, until what it waits for happens."""
        with self.handover:
            conn.since = time.monotonic()
            conn.deadline = conn.since + seconds
            self.count(conn, conn.buffered_bytes)
            conn.wait(phase)

    def take(self, conn: Connection) -> None:
        """Let the calling thread have a connection, which is nobody else's from here until it waits again."""
        conn.deadline = math.inf
        self.count(conn, 0)

    def count(self, conn: Connection, size: int) -> None:
        """Count what is buffered for a connection anew."""
        if size != conn.counted:
            with self.handover:
                self._buffered += size - conn.counted
                conn.counted = size

    def send_piece(self, conn: Connection) -> bool:
        """Send one more piece of a response; return whether that was all.

        Other connections have their turn before the next: a client that reads fast would keep the leader busy
        for all of a response.
        """
        conn.sock.send_piece()
        self.count(conn, conn.buffered_bytes)
        return bool(conn.sock.is_sent)

    def queue(self, conn: Connection) -> None:
        """Let a request that is there wait for its turn, for which it has as long as for arriving."""
        self.wait(conn, Phase.QUEUED, TRANSFER_SECONDS)

    def resume_large(self) -> None:
        """Have the leader handle large requests that waited for a thread, now that there is one."""
        with self.handover:
            while conn := self._large.admit_next():
                conn.wait(Phase.PIPELINED)

    def drop(self, conn: Connection) -> None:
        """Close a connection."""
        conn.wait(None)
        self._all.pop(conn, None)
        self.count(conn, 0)
        conn.close()
        self._forget_large(conn)

    def _forget_large(self, conn: Connection) -> None:
        """Let what waited for a turn wait no longer, or another have the turn that it had."""
        if self._large.forget(conn):
            self.resume_large()

    def reject(self, conn: Connection, status: str, message: str) -> None:
        """Answer what is not going to become a request."""
        self._forget_large(conn)
        conn.sock.sendall(refusal(conn.buffer.head, status, message))
        with contextlib.suppress(OSError):
            conn.sock.flush()
        self.end(conn)

    def end(self, conn: Connection) -> None:
        """Send the end of the stream and read on for a while: closing at once could cut the response."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.drop(conn)
        else:
            self.wait(conn, Phase.CLOSING, LINGER_SECONDS)

    def waiting(self) -> list[Connection]:
        """Return the connections that no thread handles, by deadline."""
        waiting = [one for one in list(self._all) if one.deadline < math.inf]
        return sorted(waiting, key=lambda one: one.deadline)

    def make_room(self) -> bool:
        """Drop the connection that can best be spared, if there is one."""
        with self.handover:
            spared = self.spared.take(self) or self.spared.choose(self.waiting(), time.monotonic())
            if spared is not None:
                self.drop(spared)
        return spared is not None

    def drop_excess(self) -> None:
        """Drop connections while all together have more than BUFFERED_BYTES buffered."""
        if self._buffered <= BUFFERED_BYTES:
            return
        with self.handover:
            buffered = [one for one in list(self._all) if one.deadline < math.inf and one.counted]
            for conn in rank_buffered(buffered, time.monotonic()):
                if self._buffered <= BUFFERED_BYTES:
                    return
                self.drop(conn)
