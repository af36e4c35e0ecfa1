"""The rules for memories: creating, repeating, updating, deleting, reading."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from ..domain import timestamps
from ..domain.errors import DuplicateId, MemoryNotFound, quote
from ..domain.json_text import compact_json, is_same_json
from ..domain.records import JsonText, Memory, Timestamp
from ..search.analysis import memory_terms
from .bodies import deletion_result, memory_fields, memory_result
from .expiry import require_future
from .inputs import UNSET, MemoryUpdate, NewMemory
from .results import Result

if TYPE_CHECKING:
    from ..domain.list_queries import MemoryListQuery
    from ..domain.records import Scope
    from ..stores import Store, Transaction


def create(tx: Transaction, command: NewMemory) -> Result:
    """Create a memory and answer it; a repeat answers it as it is now.

    Raises DuplicateId, and InvalidInput for an expiry that has passed.
    """
    existing = tx.lock_memory(command.id) if command.id_given else None
    if existing is not None:
        if not command.hash.is_of(existing.hash):
            raise DuplicateId(
                f"A memory {quote(command.id)} exists in this namespace with different content; "
                "change it with PUT /memory/{id}."
            )
        return memory_result(existing)
    require_future(command.expires_at)
    memory = begin(tx, command, timestamps.now())
    tx.insert_memory(memory)
    return memory_result(memory)


def begin(tx: Transaction, command: NewMemory, now: Timestamp) -> Memory:
    """Return the new memory."""
    return Memory(
        namespace=tx.scope.namespace,
        id=command.id,
        value=command.value,
        tags=command.tags,
        metadata=command.metadata,
        created=now,
        modified=now,
        hash=command.hash.current,
        terms=command.terms,
        label=command.label,
        description=command.description,
        expires_at=command.expires_at,
    )


def update(tx: Transaction, memory_id: str, command: MemoryUpdate) -> Result:
    """Apply a PUT and answer the memory; what changes nothing does not move ``modified``.

    Raises MemoryNotFound, and InvalidInput for an expiry that has passed.
    """
    memory = _require(tx, memory_id)
    changed = replace(
        memory,
        tags=memory.tags if command.tags is UNSET else command.tags,
        value=_value_after(memory, command),
        label=memory.label if command.label is UNSET else command.label,
        description=memory.description if command.description is UNSET else command.description,
        expires_at=memory.expires_at if command.expires_at is UNSET else command.expires_at,
    )
    if changed == memory:
        return memory_result(memory)
    if changed.expires_at != memory.expires_at:
        require_future(changed.expires_at)
    terms = memory_terms(changed.label, changed.description, changed.tags, orjson.loads(changed.value))
    changed = replace(changed, modified=timestamps.now(), terms=terms)
    tx.save_memory(changed)
    return memory_result(changed)


def _value_after(memory: Memory, command: MemoryUpdate) -> JsonText:
    """Return the value that a PUT leaves; an equal one is none that it brings."""
    value = command.value
    return memory.value if value is UNSET or is_same_json(value, memory.value) else value


def delete(tx: Transaction, memory_id: str) -> Result:
    """Delete a memory; raises MemoryNotFound."""
    _require(tx, memory_id)
    tx.remove_memory(memory_id)
    return deletion_result(memory_id)


def get_memory(store: Store, scope: Scope, memory_id: str) -> Result:
    """Return a memory; raises MemoryNotFound."""
    memory = store.get_memory(scope, memory_id)
    if memory is None:
        raise _not_found(memory_id)
    return memory_result(memory)


def list_memories(store: Store, query: MemoryListQuery) -> Result:
    """Return a page of memories."""
    page = store.list_memories(query)
    last = page.items[-1] if page.more else None
    return Result(
        compact_json([memory_fields(item) for item in page.items]),
        position=None if last is None else (last.created, last.namespace, last.id),
    )


def _require(tx: Transaction, memory_id: str) -> Memory:
    memory = tx.lock_memory(memory_id)
    if memory is None:
        raise _not_found(memory_id)
    return memory


def _not_found(memory_id: str) -> MemoryNotFound:
    return MemoryNotFound(f"There is no memory {quote(memory_id)} in this namespace.")
