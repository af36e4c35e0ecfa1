"""Group commit: writes of several threads that wait at the same time share one transaction.

A commit waits for the disk, and only one writer at a time can hold the file. So the first thread that
wants to write becomes the leader: it begins a transaction, takes the works that other threads of this
process have queued, runs each in a savepoint, commits once and wakes those threads. No thread returns
before the commit has. A thread that writes alone is its own leader and needs no savepoint.
"""

from __future__ import annotations

import enum
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Any, Final, TypeVar

from ...domain.errors import ServiceUnavailable
from ...telemetry.measures import GROUP_COMMITS
from ...waiting import blocking
from .failures import BUSY, translate

T = TypeVar("T")

BATCH: Final = 64
"""The most works that share a transaction."""

FIRST_PAUSE: Final = 0.0005
LONGEST_PAUSE: Final = 0.002
"""Seconds between two attempts to write while another process does."""

_UNCERTAIN: Final = "The store failed while it wrote. Repeat the request with the same id or key."


class _Phase(enum.Enum):
    WAITING = enum.auto()
    TAKEN = enum.auto()
    LEADING = enum.auto()


@dataclass(slots=True, eq=False)
class _Job:
    """One work, and what became of it."""

    work: Callable[[Connection], Any]
    deadline: float
    phase: _Phase = _Phase.LEADING
    wake: threading.Event | None = None
    result: Any = None
    error: BaseException | None = None

    def fail(self, error: BaseException) -> None:
        self.error = translate(error) if isinstance(error, sqlite3.Error) else error
        self.result = None

    def outcome(self) -> Any:
        """Return the result, or raise the error, which is kept nowhere: its traceback leads to this job."""
        if self.error is None:
            return self.result
        error, self.error = self.error, None
        try:
            raise error
        finally:
            del error


class GroupCommit:
    """Runs works in transactions, one transaction at a time in this process.

    ``renew`` is called behind each transaction. ``timeout`` (seconds) bounds how long a work waits in the
    queue; one whose time is up is never run. ``commit_delay`` (seconds, for tests) is slept before each
    commit.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        renew: Callable[[Connection], None],
        timeout: float,
        commit_delay: float = 0.0,
    ) -> None:
        self._connect = connect
        self._renew = renew
        self._timeout = timeout
        self._delay = commit_delay
        self._mutex = threading.Lock()
        self._queue: deque[_Job] = deque()
        self._led = False

    def run(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in a transaction and return its result once that is on disk.

        Raises ServiceUnavailable when the file cannot be written, or not in time, and what ``work`` raises.
        """
        with blocking(self._timeout) as seconds:
            job = _Job(work, time.monotonic() + seconds)
            with self._mutex:
                if self._led:
                    job.phase, job.wake = _Phase.WAITING, threading.Event()
                    self._queue.append(job)
                self._led = True
            if job.wake is not None:
                self._wait(job, job.wake)
            if job.phase is _Phase.LEADING:
                self._lead(job)
        result: T = job.outcome()
        return result

    def _wait(self, job: _Job, wake: threading.Event) -> None:
        """Return when the job was run, or when its thread is to lead, else raise ServiceUnavailable."""
        if wake.wait(job.deadline - time.monotonic()):
            return
        with self._mutex:
            if job.phase is _Phase.WAITING:
                self._queue.remove(job)
                raise ServiceUnavailable(BUSY)
        # A leader has taken the job and may commit it: only the leader knows how it ends.
        wake.wait()

    def _lead(self, own: _Job) -> None:
        batch = [own]
        try:
            self._run_batch(batch)
        except BaseException as error:  # noqa: BLE001 - raised by each waiting thread itself
            own.fail(error)
            message = own.error.message if isinstance(own.error, ServiceUnavailable) else _UNCERTAIN
            for job in batch[1:]:
                job.fail(ServiceUnavailable(message))
        finally:
            self._finish(batch)

    def _finish(self, batch: list[_Job]) -> None:
        """Make the first thread in the queue the leader, if there is one, and wake those that were served."""
        with self._mutex:
            successor = self._queue.popleft() if self._queue else None
            self._led = successor is not None
            if successor is not None:
                successor.phase = _Phase.LEADING
        for job in (*batch, successor):
            if job is not None and job.wake is not None:
                job.wake.set()

    def _run_batch(self, batch: list[_Job]) -> None:
        connection = self._connect()
        self._begin(connection, batch[0].deadline)
        try:
            self._gather(batch)
            if len(batch) == 1:
                batch[0].result = batch[0].work(connection)
            else:
                for job in batch:
                    _run_in_savepoint(connection, job)
            if self._delay:
                time.sleep(self._delay)
            connection.execute("COMMIT")
            GROUP_COMMITS.observe(len(batch))
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        finally:
            self._renew(connection)

    def _begin(self, connection: Connection, deadline: float) -> None:
        """Take the file for writing, as soon as no other process writes to it.

        SQLite's own wait looks up to 100 ms apart, while another process may write several times.
        """
        connection.execute("PRAGMA busy_timeout = 0")
        pause = FIRST_PAUSE
        try:
            while True:
                try:
                    connection.execute("BEGIN IMMEDIATE")
                except sqlite3.OperationalError as error:
                    if not _is_busy(error) or time.monotonic() + pause >= deadline:
                        raise
                else:
                    return
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
        finally:
            connection.execute(f"PRAGMA busy_timeout = {round(self._timeout * 1000)}")

    def _gather(self, batch: list[_Job]) -> None:
        """Take queued works into the batch, now that this process holds the file."""
        with self._mutex:
            while self._queue and len(batch) < BATCH:
                job = self._queue.popleft()
                job.phase = _Phase.TAKEN
                batch.append(job)


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


def _run_in_savepoint(connection: Connection, job: _Job) -> None:
    """Run one of several works; its failure is its own unless the whole transaction is lost."""
    connection.execute("SAVEPOINT work")
    try:
        job.result = job.work(connection)
    except Exception as error:
        if not connection.in_transaction:
            # A full disk or a failed read undoes the transaction, earlier works included.
            raise
        connection.execute("ROLLBACK TO work")
        job.fail(error)
    connection.execute("RELEASE work")
