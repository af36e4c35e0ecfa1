"""The Protocols that the SQLite and the MongoDB store implement, each in a module of its own.

The rules are in the services. A store gives them reads, and ``Store.write``: it runs a rule in one
transaction, and runs it again after a write conflict. In it the rule locks the dialogue first, decides
by what it then reads, and writes; an exception undoes everything.

Every method for clients' data takes a ``Scope`` or a ``ScopeFilter``, or is bound to one, so that no
call can leave its project by omission. ``Catalog``, ``Maintenance`` and ``VectorQueue`` serve the operator
and authentication, never a client's request for data.
"""

from __future__ import annotations

from typing import Protocol

from .backups import Backups, BadBackup
from .bounds import PAGE_BYTES
from .catalog import Catalog
from .erasure import Erased, Removed
from .maintenance import Maintenance
from .store import Counts, Generation, Store
from .transaction import Transaction
from .vectors import VectorQueue

__all__ = [
    "PAGE_BYTES",
    "Backend",
    "Backups",
    "BadBackup",
    "Catalog",
    "Counts",
    "Erased",
    "Generation",
    "Maintenance",
    "Removed",
    "Store",
    "Transaction",
    "VectorQueue",
]


class Backend(Store, Catalog, Maintenance, VectorQueue, Backups, Protocol):
    """All five in one object, as ``open_sqlite`` and ``open_mongo`` return it."""
