"""The gunicorn worker that Colloquy runs in: threads for requests, a loop for slow clients.

gunicorn's own threaded worker gives a connection a thread from its first byte to its last, so that
as many slow clients as there are threads make everybody wait. Here the worker's loop receives the
head of a request and the beginning of its body without blocking, and only then hands it to a
thread. The loop also sends what a client does not take at once, and sees closing connections off.

The rest of a large body is read by the thread, so that a stranger is refused before it has come, but by
half of the threads at most: while that many wait for their clients, the loop receives whole bodies.

Bounds, each for one worker: a request has RECEIVE_SECONDS to arrive, what a thread itself reads or
the loop still has to send HAND_OVER_SECONDS, large bodies that the loop receives take ARRIVING_BYTES
together, answers that wait for their clients UNSENT_BYTES, and when all connections are taken the
slowest make room.
"""

from __future__ import annotations

import gc
import selectors
import socket
import time
from functools import partial
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from app.arrival import Arrival
from app.client_socket import ClientSocket, refusal

RECEIVE_SECONDS = 20.0
"""How long the head of a request and the first 64 KiB of its body may take to arrive."""

HAND_OVER_SECONDS = 60.0
"""How long the rest of a large body, and an answer that a client takes slowly, may take."""

LINGER_SECONDS = 2.0
"""How long a closed connection is still read, so that the client gets to read its answer."""

LINGERING = 256
"""How many closed connections are read at once; more are cut."""

ARRIVING_BYTES = 64 * 1024 * 1024
"""How much of large bodies may wait for a thread; beyond it the oldest of them are dropped."""

UNSENT_BYTES = 64 * 1024 * 1024
"""How much may wait to be sent to slow clients; beyond it the oldest of them are dropped."""

COLLECT_AFTER = 50_000
"""How many more objects there may be before cycles among the newest are looked for."""


class Connection(TConn):  # type: ignore[misc]
    """A connection, the request that is arriving on it, and until when what is left may take."""

    def __init__(self, worker: Worker, accepted: socket.socket, client: Any, listener: socket.socket) -> None:
        super().__init__(worker.cfg, ClientSocket(accepted), client, listener.getsockname())
        self.worker = worker
        self.arrival = Arrival(0.0)
        self.deadline = 0.0
        self.watched = False
        self.data_ready = True

    def close(self, graceful: bool = False) -> None:  # noqa: FBT001, FBT002  # gunicorn's signature
        """Close now, or after the client has had time to read its answer."""
        if graceful:
            self.worker.linger(self)
        else:
            super().close()


