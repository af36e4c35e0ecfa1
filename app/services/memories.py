"""The rules for memories: creating, repeating, updating, deleting."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from ..domain import timestamps
from ..domain.errors import DuplicateId, MemoryNotFound, quote
from ..domain.records import Memory
from ..search.analysis import memory_terms
from .commands import UNSET, MemoryUpdate, NewMemory

if TYPE_CHECKING:
    from ..stores import Transaction


def create(tx: Transaction, command: NewMemory) -> Memory:
    """Create a memory; a repeat answers it as it is now."""
    existing = tx.lock_memory(command.id) if command.id_given else None
    if existing is not None:
        if existing.hash != command.hash:
            raise DuplicateId(
                f"A memory {quote(command.id)} exists in this namespace with different content; "
                "change it with PUT /memory/{id}."
            )
        return existing
    now = timestamps.now()
    memory = Memory(
        namespace=tx.scope.namespace,
        id=command.id,
        value=command.value,
        tags=command.tags,
        metadata=command.metadata,
        created=now,
        modified=now,
        hash=command.hash,
        terms=command.terms,
        label=command.label,
        description=command.description,
    )
    tx.insert_memory(memory)
    return memory


def update(tx: Transaction, memory_id: str, command: MemoryUpdate) -> Memory:
    """Apply a PUT; what changes nothing does not move ``modified``."""
    memory = _require(tx, memory_id)
    changed = replace(
        memory,
        tags=memory.tags if command.tags is UNSET else command.tags,
        value=memory.value if command.value is UNSET else command.value,
        label=memory.label if command.label is UNSET else command.label,
        description=memory.description if command.description is UNSET else command.description,
    )
    if changed == memory:
        return memory
    terms = memory_terms(changed.label, changed.description, orjson.loads(changed.value))
    changed = replace(changed, modified=timestamps.now(), terms=terms)
    tx.save_memory(changed)
    return changed


def delete(tx: Transaction, memory_id: str) -> None:
    """Delete a memory."""
    _require(tx, memory_id)
    tx.remove_memory(memory_id)


def _require(tx: Transaction, memory_id: str) -> Memory:
    memory = tx.lock_memory(memory_id)
    if memory is None:
        raise not_found(memory_id)
    return memory


def not_found(memory_id: str) -> MemoryNotFound:
    """Return the error for a memory that is not there."""
    return MemoryNotFound(f"There is no memory {quote(memory_id)} in this namespace.")
