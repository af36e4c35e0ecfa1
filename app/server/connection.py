"""A client's connection, as the worker's threads pass it on."""

from __future__ import annotations

import enum
import math
import selectors
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from gunicorn.workers.gthread import TConn

from .client_socket import ClientSocket
from .request_buffer import Arrival
from .wsgi import environ_of_connection

if TYPE_CHECKING:
    from .worker import Worker


RECEIVE_SECONDS: Final = 20.0
"""How long the head of a request and the first 64 KiB of its body may take to arrive."""

HAND_OVER_SECONDS: Final = 60.0
"""How long the rest of a large body, and an answer that a client takes slowly, may take."""

LINGER_SECONDS: Final = 2.0
"""How long a connection that is over is still read, so that the client gets to read its answer."""

HELD_BYTES: Final = 64 * 1024 * 1024
"""How much of bodies and answers may wait for slow clients; beyond it the largest are dropped."""


class Phase(enum.Enum):
    """What a connection waits for."""

    REQUEST = "the rest of a request"
    TURN = "the answer to a request that came right behind another"
    SENDING = "its client to take an answer"
    END = "its client to close it"


EVENTS: Final = {
    Phase.REQUEST: selectors.EVENT_READ,
    Phase.TURN: selectors.EVENT_WRITE,
    Phase.SENDING: selectors.EVENT_WRITE,
    Phase.END: selectors.EVENT_READ,
}
"""What a connection's socket is watched for meanwhile."""


class Connection(TConn):  # type: ignore[misc]  # gunicorn has no types
    """A connection: what it waits for, until when (never, while a thread has it), and what has come."""

    def __init__(self, worker: Worker, accepted: socket.socket, client: Any, listener: socket.socket) -> None:
        super().__init__(worker.cfg, ClientSocket(accepted), client, listener.getsockname())
        self.environ = environ_of_connection(self.client, self.server)
        self.data_ready = True
        self.phase = Phase.REQUEST
        self.deadline = math.inf
        self.arrival = Arrival()
        self.is_kept = True
        self.watched = 0
        self.worker = worker

    def go_on(self, _sock: object) -> None:
        """Do what the connection has been waiting for."""
        self.worker.go_on(self)

    @property
    def held(self) -> int:
        """How many bytes of a body or an answer wait in memory for the client."""
        return len(self.arrival.data) + len(self.sock.unsent)

    @property
    def is_idle(self) -> bool:
        """Whether it waits between two requests."""
        return self.phase is Phase.REQUEST and not self.arrival.data

    def wait(self, phase: Phase | None) -> None:
        """Have the worker's poller wait for what this phase waits for, or for nothing."""
        event = 0 if phase is None else EVENTS[phase]
        self.phase = phase or self.phase
        if event == self.watched:
            return
        before, self.watched = self.watched, event
        if not event:
            self.worker.poller.unregister(self.sock)
        elif before:
            self.worker.poller.modify(self.sock, event, self.go_on)
        else:
            self._register(event)

    def _register(self, event: int) -> None:
        """Register last of all: from here on another thread may have the connection."""
        try:
            self.worker.poller.register(self.sock, event, self.go_on)
        except (OSError, ValueError):
            self.watched = 0
            raise


class Connections:
    """All connections of a worker. Only the thread that has the turn touches those that wait."""

    def __init__(self) -> None:
        self._all: dict[Connection, None] = {}
        self.passing = threading.RLock()
        """Held while a connection is passed between threads, and while those that wait are looked through."""

    def __len__(self) -> int:
        return len(self._all)

    def __contains__(self, conn: Connection) -> bool:
        return conn in self._all

    def add(self, conn: Connection) -> None:
        """Take in a new connection."""
        self._all[conn] = None

    def wait(self, conn: Connection, phase: Phase, seconds: float) -> None:
        """Leave a connection to the thread that has the turn, until what it waits for happens."""
        with self.passing:
            conn.deadline = time.monotonic() + seconds
            conn.wait(phase)

    def drop(self, conn: Connection) -> None:
        """Close a connection."""
        conn.wait(None)
        self._all.pop(conn, None)
        conn.close()

    def waiting(self) -> list[Connection]:
        """Return the connections that no thread has, those first whose time runs out first."""
        waiting = [one for one in list(self._all) if one.deadline < math.inf]
        return sorted(waiting, key=lambda one: one.deadline)

    def make_room(self) -> bool:
        """Drop one that is over, else one that is idle, else the one whose time runs out first; if any."""
        with self.passing:
            waiting = sorted(self.waiting(), key=lambda one: (one.phase is not Phase.END, not one.is_idle))
            for conn in waiting[:1]:
                self.drop(conn)
        return bool(waiting)

    def drop_excess(self) -> None:
        """Drop those for whom most is held, when it is too much together."""
        with self.passing:
            waiting = sorted(self.waiting(), key=lambda one: one.held)
            excess = sum(one.held for one in waiting) - HELD_BYTES
            while excess > 0:
                largest = waiting.pop()
                excess -= largest.held
                self.drop(largest)
