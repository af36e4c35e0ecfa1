"""Mending what can be derived from a dialogue's messages: counters, embedded messages, the index.

What purged dialogues have left is removed. What cannot be derived, a message without content or under two
ids, is left for a person to see.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ..domain.records import Scope
from ..stores.contents import count_threads
from .messages import refill
from .verify import CHECKS_OF_ONE, Kind, Problem

if TYPE_CHECKING:
    from ..domain.records import Dialogue
    from ..stores import Backend, Transaction

DERIVED = frozenset({Kind.TOTAL, Kind.THREADS, Kind.NEWEST, Kind.RECENT})
"""What a dialogue says of its messages and threads."""


def repair(backend: Backend, problems: Iterable[Problem]) -> Iterator[str]:
    """Mend what ``verify`` found where it can be derived, and yield in words what was mended.

    The search index is made anew as a whole, for all projects, and so are vectors mended.
    """
    found = list(problems)
    damaged = [(one.project, one.namespace, one.dialogue_id) for one in found if one.kind in DERIVED]
    for project, namespace, dialogue_id in dict.fromkeys(damaged):
        text = _mend(backend, Scope(project, namespace), dialogue_id)
        if text is not None:
            where = f", namespace {namespace}" if namespace else ""
            yield f"project {project}{where}, dialogue {dialogue_id}: {text}"
    for project in dict.fromkeys(one.project for one in found if one.kind is Kind.ORPHANS):
        if removed := _sweep_again(backend, project):
            yield f"project {project}: {removed:,} rows removed that purged dialogues had left"
    if any(one.kind is Kind.INDEX for one in found):
        yield f"search index: {backend.reindex():,} entries written anew"
    if any(one.kind is Kind.VECTORS for one in found):
        yield f"vectors: {_mend_vectors(backend):,} without an item removed, items without them queued"


def _sweep_again(backend: Backend, project: str) -> int:
    """Remove what purged dialogues of a project have left; how many rows were removed.

    What awaits the sweep in any case, of this or another project, goes before and is not counted.
    """
    _sweep(backend)
    backend.sweep_again(project)
    return _sweep(backend)


def _sweep(backend: Backend) -> int:
    removed = 0
    while step := backend.sweep():
        removed += step
    return removed


def _mend_vectors(backend: Backend) -> int:
    """Remove vectors without an item, and queue items without vectors; how many were removed."""
    removed = 0
    while step := backend.drop_orphans():
        removed += step
    model = backend.queues_for()
    if model is not None:
        backend.begin_filling(model)
        while backend.fill_queue(model):
            continue
    return removed


def _mend(backend: Backend, scope: Scope, dialogue_id: str) -> str | None:
    """Derive a dialogue's counters and embedded messages anew; what that changed, in words.

    They are counted outside the transaction, which is harmless because every change of a
    dialogue, its messages or its threads moves its rev: if that moved, they are counted again.
    """
    for _ in range(CHECKS_OF_ONE):
        dialogue = backend.get_dialogue(scope, dialogue_id)
        if dialogue is None:
            return None
        total = sum(1 for _ in backend.messages_since(scope, dialogue_id, dialogue.uid, -1))
        threads = count_threads(backend, scope, dialogue_id)
        changes = backend.write(scope, partial(_save, read=dialogue, total=total, threads=threads))
        if changes is not None:
            return changes
    return None


def _save(tx: Transaction, *, read: Dialogue, total: int, threads: int) -> str | None:
    """Save the dialogue mended; what differs, in words, or None when it has changed since it was read."""
    locked = tx.lock_dialogue(read.id)
    if locked is None or (locked.uid, locked.rev) != (read.uid, read.rev):
        return None
    counted = replace(locked, total=total, thread_count=threads)
    mended = replace(refill(tx, counted), rev=locked.rev + 1)
    tx.save_dialogue(mended)
    return _difference(locked, mended)


def _difference(before: Dialogue, after: Dialogue) -> str:
    counters = (
        (Kind.TOTAL, before.total, after.total),
        (Kind.THREADS, before.thread_count, after.thread_count),
        (Kind.NEWEST, before.last_message_created, after.last_message_created),
    )
    texts = [f"{kind.value} {old} became {new}" for kind, old, new in counters if old != new]
    if (before.recent, before.recent_count) != (after.recent, after.recent_count):
        texts.append(f"{after.recent_count} {Kind.RECENT.value} written anew")
    return "; ".join(texts)
