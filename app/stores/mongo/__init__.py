"""The MongoDB store: for production, on a replica set or a sharded cluster, 5.0 or later.

Writes are transactions, acknowledged when a majority of the members has them on disk, and repeated
while their failure is passing. Every call is held to a time limit, then it is ServiceUnavailable.

Tests may pass a mongomock client. The same calls then run without sessions, one writer at a time
in the process. What that cannot promise: work that fails after its first write leaves what it
wrote; readers see half of a write; nothing holds between processes, and nothing survives them;
searching for dialogues is refused.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from pymongo.errors import PyMongoError

from ...waiting import blocking
from .connection import Connection, unavailable
from .lease_lock import LeaseLock
from .maintenance import MongoMaintenance
from .reindexing import MongoReindexing
from .retry import WriteConflict, run
from .search import MongoSearch
from .striped_locks import StripedLocks
from .transaction import MongoTransaction

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pymongo.client_session import ClientSession

    from ...domain.records import Scope
    from .. import Backend, Transaction

T = TypeVar("T")

ONE_WRITER = threading.Lock()
"""What stands in for transactions on mongomock."""


class MongoBackend(MongoMaintenance, MongoReindexing, MongoSearch):
    """Implements ``app.stores.Backend``."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection
        self._lease_lock = LeaseLock(connection)
        self._locks = StripedLocks()

    def write(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` in one durable transaction; returns only when a majority has it on disk.

        ``work`` may run more than once and must touch nothing but the transaction. What it
        raises undoes everything. Raises ServiceUnavailable when the store is away, cannot be
        written or takes longer than the time limit.
        """
        if not self._db.transactional:
            return self._write_alone(scope, work)
        with blocking(self._db.timeout) as seconds:
            deadline = time.monotonic() + seconds
            with self._locks.holder(deadline) as locks:

                def attempt(session: ClientSession) -> T:
                    return work(MongoTransaction(self._db, scope, session, locks))

                return run(self._db, locks, deadline, attempt)

    def _write_alone(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        with ONE_WRITER:
            try:
                return work(MongoTransaction(self._db, scope, None, None))
            except (PyMongoError, WriteConflict) as error:
                raise unavailable(error) from error


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
    return MongoBackend(Connection(url, timeout=timeout, pool_size=pool_size, client=client))
