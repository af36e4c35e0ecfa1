"""Memories on their way into a store: several of a namespace go in one transaction."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from ..domain.records import Scope
from ..services.restore import remember

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..services.inputs import NewMemory
    from ..services.origin import MemoryOrigin
    from ..services.restore_inputs import Outcome
    from ..stores import Store, Transaction
    from .patience import Patience
    from .tally import Tally

    Entry = tuple[NewMemory, MemoryOrigin | None]

BATCH: Final = 200
"""How many memories one transaction takes."""
MOST_HELD: Final = 2000
MOST_CHARACTERS: Final = 4 * 1024 * 1024
"""What is held of all namespaces together: an export has memories by time, with those of many users mixed."""


class MemoryBatches:
    """Takes memories of a project in, and stores them in batches; ``flush`` stores what is left."""

    def __init__(self, store: Store, project: str, tally: Tally, patience: Patience) -> None:
        self._store = store
        self._project = project
        self._tally = tally
        self._patience = patience
        self._held: dict[str, list[Entry]] = {}
        self._count = 0
        self._characters = 0

    def add(self, namespace: str, command: NewMemory, origin: MemoryOrigin | None) -> None:
        """Take a memory."""
        batch = self._held.setdefault(namespace, [])
        batch.append((command, origin))
        self._count += 1
        self._characters += len(command.value)
        if self._count >= MOST_HELD or self._characters >= MOST_CHARACTERS:
            self.flush()
        elif len(batch) >= BATCH:
            self._store_namespace(namespace)

    def flush(self) -> None:
        """Store the memories taken so far."""
        for namespace in list(self._held):
            self._store_namespace(namespace)

    def _store_namespace(self, namespace: str) -> None:
        batch = self._held.pop(namespace)
        self._count -= len(batch)
        self._characters -= sum(len(command.value) for command, _ in batch)
        scope = Scope(self._project, namespace)

        def write(part: Sequence[Entry], _: bool) -> None:  # noqa: FBT001  # as in_parts calls it
            for outcome in self._store.write(scope, partial(_remember_all, batch=part)):
                self._tally.count_memory(outcome)

        for _ in self._patience.in_parts(batch, write):
            pass


def _remember_all(tx: Transaction, batch: Sequence[Entry]) -> list[Outcome]:
    return [remember(tx, command, origin) for command, origin in batch]
