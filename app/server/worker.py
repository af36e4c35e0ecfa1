"""The worker: its threads, what they do with connections, and for how long.

The leader polls all connections and handles a request itself until it has to wait; then it promotes a
follower, and finishes its request as a follower. What a client does not read at once is sent when it does.
The rest of a large body is read by the thread that handles its request, so that a request without a key is
rejected before its body has come; while half of the threads do that, other bodies have to arrive whole, and
those that have wait until few threads work on large ones.

Bounds, each for one worker: a request has RECEIVE_SECONDS to arrive; what a thread itself still has to read
of it, and a client of its response, TRANSFER_SECONDS; BUFFERED_BYTES are kept for slow clients; and when all
connections are taken, one of those that wait is dropped for a new one.
"""

from __future__ import annotations

import errno
import math
import os
import select
import selectors
import threading
import time
from functools import partial
from typing import Any, Final

from gunicorn.workers.gthread import ThreadWorker

from .. import waiting
from ..domain.addresses import network_of
from .admission import LargeBodies
from .connection import LINGER_SECONDS, RECEIVE_SECONDS, TRANSFER_SECONDS, Connection, Connections, Phase
from .listeners import Listeners
from .refusals import ErrorPage, refusal
from .request_buffer import RequestBuffer
from .thread_pool import ThreadPool
from .tls_socket import socket_opener
from .tuning import fit_connections, keep_loaded, tune_process
from .wsgi import Response, build_environ

