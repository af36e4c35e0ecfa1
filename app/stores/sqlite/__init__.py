"""The embedded store: one SQLite file, several threads and processes, every commit on disk."""

from __future__ import annotations

from pathlib import Path

from .. import Backend
from ..policies import Policies
from .backups import SqliteBackups
from .catalog import SqliteCatalog
from .database import SqliteDatabase
from .start_up_lock import FileLock
from .store import SqliteStore
from .vectors import SqliteVectors


class SqliteBackend(SqliteStore, SqliteCatalog, SqliteBackups, SqliteVectors, Backend):
    """One class for each Protocol, over one file."""

    def __init__(self, path: Path, timeout: float, commit_delay: float) -> None:
        self._db = SqliteDatabase(path, timeout, commit_delay)
        self._policies = Policies(self.get_project)
        self._start_up_lock = FileLock(path.with_name(path.name + ".lock"), timeout)


def open_sqlite(path: Path, *, timeout: float = 10.0, commit_delay: float = 0.0) -> Backend:
    """Return the store in a file, which ``migrate`` makes (0600), its folder (0700) too.

    ``timeout`` (seconds) bounds the wait for the file and for a place in a shared commit; then
    ServiceUnavailable is raised. ``commit_delay`` (seconds) is slept before each commit, for tests
    that need writers to meet.
    """
    return SqliteBackend(path, timeout, commit_delay)
