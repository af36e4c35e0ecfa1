"""Reads outside transactions: always from the primary, only what a majority has on disk."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ...domain.records import DEFAULT_NAMESPACE, MessageListQuery, Page, Status
from .. import Counts, Generation
from . import lookups
from .documents import (
    DIALOGUE_FIELDS,
    DIALOGUE_ITEM_FIELDS,
    MEMORY_FIELDS,
    MEMORY_ITEM_FIELDS,
    MESSAGE_FIELDS,
    MESSAGE_ITEM_FIELDS,
    SUMMARY_FIELDS,
    dialogue_from,
    dialogue_item_from,
    key_of,
    memory_from,
    memory_item_from,
    message_from,
    message_item_from,
    summary_from,
)
from .lookups import in_dialogue, in_scope
from .paging import DIRECTION, Source, beyond, read_page, walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ...domain.list_items import DialogueItem, MemoryItem, MessageItem
    from ...domain.records import (
        Dialogue,
        DialogueListQuery,
        Memory,
        MemoryListQuery,
        Message,
        Scope,
        ScopeFilter,
        Summary,
        SummaryListQuery,
    )
    from .connection import Connection, Document

BATCH = 500
"""How many rows an iterator asks for at once."""


class MongoReads:
    """The reading half of ``app.stores.Store``, except search."""

    _db: Connection

    def get_dialogue(self, scope: Scope, dialogue_id: str) -> Dialogue | None:
        """One dialogue with its state and embedded messages: one find by primary key."""
        with self._db.bounded():
            key = {"_id": key_of(scope, dialogue_id)}
            document = self._db.dialogues.find_one(key, DIALOGUE_FIELDS)
        return None if document is None else dialogue_from(document)

    def get_dialogues(self, scope: Scope, dialogue_ids: Sequence[str]) -> list[Dialogue]:
        """Those of the given dialogues that exist, in any order."""
        return [dialogue_from(found) for found in self._among(scope, dialogue_ids, DIALOGUE_FIELDS)]

    def get_dialogue_items(self, scope: Scope, dialogue_ids: Sequence[str]) -> list[DialogueItem]:
        """The same as lists show them."""
        found = self._among(scope, dialogue_ids, DIALOGUE_ITEM_FIELDS)
        return [dialogue_item_from(document) for document in found]

    def _among(self, scope: Scope, dialogue_ids: Sequence[str], fields: Sequence[str]) -> list[Document]:
        keys = [key_of(scope, dialogue_id) for dialogue_id in dialogue_ids]
        with self._db.bounded():
            return list(self._db.dialogues.find({"_id": {"$in": keys}}, list(fields)))

    def list_dialogues(self, listing: DialogueListQuery) -> Page[DialogueItem]:
        """One page of dialogues; never fetches state or messages."""
        query, sort = listed(listing)
        if listing.statuses:
            query["status"] = {"$in": [status.value for status in listing.statuses]}
        if listing.thread_of is not None:
            query["namespace"] = listing.scope_filter.namespace or DEFAULT_NAMESPACE
            query["threadOf"] = listing.thread_of
        with self._db.bounded():
            return read_page(
                Source(self._db.dialogues, DIALOGUE_ITEM_FIELDS, dialogue_item_from),
                query,
                sort,
                listing.limit,
            )

    def find_generation(self, scope: Scope, dialogue_id: str) -> Generation | None:
        """Which uid the id stands for now; None if it never existed or was purged."""
        with self._db.bounded():
            living = self._db.dialogues.find_one({"_id": key_of(scope, dialogue_id)}, ["uid"])
            if living is not None:
                return Generation(living["uid"], alive=True)
            query = in_dialogue(scope, dialogue_id)
            fields = ["uid", "purged"]
            tombstone = self._db.tombstones.find_one(query, fields, sort=[("uid", -1)])
        if tombstone is None or tombstone["purged"]:
            return None
        return Generation(tombstone["uid"], alive=False)

    def list_messages(self, scope: Scope, dialogue_id: str, listing: MessageListQuery) -> Page[MessageItem]:
        """One page of the messages of one generation; none of a purged one."""
        query = in_dialogue(scope, dialogue_id, listing.uid)
        step = DIRECTION[listing.order]
        with self._db.bounded():
            if lookups.is_purged(self._db, None, scope, dialogue_id, listing.uid):
                return Page([], more=False)
            return read_page(
                Source(self._db.messages, MESSAGE_ITEM_FIELDS, message_item_from),
                query | beyond(("created", "seq"), listing.after, listing.order, listing.times),
                [("created", step), ("seq", step)],
                listing.limit,
            )

    def get_message(self, scope: Scope, dialogue_id: str, message_id: str) -> Message | None:
        """One message by id, of the newest generation that has it and is not purged."""
        with self._db.bounded():
            return lookups.find_message(self._db, None, scope, dialogue_id, message_id)

    def messages_since(self, scope: Scope, dialogue_id: str, uid: str, after_seq: int) -> Iterator[Message]:
        """The messages of a generation accepted after ``after_seq``, by seq, a batch at a time."""

        def read(last: Message | None) -> Page[Message]:
            beginning = after_seq if last is None else last.seq
            query = {**in_dialogue(scope, dialogue_id, uid), "seq": {"$gt": beginning}}
            with self._db.bounded():
                if lookups.is_purged(self._db, None, scope, dialogue_id, uid):
                    return Page([], more=False)
                return read_page(
                    Source(self._db.messages, MESSAGE_FIELDS, message_from),
                    query,
                    [("seq", 1)],
                    BATCH,
                )

        return walk(read)

    def get_memory(self, scope: Scope, memory_id: str) -> Memory | None:
        """One memory."""
        with self._db.bounded():
            key = {"_id": key_of(scope, memory_id)}
            document = self._db.memories.find_one(key, MEMORY_FIELDS)
        return None if document is None else memory_from(document)

    def list_memories(self, listing: MemoryListQuery) -> Page[MemoryItem]:
        """One page of memories."""
        query, sort = listed(listing)
        with self._db.bounded():
            return read_page(
                Source(self._db.memories, MEMORY_ITEM_FIELDS, memory_item_from),
                query,
                sort,
                listing.limit,
            )

    def get_summary(self, scope: Scope, summary_id: str) -> Summary | None:
        """One summary that is not purged."""
        with self._db.bounded():
            return lookups.find_summary(self._db, None, scope, summary_id)

    def list_summaries(self, scope: Scope, dialogue_id: str, listing: SummaryListQuery) -> Page[Summary]:
        """One page of the summaries of one generation; none of a purged one."""
        query = in_dialogue(scope, dialogue_id, listing.uid)
        step = DIRECTION[listing.order]
        with self._db.bounded():
            if lookups.is_purged(self._db, None, scope, dialogue_id, listing.uid):
                return Page([], more=False)
            return read_page(
                Source(self._db.summaries, SUMMARY_FIELDS, summary_from),
                query | beyond(("created", "id"), listing.after, listing.order),
                [("created", step), ("id", step)],
                listing.limit,
            )

    def latest_summary(self, scope: Scope, dialogue_id: str, uid: str) -> Summary | None:
        """The newest completed, unranged summary (stale or not) to build on."""
        query = {**in_dialogue(scope, dialogue_id, uid), "completed": True, "ranged": False}
        newest_first = [("created", -1), ("id", -1)]
        with self._db.bounded():
            found = self._db.summaries.find_one(query, SUMMARY_FIELDS, sort=newest_first)
            if found is None or lookups.is_purged(self._db, None, scope, dialogue_id, uid):
                return None
        return summary_from(found)

    def stats(self, scope_filter: ScopeFilter) -> Counts:
        """Counts by kind and status."""
        here = in_scope(scope_filter)
        with self._db.bounded():
            visible = here | lookups.hidden_uids(self._db, None, scope_filter)
            count = partial(self._db.dialogues.count_documents)
            active, ended, archived = (count({**here, "status": status.value}) for status in Status)
            return Counts(
                active=active,
                ended=ended,
                archived=archived,
                messages=self._db.messages.count_documents(visible),
                memories=self._db.memories.count_documents(here),
                summaries=self._db.summaries.count_documents(visible),
            )


def listed(listing: DialogueListQuery | MemoryListQuery) -> tuple[Document, list[tuple[str, int]]]:
    """Return filter and order of a list by (created, namespace, id).

    Within one namespace the order is that by (created, id), which its own index has.
    """
    names: tuple[str, ...] = ("created", "namespace", "id")
    position: tuple[str, ...] | None = listing.after
    if listing.scope_filter.namespace is not None or getattr(listing, "thread_of", None) is not None:
        names = ("created", "id")
        position = position and (position[0], position[2])
    query = in_scope(listing.scope_filter) | beyond(names, position, listing.order, listing.times)
    if listing.tags:
        query["tags"] = {"$all": list(listing.tags)}
    step = DIRECTION[listing.order]
    return query, [(name, step) for name in names]