TICK_SECONDS: Final = 1.0
"""How often the worker sends gunicorn its heartbeat, and looks for deadlines that have passed."""


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """See the module. From gunicorn's it keeps how a request is parsed, or rejected: ``handle``."""

    alive: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.large_bodies = LargeBodies(self.cfg.threads)
        self.connections = Connections(self.large_bodies)
        self.leadership = threading.Lock()
        self.next_expiry = 0.0
        self.polled = math.inf
        self.threads = ThreadPool(self.cfg.threads, self._run_thread)

    def init_process(self) -> None:
        """Set up the process, and start."""
        self.open_socket = socket_opener(self.cfg)
        tune_process()
        self.worker_connections = fit_connections(self.cfg.worker_connections, self.cfg.threads)
        super().init_process()

    def run(self) -> None:
        """Have the threads serve until the worker is told to stop; then let them finish."""
        keep_loaded()
        queue = self.method_queue
        self.poller.register(queue.fileno(), selectors.EVENT_READ, queue.run_callbacks)
        self.listeners = Listeners(self.sockets, self.poller, self.age)
        self.listeners.open()
        self.threads.start()
        while self.alive and self.is_parent_alive():
            self._tick(TICK_SECONDS)
        self.alive = False
        self.listeners.close()
        until = time.monotonic() + self.cfg.graceful_timeout
        while self.connections and time.monotonic() < until:
            self._tick(0.05)

    def _tick(self, seconds: float) -> None:
        """Send the heartbeat, unless a request has kept the lead for too long, and wait for a signal."""
        if time.monotonic() - self.polled < self.cfg.timeout:
            self.notify()
        if select.select([self.PIPE[0]], [], [], seconds)[0]:
            os.read(self.PIPE[0], 64)

    def _run_thread(self) -> None:
        """Wait to become the leader, and lead, for as long as the process lives."""
        waiting.enable_stand_ins(self.threads.stand_in)
        try:
            while True:
                self.threads.rest()
                self.leadership.acquire()
                waiting.lead(self.leadership.release)
                while waiting.is_leader():
                    self._poll()
        except BaseException:
            self.alive = False
            self.log.exception("A worker cannot go on; it is replaced")
            waiting.promote_follower()

    def _poll(self) -> None:
        """Wait for clients, and resume their connections for as long as this thread leads."""
        self.polled = now = time.monotonic()
        if now >= self.next_expiry:
            self.next_expiry = now + TICK_SECONDS
            self._expire(now)
        listeners, connections = self.listeners, self.connections
        is_overdue = listeners.update(len(connections), now)
        # Overdue is who waits now, not who comes later.
        events = self.poller.select(0 if is_overdue else listeners.seconds_left(now, TICK_SECONDS))
        for key, _ in events:
            if key.data is None and (is_overdue or listeners.is_turn(len(connections), time.monotonic())):
                self._accept(key.fileobj)
        for key, _ in events:
            if key.data is not None:
                key.data(key.fileobj)
                if not waiting.is_leader():
                    return

    def _expire(self, now: float) -> None:
        """Drop what is past its deadline. An idle connection has LINGER_SECONDS when the worker stops."""
        with self.connections.handover:
            for conn in self.connections.waiting():
                if not self.alive and conn.is_idle:
                    conn.deadline = min(conn.deadline, now + LINGER_SECONDS)
                if conn.deadline > now:
                    continue
                if conn.phase is Phase.QUEUED:
                    self.connections.reject(conn, "503 Service Unavailable", "Too many large requests wait.")
                elif conn.phase is Phase.RECEIVING and conn.buffer.data:
                    self.connections.reject(conn, "408 Request Timeout", "The request arrived too slowly.")
                else:
                    self.connections.drop(conn)
            self.connections.drop_excess()
            self.connections.spared.forget()

    def _accept(self, listener: Any) -> None:
        try:
            accepted = self.open_socket(listener.accept())
            conn = Connection(self.cfg, self.poller, self.resume, accepted, listener.getsockname())
        except OSError as error:
            # Otherwise another worker was faster, the client has gone, or the worker stops.
            if error.errno in (errno.EMFILE, errno.ENFILE) and not self.connections.make_room():
                time.sleep(0.05)
            return
        if len(self.connections) >= self.worker_connections:
            self.connections.make_room()
        conn.init()
        self.connections.add(conn)
        self.connections.wait(conn, Phase.RECEIVING, RECEIVE_SECONDS)

    def resume(self, conn: Connection) -> None:
        """Do what a connection has been waiting for, unless it was dropped a moment ago."""
        if conn not in self.connections:
            return
        try:
            if conn.phase is Phase.RECEIVING:
                self._receive(conn)
            elif conn.phase is Phase.PIPELINED:
                self._dispatch(conn)
            elif conn.phase is Phase.SENDING and self.connections.send_piece(conn):
                self._wait_for_request(conn)
            elif conn.phase is Phase.CLOSING and conn.sock.receive() == b"":
                self.connections.drop(conn)
        except OSError:
            self.connections.drop(conn)
        except Exception:
            self.log.exception("A connection could not be served")
            self.connections.drop(conn)

    def _receive(self, conn: Connection) -> None:
        """Read what has come of a request."""
        data = conn.receive()
        if data is None:
            return
        if not conn.buffer.data:
            conn.since = time.monotonic()
            conn.deadline = conn.since + RECEIVE_SECONDS
        conn.buffer.add(data)
        self._dispatch(conn, ended=not data)

    def _dispatch(self, conn: Connection, *, ended: bool = False) -> None:
        """Handle a request when enough of it is there, else wait for more."""
        buffer = conn.buffer
        whole = ended or buffer.is_complete
        if buffer.has_long_head:
            self.connections.reject(conn, "431 Request Header Fields Too Large", "Headers exceed 64 KiB.")
        elif ended and not buffer.data:
            self.connections.drop(conn)
        elif self._is_admitted(conn, whole=whole):
            self._handle(conn)
        elif whole:
            self.connections.queue(conn)
        else:
            self._wait_for_rest(conn)

    def _is_admitted(self, conn: Connection, *, whole: bool) -> bool:
        """Whether a thread takes a request now: a small one when it is there, a large one in its turn."""
        if whole and not conn.buffer.is_large:
            self.large_bodies.forget(conn)
            return True
        return (whole or conn.buffer.is_ready) and self.large_bodies.admit(conn, whole=whole)

    def _wait_for_rest(self, conn: Connection) -> None:
        """Let more of a request arrive; of a large one all, for which it has as long as with a thread."""
        conn.wait(Phase.RECEIVING)
        self.connections.count(conn, conn.buffered_bytes)
        if not conn.buffer.is_ready:
            return
        conn.deadline = conn.since + TRANSFER_SECONDS
        if conn.buffer.awaits_continue:
            conn.buffer.awaits_continue = False
            conn.was_continued = True
            conn.sock.send_continue()
        self.connections.drop_excess()

    def _handle(self, conn: Connection) -> None:
        """Handle a request; from here until the connection waits again, this thread alone has it."""
        self.connections.take(conn)
        conn.was_served = True
        conn.sock.deadline = time.monotonic() + TRANSFER_SECONDS
        waiting.lead(partial(self._promote, conn))
        conn.sock.head = conn.buffer.head
        try:
            conn.parser.unreader.unread(conn.buffer.data)
            conn.buffer = RequestBuffer()
            conn.keeps_alive = self.handle(conn)
        finally:
            if waiting.is_leader():
                waiting.lead(self.leadership.release)
            if self.large_bodies.dismiss(conn):
                self.method_queue.defer(self.connections.resume_large)
        if conn.sock.flush():
            self._wait_for_request(conn)
        else:
            conn.sock.taken = 0
            self.connections.wait(conn, Phase.SENDING, TRANSFER_SECONDS)
            self.method_queue.defer(self.connections.drop_excess)

    def _promote(self, conn: Connection) -> None:
        """Let another thread lead, which has to leave this connection alone."""
        conn.wait(None)
        self.leadership.release()

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Pass a request to the application; return whether the connection stays open."""
        self.cfg.pre_request(self, req)
        self._count_request()
        expects_continue = req._expected_100_continue  # noqa: SLF001  # gunicorn has no accessor
        conn.sock.expects_continue = expects_continue and not conn.was_continued
        conn.was_continued = False
        environ = build_environ(req, conn.environ)
        environ["colloquy.has_large_body"] = conn in self.large_bodies
        response = Response()
        response.read(self.wsgi(environ, response.start))
        conn.owner = environ.get("REMOTE_USER") or network_of(environ["REMOTE_ADDR"])
        keeps_alive = self.alive and self.cfg.keepalive > 0 and not (response.closes or req.should_close())
        conn.sock.sendall(response.head(keeps_alive=keeps_alive))
        for chunk in response.body:
            conn.sock.sendall(chunk)
        return keeps_alive

    def _count_request(self) -> None:
        """Stop after as many requests as gunicorn's max_requests allows."""
        self.nr += 1
        if self.nr == self.max_requests:
            self.log.info("Autorestarting worker after current request.")
            self.alive = False

    def _keepalive_after(self, conn: Connection, keepalive: bool) -> bool:  # noqa: FBT001  # gunicorn's
        """Whether the connection can stay open: no thread waits for a body that was not read."""
        conn.sock.deadline = 0.0
        return bool(super()._keepalive_after(conn, keepalive))

    def _wait_for_request(self, conn: Connection) -> None:
        """Wait for the next request; one that has come already queues behind other connections."""
        if not conn.keeps_alive:
            self.connections.end(conn)
            return
        conn.buffer.add(conn.parser.unreader.take_buffered())
        if conn.buffer.is_ready:
            self.connections.wait(conn, Phase.PIPELINED, RECEIVE_SECONDS)
        elif conn.buffer.data:
            self.connections.wait(conn, Phase.RECEIVING, RECEIVE_SECONDS)
        else:
            self.connections.wait(conn, Phase.RECEIVING, self.cfg.keepalive if self.alive else LINGER_SECONDS)

    def handle_error(self, req: Any, client: Any, addr: Any, error: Exception) -> None:
        """Answer what gunicorn cannot parse with the API's envelope, without a word of the input."""
        page = ErrorPage()
        super().handle_error(req, page, addr, error)
        message = "The request is not HTTP as this server takes it; its limits are in the documentation."
        client.sendall(refusal(client.head, page.status, message))
