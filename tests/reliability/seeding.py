"""Filling a store with many records at once, without what the API would check and answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any, TypeVar

from app.domain.records import Dialogue, Memory, Message, Scope
from app.stores import Backend, Transaction
from app.stores.mongo import MongoBackend
from app.stores.mongo.indexing import numbered
from app.stores.mongo.mapping import dialogue_document, memory_document, message_document

T = TypeVar("T")

BATCH = 2_000


def seed(
    backend: Backend,
    dialogues: Sequence[Dialogue] = (),
    memories: Sequence[tuple[Scope, Memory]] = (),
    messages: Sequence[Message] = (),
) -> None:
    """Store records as they are; messages belong to the default namespace of their dialogue's project."""
    if isinstance(backend, MongoBackend):
        _seed_mongo(backend, dialogues, memories, messages)
        return
    for scope, group in _by_scope([(Scope(one.project, one.namespace), one) for one in dialogues]):
        _insert(backend, scope, group, lambda tx, one: tx.insert_dialogue(one))
    for scope, remembered in _by_scope(memories):
        _insert(backend, scope, remembered, lambda tx, one: tx.insert_memory(one))
    for batch in _batches(messages):
        backend.write(Scope(dialogues[0].project), partial(_insert_messages, messages=batch))


def _insert_messages(tx: Transaction, messages: Sequence[Message]) -> None:
    tx.insert_messages(messages)


def _insert(backend: Backend, scope: Scope, records: Sequence[Any], insert: Any) -> None:
    for batch in _batches(records):

        def work(tx: Transaction, batch: Sequence[Any] = batch) -> None:
            for record in batch:
                insert(tx, record)

        backend.write(scope, work)


def _seed_mongo(
    backend: MongoBackend,
    dialogues: Sequence[Dialogue],
    memories: Sequence[tuple[Scope, Memory]],
    messages: Sequence[Message],
) -> None:
    for batch in _batches(dialogues):
        backend._db.dialogues.insert_many([numbered(dialogue_document(one)) for one in batch], ordered=False)
    for remembered in _batches(memories):
        documents = [numbered(memory_document(scope, memory)) for scope, memory in remembered]
        backend._db.memories.insert_many(documents, ordered=False)
    for said in _batches(messages):
        scope = Scope(dialogues[0].project)
        documents = [numbered(message_document(scope, one)) for one in said]
        backend._db.messages.insert_many(documents, ordered=False)


def _by_scope(pairs: Sequence[tuple[Scope, T]]) -> Iterator[tuple[Scope, list[T]]]:
    ordered = sorted(pairs, key=lambda pair: pair[0].namespace)
    for scope, group in groupby(ordered, key=lambda pair: pair[0]):
        yield scope, [record for _, record in group]


def _batches(records: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(records), BATCH):
        yield records[start : start + BATCH]