class Worker(ThreadWorker):  # type: ignore[misc]
    """See the module."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Each in the order of the deadlines: the slowest first.
        self.arriving: dict[Connection, None] = {}
        self.sending: dict[Connection, None] = {}
        self.lingering: dict[Connection, None] = {}
        # Whose body a thread is reading.
        self.reading: set[Connection] = set()
        self.most_reading = max(1, self.cfg.threads // 2)

    def init_process(self) -> None:
        """Start to work; the collector of cycles leaves alone what is there to stay, and comes less often.

        A body of millions of small arrays takes it half of the time otherwise.
        """
        gc.freeze()
        gc.set_threshold(COLLECT_AFTER, 20, 20)
        super().init_process()

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection and begin to receive its first request."""
        try:
            accepted, client = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        self.nr_conns += 1
        self.enqueue_req(Connection(self, accepted, client, listener))

    def enqueue_req(self, conn: Connection) -> None:
        """Receive a request; a thread gets it when enough of it is there."""
        conn.init()
        conn.arrival = Arrival(time.monotonic() + RECEIVE_SECONDS)
        conn.arrival.add(conn.parser.unreader.take_buffered())
        self.arriving[conn] = None
        self.receive(conn)
        if conn in self.arriving:
            self._watch(conn, selectors.EVENT_READ, partial(self.receive, conn))

    def receive(self, conn: Connection, _sock: object = None) -> None:
        """Take what has come on a connection, unless it was handed over or dropped since it was polled."""
        if conn not in self.arriving:
            return
        arrival = conn.arrival
        try:
            data = None if self._is_due(arrival) else conn.sock.receive()
        except OSError:
            self._drop(conn)
            return
        if data:
            arrival.add(data)
        ended = data == b""
        if arrival.is_too_long:
            self._refuse(conn, "431 Request Header Fields Too Large", "The headers are longer than 64 KiB.")
        elif ended and not arrival.data:
            self._drop(conn)
        elif ended or self._is_due(arrival):
            self._hand_over(conn, ended=ended)
        elif data and arrival.is_ready:
            self._make_room()

    def _is_due(self, arrival: Arrival) -> bool:
        """Whether a thread can have the request now."""
        return arrival.is_whole or (arrival.is_ready and len(self.reading) < self.most_reading)

    def _make_room(self) -> None:
        """Drop the oldest of the bodies that wait for a thread, while there are too many bytes of them."""
        waiting = [one for one in self.arriving if one.arrival.is_ready]
        size = sum(len(one.arrival.data) for one in waiting)
        for conn in waiting:
            if size <= ARRIVING_BYTES:
                return
            size -= len(conn.arrival.data)
            self._drop(conn)

    def _hand_over(self, conn: Connection, *, ended: bool = False) -> None:
        if not (ended or conn.arrival.is_whole):
            self.reading.add(conn)
        self._forget(conn)
        conn.parser.unreader.unread(bytes(conn.arrival.data))
        conn.arrival = Arrival(0.0)
        conn.sock.deadline = time.monotonic() + HAND_OVER_SECONDS
        super().enqueue_req(conn)

    def _keepalive_after(self, conn: Connection, keepalive: bool) -> bool:  # noqa: FBT001  # gunicorn's
        """Whether the connection can be kept: no thread waits for a body that nobody wanted."""
        conn.sock.deadline = 0.0
        return bool(super()._keepalive_after(conn, keepalive))

    def finish_request(self, conn: Connection, done: Any) -> None:
        """Go on after an answer, when all of it has been sent."""
        if conn in self.reading:
            self.reading.remove(conn)
            self._hand_over_next()
        if not conn.sock.unsent:
            super().finish_request(conn, done)
            return
        conn.deadline = time.monotonic() + HAND_OVER_SECONDS
        self.sending[conn] = None
        self._watch(conn, selectors.EVENT_WRITE, partial(self._send_on, conn, done))
        while sum(len(one.sock.unsent) for one in self.sending) > UNSENT_BYTES:
            self._drop(next(iter(self.sending)))

    def _hand_over_next(self) -> None:
        """Give a thread that has read a body to the next one."""
        for conn in self.arriving:
            if self._is_due(conn.arrival):
                self._hand_over(conn)
                return

    def _send_on(self, conn: Connection, done: Any, _sock: object) -> None:
        if conn not in self.sending:
            return  # dropped since it was polled
        try:
            if not conn.sock.flush():
                return
        except OSError:
            self._drop(conn)
            return
        self._forget(conn)
        super().finish_request(conn, done)

    def linger(self, conn: Connection) -> None:
        """Send the end of the stream and read on for a while: closing at once could cut the answer."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            conn.close()
            return
        if len(self.lingering) >= LINGERING or not self.alive:
            conn.close()
            return
        conn.deadline = time.monotonic() + LINGER_SECONDS
        self.lingering[conn] = None
        self._watch(conn, selectors.EVENT_READ, partial(self._read_off, conn))

    def _read_off(self, conn: Connection, _sock: object) -> None:
        try:
            ended = conn.sock.receive() == b""
        except OSError:
            ended = True
        if ended:
            self._forget(conn)
            conn.close()

    def murder_pending(self) -> None:
        """Drop what is late, and when no connection is left to give, what is slowest."""
        now = time.monotonic()
        for conn in [one for one in self.arriving if self._is_late(one, now)]:
            if conn.arrival.data:
                self._refuse(conn, "408 Request Timeout", "The request took too long to arrive.")
            else:
                self._drop(conn)
        for conn in [one for one in self.sending if one.deadline <= now]:
            self._drop(conn)
        for conn in [one for one in self.lingering if one.deadline <= now]:
            self._forget(conn)
            conn.close()
        while self.nr_conns >= self.worker_connections and (self.arriving or self.sending):
            self._drop(next(iter(self.arriving or self.sending)))

    def _is_late(self, conn: Connection, now: float) -> bool:
        idle = not self.alive and not conn.arrival.data
        return idle or conn.arrival.deadline <= now

    def _watch(self, conn: Connection, event: int, callback: Any) -> None:
        self.poller.register(conn.sock, event, callback)
        conn.watched = True

    def _forget(self, conn: Connection) -> None:
        if conn.watched:
            self.poller.unregister(conn.sock)
            conn.watched = False
        for group in (self.arriving, self.sending, self.lingering):
            group.pop(conn, None)

    def _drop(self, conn: Connection) -> None:
        self._forget(conn)
        self.nr_conns -= 1
        conn.close()

    def _refuse(self, conn: Connection, status: str, message: str) -> None:
        """Answer what is not going to become a request."""
        self._forget(conn)
        self.nr_conns -= 1
        conn.sock.sendall(refusal(status, message))
        self.linger(conn)

    def handle_error(self, req: Any, client: Any, addr: Any, error: Exception) -> None:
        """Answer what gunicorn cannot parse with the API's envelope, without a word of the input."""
        status = _Status()
        super().handle_error(req, status, addr, error)
        message = "The request is not HTTP as this server takes it; its limits are in the documentation."
        client.sendall(refusal(status.line, message))


class _Status:
    """Stands in for a socket: takes gunicorn's own error page and keeps its status."""

    line = "500 Internal Server Error"

    @staticmethod
    def gettimeout() -> float:
        return 0.0

    def sendall(self, page: bytes) -> None:
        self.line = page.split(b"\r\n", 1)[0].decode("latin-1").partition(" ")[2]
