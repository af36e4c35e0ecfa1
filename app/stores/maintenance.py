"""The Protocol of upkeep: migration, readiness, the sweep, and walks through everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Final, Protocol

from ..domain.list_items import ExpiringItem
from ..domain.list_queries import ExpiryQuery, Page
from ..domain.records import Dialogue, IdempotencyRecord, Memory, Scope, ScopeFilter, Timestamp, Tombstone
from .contents import Contents

SWEEP_ROWS: Final = 50
"""How many rows one transaction of the sweep removes: writers wait for no more."""

INDEX_ROWS: Final = 100
"""How many rows one transaction of the indexing takes, for the same reason."""


def ignore(_: int) -> None:
    """Show no progress."""


class Maintenance(Protocol):
    """What the operator and the process need.

    Every method raises ServiceUnavailable when the store is away, not migrated or too slow.
    """

    def migrate(self) -> int:
        """Create or upgrade schema and indexes, once however many start together; the version."""

    def check_ready(self) -> None:
        """Return if the store answers, is migrated and can be written, else raise ServiceUnavailable."""

    def cursor_secret(self) -> bytes:
        """The random secret, made with the store, that signs list cursors."""

    def sweep(self, rows: int = SWEEP_ROWS) -> int:
        """Remove up to ``rows`` rows that purges have hidden; how many were removed (0: done)."""

    def sweep_again(self, project: str) -> None:
        """Let the next sweeps remove what purged dialogues of a project have left, if any of them has."""

    def list_erasures(self, before: Timestamp) -> list[Scope]:
        """The namespaces whose erasure has begun, has not ended, and made no step since a time."""

    def count_pending(self) -> int:
        """How many purged dialogues have data that is still to be removed, counted to 10,000."""

    def list_expiring(self, query: ExpiryQuery) -> Page[ExpiringItem]:
        """One page of what of a project may have expired, and is not removed yet."""

    def take_lease(self, name: str, owner: str, seconds: float) -> bool:
        """Take or renew a lease for so long; False while another owner has it."""

    def iterate_dialogues(self, scope_filter: ScopeFilter) -> Iterator[Dialogue]:
        """Every dialogue that has not expired, by (created, namespace, id), a batch at a time."""

    def iterate_tombstones(self, scope_filter: ScopeFilter) -> Iterator[tuple[Scope, Tombstone]]:
        """Every tombstone."""

    def iterate_memories(self, scope_filter: ScopeFilter) -> Iterator[Memory]:
        """Every memory by (created, namespace, id), a batch at a time."""

    def iterate_answers(self, scope_filter: ScopeFilter) -> Iterator[tuple[Scope, IdempotencyRecord]]:
        """Every recorded answer that has not expired."""

    def iterate_contents(self, scope_filter: ScopeFilter) -> Iterator[Contents]:
        """Every dialogue that has not expired and every one that was deleted and is kept, with its messages.

        What is read of one is read to its end before the next is asked for; this thread may not write
        meanwhile.
        """

    def snapshot(self) -> AbstractContextManager[None]:
        """Let what this thread reads inside be of one moment; it writes nothing meanwhile."""

    def index_problems(
        self, project: str, tick: Callable[[int], None] = ignore, *, thorough: bool = False
    ) -> list[str]:
        """What of a project the search index does not hold as it is stored, in words.

        ``tick`` is told now and then how many items were checked since. Where a store can tell that an item's
        text and words have not changed since it was indexed, it takes the words to be right, unless the check
        is ``thorough``.
        """

    def index_step(self, rows: int = INDEX_ROWS) -> int:
        """Index up to ``rows`` items that an earlier release stored; how many were (0: all are)."""

    def reindex(self) -> int:
        """Make the search index anew from what is stored, for all projects; how many entries."""

    def start_up_lock(self) -> AbstractContextManager[None]:
        """Hold the lock that start-up work is done under, across processes.

        Raises ServiceUnavailable when another process does not release it in time.
        """

    def close(self) -> None:
        """Give back connections; the store may not be used after it."""
