"""What the soak counts of MongoDB's sessions and transactions."""

from __future__ import annotations

import itertools
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from pymongo.monitoring import CommandFailedEvent, CommandStartedEvent, CommandSucceededEvent

from tests.reliability.driver_sessions import NO_SUCH_TRANSACTION, Counter, Sessions

ADDRESS = ("127.0.0.1", 27017)
NO_TIME = timedelta()


class Driver:
    """Says what a driver sends on its sessions, and what it is answered."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._counter = Counter(folder)
        self._requests = itertools.count()

    def send(
        self, name: str, session: bytes, *, failure: dict[str, Any] | None = None, **fields: Any
    ) -> None:
        """Say that a command was answered, or failed."""
        request = next(self._requests)
        command = {name: 1, "lsid": {"id": session}, **fields}
        self._counter.started(CommandStartedEvent(command, "db", request, ADDRESS, request))
        which = (name, request, ADDRESS, request)
        if failure is None:
            self._counter.succeeded(CommandSucceededEvent(NO_TIME, {}, *which, database_name="db"))
        else:
            self._counter.failed(CommandFailedEvent(NO_TIME, failure, *which, database_name="db"))

    def seen(self) -> Sessions:
        """Return what the soak reads."""
        return Sessions.of(self._folder, os.getpid())


def test_sessions_are_counted_once_and_transactions_until_they_end(tmp_path: Path) -> None:
    """A commit ends one, and so does the server's word that there is none; no answer does not."""
    driver = Driver(tmp_path)
    driver.send("find", b"a")
    driver.send("find", b"a", startTransaction=True)
    driver.send("insert", b"b", startTransaction=True)
    assert driver.seen() == Sessions(2, 2)
    driver.send("commitTransaction", b"a")
    assert driver.seen() == Sessions(2, 1)
    driver.send("abortTransaction", b"b", failure={"errmsg": "timed out"})
    assert driver.seen() == Sessions(2, 1)
    driver.send("abortTransaction", b"b", failure={"code": NO_SUCH_TRANSACTION})
    assert driver.seen() == Sessions(2, 0)


def test_a_process_that_sends_nothing_has_none(tmp_path: Path) -> None:
    """So it is on SQLite, and while the file is made."""
    assert Sessions.of(tmp_path, 1) == Sessions(0, 0)
    (tmp_path / "sessions-1").touch()
    assert Sessions.of(tmp_path, 1) == Sessions(0, 0)
