"""The lock that start-up work is done under, across threads and processes."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ...domain.errors import ServiceUnavailable
from .database import prepare_file

POLL_SECONDS: Final = 0.02
"""How often a waiting process tries for the lock."""


class FileLock:
    """A lock on a file beside the database. The thread that holds it may take it again."""

    def __init__(self, path: Path, timeout: float) -> None:
        self._path = path
        self._timeout = timeout
        self._thread = threading.RLock()
        self._depth = 0

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the lock; raises ServiceUnavailable when it is not free within the timeout."""
        with self._thread:
            self._depth += 1
            try:
                if self._depth > 1:
                    yield
                    return
                descriptor = self._acquire()
                try:
                    yield
                finally:
                    os.close(descriptor)
            finally:
                self._depth -= 1

    def _acquire(self) -> int:
        try:
            prepare_file(self._path)
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise ServiceUnavailable("The store's folder cannot be written.") from error
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    os.close(descriptor)
                    raise ServiceUnavailable("Another process is still preparing the store.") from error
                time.sleep(POLL_SECONDS)
            else:
                return descriptor
