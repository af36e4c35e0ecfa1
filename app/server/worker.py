"""The gunicorn worker that Colloquy runs in: threads that take turns, and never wait for a client.

gunicorn's own threaded worker gives a connection a thread from the first byte of a request to its last,
so that as many slow clients as there are threads make everybody wait; and its threads get in each other's
way. Here the thread that has the turn (see ``waiting``) waits for all clients at once, takes what they send
without blocking, and answers a request when its head and the beginning of its body are there. Who has
stepped aside finishes its request while another serves everybody else. What a client does not take at
once is sent when it does. The rest of a large body is read by the thread that answers, so that a stranger
is refused before it has come; while half of the threads do that, other bodies have to arrive whole.

Bounds, each for one worker: a request has RECEIVE_SECONDS to arrive; what a thread itself still has to
read of it, and a client of its answer, HAND_OVER_SECONDS; what waits in memory for slow clients takes
HELD_BYTES together; and when all connections are taken, one of those that wait makes room.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import select
import selectors
import socket
import threading
import time
from functools import partial
from typing import Any, Final

from gunicorn.workers.gthread import ThreadWorker

from .. import waiting
from . import garbage_collection
from .client_socket import ErrorPage, refusal
from .connection import (
    HAND_OVER_SECONDS,
    LINGER_SECONDS,
    RECEIVE_SECONDS,
    Connection,
    Connections,
    Phase,
)
from .request_buffer import Arrival
from .wsgi import Answer, environ_of

TICK_SECONDS: Final = 1.0
"""How often the worker shows that it lives, and looks for what is late."""


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """See the module. What it takes from gunicorn's is how a request is parsed, or refused: ``handle``."""

    alive: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.connections = Connections()
        self.turn = threading.Lock()
        self.next_sweep = 0.0
        self.attended = math.inf
        self.reading: set[Connection] = set()
        self.most_reading = self.cfg.threads // 2

    def init_process(self) -> None:
        """Start to work."""
        garbage_collection.relax()
        super().init_process()

    def run(self) -> None:
        """Have the threads serve until the worker is told to stop; then let them finish."""
        queue = self.method_queue
        self.poller.register(queue.fileno(), selectors.EVENT_READ, queue.run_callbacks)
        for listener in self.sockets:
            listener.settimeout(0)
            self.poller.register(listener, selectors.EVENT_READ)
        for _ in range(self.cfg.threads):
            threading.Thread(target=self._serve, name="server", daemon=True).start()
        while self.alive and self.is_parent_alive():
            self._tick(TICK_SECONDS)
        self.alive = False
        for listener in self.sockets:
            self.poller.unregister(listener)
            listener.close()
        until = time.monotonic() + self.cfg.graceful_timeout
        while self.connections and time.monotonic() < until:
            self._tick(0.05)

    def _tick(self, seconds: float) -> None:
        """Show that the worker lives, unless a request holds the turn for too long, and wait for a signal."""
        if time.monotonic() - self.attended < self.cfg.timeout:
            self.notify()
        if select.select([self.PIPE[0]], [], [], seconds)[0]:
            os.read(self.PIPE[0], 64)

    def _serve(self) -> None:
        """Take turns with the other threads for as long as the process lives."""
        try:
            while True:
                self.turn.acquire()
                waiting.lead(self.turn.release)
                while waiting.is_leader():
                    self._attend()
        except BaseException:
            self.alive = False
            self.log.exception("A worker cannot go on; it is replaced")
            waiting.promote_follower()

    def _attend(self) -> None:
        """Wait for clients, and serve those who are there for as long as the turn lasts."""
        self.attended = now = time.monotonic()
        if now >= self.next_sweep:
            self.next_sweep = now + TICK_SECONDS
            self._sweep(now)
        events = self.poller.select(TICK_SECONDS)
        for key, _ in events:
            if key.data is None:
                self._accept(key.fileobj)
        for key, _ in events:
            if key.data is not None:
                key.data(key.fileobj)
                if not waiting.is_leader():
                    return

    def _sweep(self, now: float) -> None:
        """End what is late. Whoever waits between two requests as the worker stops gets a last moment."""
        with self.connections.passing:
            for conn in self.connections.waiting():
                if not self.alive and conn.is_idle:
                    conn.deadline = min(conn.deadline, now + LINGER_SECONDS)
                if conn.deadline > now:
                    continue
                if conn.phase is Phase.REQUEST and conn.arrival.data:
                    self._refuse(conn, "408 Request Timeout", "The request took too long to arrive.")
                else:
                    self.connections.drop(conn)
            self.connections.drop_excess()

    def _accept(self, listener: Any) -> None:
        try:
            accepted, client = listener.accept()
            conn = Connection(self, accepted, client, listener)
        except OSError as error:
            # Otherwise another worker was faster, the client has gone, or the worker stops.
            if error.errno in (errno.EMFILE, errno.ENFILE) and not self.connections.make_room():
                time.sleep(0.05)
            return
        if len(self.connections) >= self.worker_connections:
            self.connections.make_room()
        conn.init()
        self.connections.add(conn)
        self.connections.wait(conn, Phase.REQUEST, RECEIVE_SECONDS)

    def go_on(self, conn: Connection) -> None:
        """Do what a connection has been waiting for, unless it was dropped a moment ago."""
        if conn not in self.connections:
            return
        try:
            if conn.phase is Phase.REQUEST:
                self._receive(conn)
            elif conn.phase is Phase.TURN:
                self._consider(conn)
            elif conn.phase is Phase.SENDING and conn.sock.flush():
                self._await_request(conn)
            elif conn.phase is Phase.END and conn.sock.receive() == b"":
                self.connections.drop(conn)
        except OSError:
            self.connections.drop(conn)
        except Exception:
            self.log.exception("A connection could not be served")
            self.connections.drop(conn)

    def _receive(self, conn: Connection) -> None:
        """Take what has come of a request."""
        data = conn.sock.receive()
        if data is None:
            return
        if not conn.arrival.data:
            conn.deadline = time.monotonic() + RECEIVE_SECONDS
        conn.arrival.add(data)
        self._consider(conn, ended=not data)

    def _consider(self, conn: Connection, *, ended: bool = False) -> None:
        """Answer a request when enough of it is there, else wait for more."""
        arrival = conn.arrival
        if arrival.is_too_long:
            self._refuse(conn, "431 Request Header Fields Too Large", "The headers are longer than 64 KiB.")
        elif ended and not arrival.data:
            self.connections.drop(conn)
        elif ended or arrival.is_whole:
            self._answer(conn)
        elif arrival.is_ready and len(self.reading) < self.most_reading:
            self.reading.add(conn)
            self._answer(conn)
        else:
            conn.wait(Phase.REQUEST)
            if arrival.is_ready:
                self.connections.drop_excess()

    def _answer(self, conn: Connection) -> None:
        """Answer a request; from here until the connection waits again, this thread alone has it."""
        conn.deadline = math.inf
        conn.sock.deadline = time.monotonic() + HAND_OVER_SECONDS
        conn.parser.unreader.unread(bytes(conn.arrival.data))
        conn.arrival = Arrival()
        waiting.lead(partial(self._leave, conn))
        try:
            conn.is_kept = self.handle(conn)
        finally:
            if waiting.is_leader():
                waiting.lead(self.turn.release)
            if conn in self.reading:
                self.reading.discard(conn)
                self.method_queue.defer(self._read_next)
        if conn.sock.flush():
            self._await_request(conn)
        else:
            self.connections.wait(conn, Phase.SENDING, HAND_OVER_SECONDS)
            self.method_queue.defer(self.connections.drop_excess)

    def _read_next(self) -> None:
        """Consider again what has arrived in part, now that a thread has read another request to its end."""
        with self.connections.passing:
            for conn in self.connections.waiting():
                if conn.phase is Phase.REQUEST and conn.arrival.is_ready:
                    conn.wait(Phase.TURN)

    def _leave(self, conn: Connection) -> None:
        """Give the turn to another thread, which has to leave this connection alone."""
        conn.wait(None)
        self.turn.release()

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Have the application answer a request; return whether the connection is kept."""
        self.cfg.pre_request(self, req)
        self._count_request()
        conn.sock.expects_continue = req._expected_100_continue  # noqa: SLF001  # gunicorn has no accessor
        answer = Answer()
        answer.take(self.wsgi(environ_of(req, conn.environ), answer.start))
        is_kept = self.alive and self.cfg.keepalive > 0 and not (answer.closes or req.should_close())
        conn.sock.sendall(answer.head(is_kept=is_kept))
        for chunk in answer.body:
            conn.sock.sendall(chunk)
        return is_kept

    def _count_request(self) -> None:
        """Stop after as many requests as gunicorn's max_requests allows."""
        self.nr += 1
        if self.nr == self.max_requests:
            self.log.info("Autorestarting worker after current request.")
            self.alive = False

    def _keepalive_after(self, conn: Connection, keepalive: bool) -> bool:  # noqa: FBT001  # gunicorn's
        """Whether the connection can be kept: no thread waits for a body that nobody wanted."""
        conn.sock.deadline = 0.0
        return bool(super()._keepalive_after(conn, keepalive))

    def _await_request(self, conn: Connection) -> None:
        """Wait for the next request, which may be there; nobody gets two answers while others wait."""
        if not conn.is_kept:
            self._end(conn)
            return
        conn.arrival.add(conn.parser.unreader.take_buffered())
        if conn.arrival.is_ready:
            self.connections.wait(conn, Phase.TURN, RECEIVE_SECONDS)
        elif conn.arrival.data:
            self.connections.wait(conn, Phase.REQUEST, RECEIVE_SECONDS)
        else:
            self.connections.wait(conn, Phase.REQUEST, self.cfg.keepalive if self.alive else LINGER_SECONDS)

    def _refuse(self, conn: Connection, status: str, message: str) -> None:
        """Answer what is not going to become a request."""
        conn.sock.sendall(refusal(status, message))
        with contextlib.suppress(OSError):
            conn.sock.flush()
        self._end(conn)

    def _end(self, conn: Connection) -> None:
        """Send the end of the stream and read on for a while: closing at once could cut the answer."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.connections.drop(conn)
        else:
            self.connections.wait(conn, Phase.END, LINGER_SECONDS)

    def handle_error(self, req: Any, client: Any, addr: Any, error: Exception) -> None:
        """Answer what gunicorn cannot parse with the API's envelope, without a word of the input."""
        page = ErrorPage()
        super().handle_error(req, page, addr, error)
        message = "The request is not HTTP as this server takes it; its limits are in the documentation."
        client.sendall(refusal(page.status, message))
