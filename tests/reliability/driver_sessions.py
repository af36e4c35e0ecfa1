"""What the driver of MongoDB holds in the processes of a server: it counts sessions and transactions.

Not every server tells what it holds for one client, so that what is counted is what the driver sends and is
answered. Each worker keeps two numbers in a file of its own, which ``Sessions.of`` reads.
"""

from __future__ import annotations

import mmap
import os
import struct
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from pymongo import monitoring

NUMBERS: Final = struct.Struct("=QQ")
NO_SUCH_TRANSACTION: Final = 251


class Sessions(NamedTuple):
    """How many sessions a process has used, and how many transactions are open as far as its driver knows.

    A server keeps a session for half an hour after its last use.
    """

    sessions: int
    transactions: int

    @classmethod
    def of(cls, folder: Path, pid: int) -> Sessions:
        """Return the numbers of a worker; 0 where it has not sent anything, as on SQLite, or just begins."""
        try:
            return cls(*NUMBERS.unpack(_file(folder, pid).read_bytes()))
        except (FileNotFoundError, struct.error):
            return cls(0, 0)


class Counter(monitoring.CommandListener):
    """Hears each command of the driver in one process."""

    def __init__(self, folder: Path) -> None:
        path = _file(folder, os.getpid())
        path.write_bytes(bytes(NUMBERS.size))
        with path.open("r+b") as file:
            self._shown = mmap.mmap(file.fileno(), NUMBERS.size)
        self._lock = threading.Lock()
        self._used: set[bytes] = set()
        self._open: set[bytes] = set()
        self._ending: dict[int, bytes] = {}

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """Note the session of a command, and a transaction that it begins."""
        if "lsid" not in event.command:
            return
        session = bytes(event.command["lsid"]["id"])
        with self._lock:
            self._used.add(session)
            if event.command.get("startTransaction"):
                self._open.add(session)
            if event.command_name in {"commitTransaction", "abortTransaction"}:
                self._ending[event.request_id] = session
            self._show()

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Note a transaction that has ended."""
        self._end(event.request_id, is_over=True)

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Note a transaction that the server knows to be over."""
        self._end(event.request_id, is_over=_is_over(event.failure))

    def _end(self, request: int, *, is_over: bool) -> None:
        with self._lock:
            session = self._ending.pop(request, None)
            if is_over and session is not None:
                self._open.discard(session)
                self._show()

    def _show(self) -> None:
        self._shown[:] = NUMBERS.pack(len(self._used), len(self._open))


def _is_over(failure: Mapping[str, Any]) -> bool:
    labels = failure.get("errorLabels", ())
    return failure.get("code") == NO_SUCH_TRANSACTION or "TransientTransactionError" in labels


def _file(folder: Path, pid: int) -> Path:
    return folder / f"sessions-{pid}"
