"""Retention: the removal of what has expired, in bounded steps, by one server at a time."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from ..domain import timestamps
from ..domain.expiry import NEVER, Expiry, Lifetime
from ..domain.ids import new_id
from ..domain.list_queries import ExpiryQuery
from ..domain.records import Scope
from ..domain.retention import Kept
from ..telemetry.measures import EXPIRED, SWEEP_BACKLOG
from .dialogues import uncount_removed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..domain.list_items import ExpiringItem
    from ..domain.records import Timestamp
    from ..stores import Backend, Transaction

    Position = tuple[str, str, str]

LEASE: Final = "expiry"
LEASE_SECONDS: Final = 60.0
"""For how long a server that died keeps others from going on."""

PAGE: Final = 500
"""How many items are looked at in one read."""

STEP: Final = 20
"""How many dialogues or memories one transaction removes."""

WALK_AGAIN_SECONDS: Final = 3600
"""How often a walk by age begins anew, for what an import has stored with times of long ago."""


def remove_dialogues(tx: Transaction, ids: Sequence[str]) -> int:
    """Remove those of the dialogues that have expired whole; how many they were."""
    removed = tx.remove_expired(ids)
    uncount_removed(tx, removed)
    return len(removed)


def remove_memories(tx: Transaction, ids: Sequence[str]) -> int:
    """Remove those of the memories that have expired; how many they were."""
    return tx.remove_expired_memories(ids)


RULES: Final = {Kept.DIALOGUE: remove_dialogues, Kept.MEMORY: remove_memories}


class ExpirySweep:
    """Removes what has expired, one step a call, unless another server has the lease.

    Where a walk by age has been is remembered: what it passed over is kept for longer, and comes again
    further on when it is changed.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._owner = new_id()
        self._steps: Iterator[int] | None = None
        self._passed: dict[tuple[str, Kept, Expiry], Position] = {}
        self._passed_since = time.monotonic()

    def step(self) -> int:
        """Remove a few; how many, or 0 when all was looked at that has expired.

        Raises ServiceUnavailable when the store does not answer.
        """
        if not self._backend.take_lease(LEASE, self._owner, LEASE_SECONDS):
            self._steps = None
            SWEEP_BACKLOG.value = 0
            return 0
        if self._steps is None:
            SWEEP_BACKLOG.value = self._backend.count_pending()
            self._steps = self._walk()
        removed = next(self._steps, 0)
        if removed == 0:
            self._steps = None
        return removed

    def _walk(self) -> Iterator[int]:
        if time.monotonic() - self._passed_since > WALK_AGAIN_SECONDS:
            self._passed.clear()
            self._passed_since = time.monotonic()
        for project in self._backend.list_projects():
            expiry = Expiry.of(project)
            for kind, cutoff in self._cutoffs(expiry):
                yield from self._remove_due(ExpiryQuery(project.name, kind, timestamps.now(), PAGE))
                if cutoff != NEVER:
                    query = ExpiryQuery(project.name, kind, cutoff, PAGE, by_age=True)
                    yield from self._remove_idle(expiry, query)

    def _cutoffs(self, expiry: Expiry) -> Iterator[tuple[Kept, Timestamp]]:
        """Give, for each kind that expires, the time before which something may be too old."""
        if not expiry.keeps_dialogues:
            yield Kept.DIALOGUE, max(expiry.dialogues().idle.values(), default=NEVER)
        yield Kept.MEMORY, expiry.memories().idle

    def _remove_due(self, query: ExpiryQuery) -> Iterator[int]:
        """Remove what has an expiry that has passed."""
        for page in self._pages(query):
            yield from self._remove(query, page)

    def _remove_idle(self, expiry: Expiry, query: ExpiryQuery) -> Iterator[int]:
        """Remove what was not changed for too long."""
        place = (query.project, query.kind, expiry)
        for page in self._pages(replace(query, after=self._passed.get(place))):
            is_memory = query.kind is Kept.MEMORY
            old = (Lifetime(item.status, item.time, None) for item in page)
            due = [
                item for item, life in zip(page, old, strict=True) if is_memory or expiry.hides_dialogue(life)
            ]
            yield from self._remove(query, due)
            last = page[-1]
            self._passed[place] = (last.time, last.namespace, last.id)

    def _pages(self, query: ExpiryQuery) -> Iterator[list[ExpiringItem]]:
        more = True
        while more:
            page = self._backend.list_expiring(query)
            if page.items:
                yield page.items
                last = page.items[-1]
                query = replace(query, after=(last.time, last.namespace, last.id))
            more = page.more

    def _remove(self, query: ExpiryQuery, items: Sequence[ExpiringItem]) -> Iterator[int]:
        """Remove items that have still expired, a few of one namespace in one transaction."""
        by_namespace: dict[str, list[str]] = defaultdict(list)
        for item in items:
            by_namespace[item.namespace].append(item.id)
        remove = RULES[query.kind]
        for namespace, ids in by_namespace.items():
            for start in range(0, len(ids), STEP):
                rule = partial(remove, ids=ids[start : start + STEP])
                removed = self._backend.write(Scope(query.project, namespace), rule)
                EXPIRED.add(query.kind.value, amount=removed)
                if removed:
                    yield removed
