"""Backups: everything of a store as records, and a store filled with them.

A record is as it lies in the store, uids, hashes and all, and so a restored store answers as the one that
was backed up. What is derived from it for searches is left out and made anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from ..domain.list_queries import AuditListQuery
from ..domain.records import (
    AuditEntry,
    Dialogue,
    IdempotencyRecord,
    Key,
    Memory,
    Message,
    Order,
    Project,
    Scope,
    ScopeFilter,
    Summary,
    Tombstone,
)
from ..search.analysis import body_terms, memory_terms
from ..stores.paging import walk
from .exporter import Selection, iterate_whole, summaries_of
from .patience import Patience

if TYPE_CHECKING:
    from ..domain.list_queries import Page
    from ..stores import Backend, Transaction

PAGE = 500
BATCH_ROWS = 1000
BATCH_BYTES = 4 * 1024 * 1024
"""A transaction takes no more records and bytes of content than this."""

Record = Project | Key | AuditEntry | Dialogue | Tombstone | Message | Summary | Memory | IdempotencyRecord


class Entry(NamedTuple):
    """A record and where it is."""

    scope: Scope
    record: Record


def dump(backend: Backend) -> Iterator[Entry]:
    """Yield all that a store holds, while it is used; each dialogue is as it was at one moment.

    Dialogues come before tombstones, so that one that is deleted meanwhile is among one of them.
    """
    projects = backend.list_projects()
    for project in projects:
        yield Entry(Scope(project.name), project)
    for key in backend.list_keys():
        yield Entry(Scope(key.project), key)
    for project in projects:
        yield from _dump_project(backend, project.name)
    for entry in _audit(backend):
        yield Entry(Scope(entry.project or ""), entry)


def _dump_project(backend: Backend, name: str) -> Iterator[Entry]:
    scope_filter = ScopeFilter(name)
    for dialogue, scope in iterate_whole(backend, Selection(scope_filter)):
        yield Entry(scope, dialogue)
        yield from _rows(backend, scope, dialogue.id, dialogue.uid)
    for scope, tombstone in backend.iterate_tombstones(scope_filter):
        yield Entry(scope, tombstone)
        yield from _rows(backend, scope, tombstone.dialogue_id, tombstone.uid)
    for memory in backend.iterate_memories(scope_filter):
        yield Entry(Scope(name, memory.namespace), memory)
    for scope, answer in backend.iterate_answers(scope_filter):
        yield Entry(scope, answer)


def _rows(backend: Backend, scope: Scope, dialogue_id: str, uid: str) -> Iterator[Entry]:
    for message in backend.messages_since(scope, dialogue_id, uid, -1):
        yield Entry(scope, message)
    for summary in summaries_of(backend, scope, dialogue_id, uid):
        yield Entry(scope, summary)


def _audit(backend: Backend) -> Iterator[AuditEntry]:
    def read(last: AuditEntry | None) -> Page[AuditEntry]:
        after = None if last is None else (last.time, last.id)
        return backend.page_audit(AuditListQuery(None, PAGE, order=Order.ASC, after=after))

    return walk(read)


def load(
    backend: Backend, entries: Iterable[Entry], tick: Callable[[Entry], None], say: Callable[[str], None]
) -> None:
    """Store records in an empty store, several in a transaction; ``tick`` is told of each.

    Where the store is too slow, fewer are tried; ``say`` is told so. Raises ServiceUnavailable when that
    does not help.
    """

    def write(part: Sequence[Entry], again: bool) -> None:  # noqa: FBT001  # as in_parts calls it
        if not (again and _is_stored(backend, part[0])):
            backend.write(part[0].scope, partial(_insert, batch=part))

    patience = Patience(say)
    for batch in _batches(backend, entries):
        for part in patience.in_parts(batch, write):
            for entry in part:
                tick(entry)


def _batches(backend: Backend, entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    size = 0
    skipped = ""
    for entry in entries:
        record = entry.record
        if isinstance(record, Tombstone):
            if batch:
                yield batch
            batch, size = [], 0
            living = backend.get_dialogue(entry.scope, record.dialogue_id)
            # It was deleted during the backup, which has it as it was before.
            skipped = record.uid if living is not None and living.uid == record.uid else ""
        if skipped and getattr(record, "uid", None) == skipped:
            continue
        added = _size(record)
        if batch and (
            entry.scope != batch[0].scope or len(batch) == BATCH_ROWS or size + added > BATCH_BYTES
        ):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += added
    if batch:
        yield batch


def _size(record: Record) -> int:
    return sum(len(getattr(record, name, "")) for name in ("body", "value", "state", "recent", "metadata"))


def _is_stored(backend: Backend, entry: Entry) -> bool:
    """Whether an earlier try has stored a record, and so all that it was to store with it."""
    scope, record = entry
    if isinstance(record, AuditEntry):
        # The audit is restored in its order.
        newest = backend.page_audit(AuditListQuery(None, 1)).items
        return bool(newest) and (newest[0].time, newest[0].id) >= (record.time, record.id)
    if isinstance(record, Message):
        after = record.seq - 1
        first = next(backend.messages_since(scope, record.dialogue_id, record.uid, after), None)
        return first is not None and first.seq == record.seq
    return backend.write(scope, lambda tx: _find(tx, record) is not None)


def _find(tx: Transaction, record: Any) -> object | None:
    find: dict[type, Callable[[], object | None]] = {
        Project: lambda: tx.find_project(record.name),
        Key: lambda: tx.lock_key(record.id),
        Dialogue: lambda: tx.lock_dialogue(record.id) or tx.find_expired(record.id),
        Tombstone: lambda: tx.lock_tombstone(record.dialogue_id, record.uid),
        Summary: lambda: tx.find_summary(record.id),
        Memory: lambda: tx.lock_memory(record.id),
        IdempotencyRecord: lambda: tx.find_idempotency(record.request),
    }
    return find[type(record)]()


def _insert(tx: Transaction, batch: Sequence[Entry]) -> None:
    for kind, group in groupby((entry.record for entry in batch), type):
        if kind is Message:
            tx.insert_messages([_with_terms(record) for record in group])
            continue
        for record in group:
            _insert_one(tx, record)


def _insert_one(tx: Transaction, record: Any) -> None:
    insert: dict[type, Callable[[Any], object]] = {
        Project: tx.insert_project,
        Key: tx.insert_key,
        AuditEntry: tx.insert_audit,
        Dialogue: tx.insert_dialogue,
        Tombstone: tx.insert_tombstone,
        Summary: tx.insert_summary,
        Memory: lambda memory: tx.insert_memory(_with_memory_terms(memory)),
        IdempotencyRecord: tx.save_idempotency,
    }
    insert[type(record)](record)


def _with_terms(message: Any) -> Message:
    changed: Message = replace(message, terms=body_terms(message.body) or "")
    return changed


def _with_memory_terms(memory: Memory) -> Memory:
    terms = memory_terms(memory.label, memory.description, memory.tags, orjson.loads(memory.value))
    return replace(memory, terms=terms)
