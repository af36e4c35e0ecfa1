"""The embedded store: one SQLite file, several threads and processes, every commit on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ...domain.records import Scope
from .. import Backend, Transaction
from .catalog import Catalog
from .maintenance import Maintenance
from .reindexing import Reindexing
from .search import Search
from .transaction import SqliteTransaction

T = TypeVar("T")


class SqliteBackend(Search, Catalog, Maintenance, Reindexing):
    """All roles of ``app.stores.Backend`` over one file."""

    def write(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        """See ``Store``. The work runs once; writers of this process share commits."""
        return self.run(lambda connection: work(SqliteTransaction(connection, scope)))


def open_sqlite(path: Path, *, timeout: float = 10.0, commit_delay: float = 0.0) -> Backend:
    """Return the store in a file, which ``migrate`` makes (0600), its folder (0700) too.

    ``timeout`` (seconds) bounds the wait for the file and for a place in a shared commit; then
    ServiceUnavailable is raised. ``commit_delay`` (seconds) is slept before each commit, for tests
    that need writers to meet.
    """
    return SqliteBackend(path, timeout, commit_delay)
