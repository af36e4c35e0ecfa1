"""Reads of one resource, of one page of a list, of what a search finds; and writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from pymongo.client_session import ClientSession

from ...domain.list_items import DialogueItem, MemoryItem, MessageItem, NamespaceItem
from ...domain.list_queries import (
    DialogueListQuery,
    MemoryListQuery,
    MessageListQuery,
    NamespaceListQuery,
    Page,
    SummaryListQuery,
)
from ...domain.records import (
    Dialogue,
    IdempotencyRecord,
    Memory,
    Message,
    Scope,
    ScopeFilter,
    Status,
    Summary,
    TimeRange,
)
from ...search.nearest import mean_vector, of_dialogue
from ...search.query import DialogueRef, Found, SearchQuery
from ..namespaces import merge_tallies
from ..paging import walk
from ..policies import KEEPS_ALL, Policies
from ..store import Counts, Generation, Store
from ..transaction import Transaction
from . import counts, dialogue_lists, queries
from .administration import Surroundings
from .commit import transact
from .database import Document, MongoDatabase, Projection
from .mapping import (
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
from .paging import Source, read_page
from .queries import (
    DIRECTION,
    LIFETIME_FIELDS,
    Reader,
    beyond,
    in_dialogue,
    in_scope,
    lifetime_from,
    memory_list,
    within,
)
from .search import SearchIndexes, find_hits
from .statements import get_document
from .striped_locks import LockHolder, StripedLocks
from .transaction import MongoTransaction
from .vectors import KINDS

if TYPE_CHECKING:
    from ...meaning.matrices import Matrices

T = TypeVar("T")

BATCH = 500
"""How many rows an iterator asks for at once."""


class MongoStore(Store):
    """Everything that services need. Reads are from the primary, and see only what a majority has on disk."""

    _db: MongoDatabase
    _locks: StripedLocks
    _policies: Policies
    _model: str | None
    _matrices: Matrices | None

    def write(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        surroundings = Surroundings(self._policies.of(scope.project), set(), self._model)

        def attempt(session: ClientSession | None, locks: LockHolder | None) -> T:
            tx = MongoTransaction(self._db, scope, session, locks, surroundings)
            result = work(tx)
            tx.finish()
            return result

        result = transact(self._db, self._locks, attempt)
        for project in surroundings.saved:
            self._policies.forget(project)
        return result

    def get_dialogue(self, scope: Scope, dialogue_id: str) -> Dialogue | None:
        with self._db.bounded():
            key = {"_id": key_of(scope, dialogue_id)}
            document = get_document(self._db, self._db.dialogues, key, DIALOGUE_FIELDS)
        if document is None:
            return None
        dialogue = dialogue_from(document)
        return None if self._policies.of(scope.project).hides_dialogue(dialogue) else dialogue

    def get_dialogues(self, scope: Scope, dialogue_ids: Sequence[str]) -> list[Dialogue]:
        expiry = self._policies.of(scope.project)
        dialogues = map(dialogue_from, self._among(scope, dialogue_ids, DIALOGUE_FIELDS))
        return [dialogue for dialogue in dialogues if not expiry.hides_dialogue(dialogue)]

    def get_dialogue_items(self, scope: Scope, dialogue_ids: Sequence[str]) -> list[DialogueItem]:
        expiry = self._policies.of(scope.project)
        items = map(dialogue_item_from, self._among(scope, dialogue_ids, DIALOGUE_ITEM_FIELDS))
        return [item for item in items if not expiry.hides_dialogue(item)]

    def _among(self, scope: Scope, dialogue_ids: Sequence[str], fields: Projection) -> list[Document]:
        keys = [key_of(scope, dialogue_id) for dialogue_id in dialogue_ids]
        with self._db.bounded():
            return list(self._db.dialogues.find({"_id": {"$in": keys}}, fields))

    def list_dialogues(self, query: DialogueListQuery) -> Page[DialogueItem]:
        expiry = KEEPS_ALL if query.with_expired else self._policies.of(query.scope_filter.project)
        return dialogue_lists.list_dialogues(self._db, query, expiry.dialogues())

    def find_generation(self, scope: Scope, dialogue_id: str) -> Generation | None:
        with self._db.bounded():
            key = {"_id": key_of(scope, dialogue_id)}
            living = get_document(self._db, self._db.dialogues, key, LIFETIME_FIELDS)
            if living is not None:
                if self._policies.of(scope.project).hides_dialogue(lifetime_from(living)):
                    return None
                return Generation(living["uid"], alive=True)
            criteria = in_dialogue(scope, dialogue_id)
            tombstone = self._db.tombstones.find_one(criteria, ["uid", "purged"], sort=[("uid", -1)])
        if tombstone is None or tombstone["purged"]:
            return None
        return Generation(tombstone["uid"], alive=False)

    def list_messages(self, scope: Scope, dialogue_id: str, query: MessageListQuery) -> Page[MessageItem]:
        criteria = in_dialogue(scope, dialogue_id, query.uid)
        step = DIRECTION[query.order]
        with self._db.bounded():
            return read_page(
                self._db,
                Source(self._db.messages, MESSAGE_ITEM_FIELDS, message_item_from, ("body",)),
                criteria | beyond(("created", "seq"), query.after, query.order, query.times),
                [("created", step), ("seq", step)],
                query.limit,
            )

    def get_message(self, scope: Scope, dialogue_id: str, message_id: str) -> Message | None:
        with self._db.bounded():
            return queries.find_message(self._reader(scope), dialogue_id, message_id)

    def _reader(self, scope: Scope) -> Reader:
        return Reader(self._db, None, scope, self._policies.of(scope.project))

    def messages_through(
        self, scope: Scope, dialogue: Dialogue, message: Message, limit: int, most_bytes: int
    ) -> list[Message]:
        with self._db.bounded():
            return queries.read_messages_through(self._reader(scope), dialogue, message, limit, most_bytes)

    def messages_since(self, scope: Scope, dialogue_id: str, uid: str, after_seq: int) -> Iterator[Message]:

        def read(last: Message | None) -> Page[Message]:
            beginning = after_seq if last is None else last.seq
            query = {**in_dialogue(scope, dialogue_id, uid), "seq": {"$gt": beginning}}
            with self._db.bounded():
                if queries.is_purged(self._db, None, scope, dialogue_id, uid):
                    return Page([], more=False)
                return read_page(
                    self._db,
                    Source(self._db.messages, MESSAGE_FIELDS, message_from, ("body",)),
                    query,
                    [("seq", 1)],
                    BATCH,
                )

        return walk(read)

    def get_memory(self, scope: Scope, memory_id: str) -> Memory | None:
        with self._db.bounded():
            key = {"_id": key_of(scope, memory_id)}
            document = get_document(self._db, self._db.memories, key, MEMORY_FIELDS)
        if document is None:
            return None
        memory = memory_from(document)
        return None if self._policies.of(scope.project).hides_memory(memory) else memory

    def list_memories(self, query: MemoryListQuery) -> Page[MemoryItem]:
        criteria, sort = memory_list(query)
        horizon = self._policies.of(query.scope_filter.project).memories()
        criteria["$nor"] = queries.expired_memories(horizon)
        with self._db.bounded():
            return read_page(
                self._db,
                Source(self._db.memories, MEMORY_ITEM_FIELDS, memory_item_from, ("value", "metadata")),
                criteria,
                sort,
                query.limit,
            )

    def get_summary(self, scope: Scope, summary_id: str) -> Summary | None:
        with self._db.bounded():
            return queries.find_summary(self._reader(scope), summary_id)

    def list_summaries(self, scope: Scope, dialogue_id: str, query: SummaryListQuery) -> Page[Summary]:
        criteria = in_dialogue(scope, dialogue_id, query.uid)
        step = DIRECTION[query.order]
        with self._db.bounded():
            if queries.is_purged(self._db, None, scope, dialogue_id, query.uid):
                return Page([], more=False)
            return read_page(
                self._db,
                Source(self._db.summaries, SUMMARY_FIELDS, summary_from, ("body",)),
                criteria | beyond(("created", "id"), query.after, query.order),
                [("created", step), ("id", step)],
                query.limit,
            )

    def latest_summary(self, scope: Scope, dialogue_id: str, uid: str) -> Summary | None:
        query = {**in_dialogue(scope, dialogue_id, uid), "completed": True, "ranged": False}
        newest_first = [("created", -1), ("id", -1)]
        with self._db.bounded():
            found = self._db.summaries.find_one(query, SUMMARY_FIELDS, sort=newest_first)
            if found is None or queries.is_purged(self._db, None, scope, dialogue_id, uid):
                return None
        return summary_from(found)

    def find_idempotency(self, scope: Scope, request: str) -> IdempotencyRecord | None:
        with self._db.bounded():
            return queries.find_idempotency(self._db, None, scope, request)

    def search(self, query: SearchQuery) -> Found:
        return find_hits(self._db, query, self._policies.of(query.scope_filter.project), self._matrices)

    def mean_vector(self, scope: Scope, dialogue: DialogueRef, model: str, dimensions: int) -> bytes | None:
        expiry = self._policies.of(scope.project)
        if self._matrices is None:
            return None
        with self._db.bounded():
            indexes = SearchIndexes(self._db, of_dialogue(scope, dialogue, model), expiry)
            return mean_vector(self._matrices, indexes, dimensions)

    def count_vectors(self, scope_filter: ScopeFilter, model: str) -> int:
        query = {**in_scope(scope_filter), "kind": {"$in": [*KINDS]}, "model": model, "seq": {"$gt": 0}}
        with self._db.bounded():
            return self._db.vectors.count_documents(query)

    def list_namespaces(self, query: NamespaceListQuery) -> Page[NamespaceItem]:
        covered = query.scope_filter
        expiry = self._policies.of(covered.project)
        with self._db.bounded():
            visible = counts.hidden_dialogues(self._db, covered, expiry.dialogues())
            dialogues = counts.tally_namespaces(self._db.dialogues, query, visible)
            visible = counts.hidden_memories(self._db, covered, expiry.memories())
            memories = counts.tally_namespaces(self._db.memories, query, visible)
        return merge_tallies(dialogues, memories, query.limit)

    def count_begun(
        self, scope_filter: ScopeFilter, times: TimeRange
    ) -> tuple[dict[str, int], dict[str, int]]:
        criteria = {**in_scope(scope_filter), "created": within(times)}
        any_branch = {**criteria, "isThread": {"$in": [None, True]}}
        with self._db.bounded():
            dialogues = counts.count_begun(self._db.dialogues, any_branch)
            return dialogues, counts.count_begun(self._db.messages, criteria)

    def stats(self, scope_filter: ScopeFilter) -> Counts:
        here = in_scope(scope_filter)
        count = self._db.dialogues.count_documents
        expiry = self._policies.of(scope_filter.project)
        horizon = expiry.dialogues()
        with self._db.bounded():
            visible = here | counts.hidden_rows(self._db, None, scope_filter, horizon)
            living = here | counts.hidden_dialogues(self._db, scope_filter, horizon)
            kept = here | counts.hidden_memories(self._db, scope_filter, expiry.memories())
            active, ended, archived = (count({**living, "status": status.value}) for status in Status)
            return Counts(
                active=active,
                ended=ended,
                archived=archived,
                messages=self._db.messages.count_documents(visible),
                memories=self._db.memories.count_documents(kept),
                summaries=self._db.summaries.count_documents(visible),
            )
