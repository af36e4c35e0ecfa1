"""The MongoDB store: for production, on a replica set or a sharded cluster, 6.0 or later.

Writes are transactions, acknowledged when a majority of the members has them on disk, and repeated
after a passing failure. Every call has a time limit, after which it raises ServiceUnavailable.

Tests may pass a mongomock client. The same calls then run without sessions, one writer at a time
in the process. What that cannot promise: work that fails after its first write leaves what it
wrote; readers see half of a write; nothing holds between processes, and nothing survives them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pymongo import MongoClient

from ...domain.records import ScopeFilter
from .. import Backend
from ..contents import Contents
from ..policies import Policies
from . import contents
from .backups import MongoBackups
from .catalog import MongoCatalog
from .database import MongoDatabase
from .maintenance import MongoMaintenance
from .start_up_lock import LeaseLock
from .store import MongoStore
from .striped_locks import StripedLocks
from .vectors import MongoVectors


class MongoBackend(MongoStore, MongoCatalog, MongoMaintenance, MongoBackups, MongoVectors, Backend):
    """One class for each Protocol, over one database."""

    def __init__(self, db: MongoDatabase) -> None:
        self._db = db
        self._locks = StripedLocks()
        self._policies = Policies(self.get_project)
        self._start_up_lock = LeaseLock(db)

    def iterate_contents(self, scope_filter: ScopeFilter) -> Iterator[Contents]:
        """See ``Maintenance``; what is read is both services' and the operator's."""
        return contents.iterate_contents(self, scope_filter)


def open_mongo(
    url: str,
    *,
    timeout: float = 10.0,
    pool_size: int = 16,
    client: MongoClient[dict[str, Any]] | None = None,
) -> Backend:
    """Open the store at a ``mongodb://`` URL; nothing is connected before its first use.

    ``timeout`` is in seconds, for one call in all; ``pool_size`` the most connections of this
    process to a server. The database is the URL's, else ``colloquy``. ``client`` stands in for
    one made from the URL. Raises ValueError for a URL that the driver cannot read.
    """
    return MongoBackend(MongoDatabase(url, timeout=timeout, pool_size=pool_size, client=client))
