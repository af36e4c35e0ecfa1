"""Reads of one resource, of one page of a list, of what a search finds; and writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

import orjson

from ...domain.expiry import DialogueHorizon
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
    Summary,
    TimeRange,
)
from ...search.nearest import mean_vector, of_dialogue
from ...search.query import DialogueRef, Found, SearchQuery
from ..bounds import take_bytes
from ..namespaces import merge_tallies
from ..paging import walk
from ..policies import KEEPS_ALL, Policies
from ..store import Counts, Generation, Store
from ..transaction import Transaction
from . import counts, dialogue_lists, mapping, queries, statements
from .database import SqliteDatabase
from .search import SearchIndexes, find_hits
from .transaction import SqliteTransaction

if TYPE_CHECKING:
    from ...meaning.matrices import Matrices

T = TypeVar("T")

BATCH_ROWS: Final = 200
"""How many rows an iteration reads at a time."""


class SqliteStore(Store):
    """Everything that services need."""

    _db: SqliteDatabase
    _policies: Policies
    _model: str | None
    _matrices: Matrices | None

    def write(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        # The work runs once; writers of this process share commits.
        saved: set[str] = set()
        result = self._db.commits.run(
            lambda connection: work(SqliteTransaction(connection, scope, saved, self._model))
        )
        for project in saved:
            self._policies.forget(project)
        return result

    def get_dialogue(self, scope: Scope, dialogue_id: str) -> Dialogue | None:
        row = self._db.one(statements.GET_DIALOGUE, (scope.project, scope.namespace, dialogue_id))
        if row is None:
            return None
        dialogue = mapping.DIALOGUE.read(row)
        return None if self._policies.of(scope.project).hides_dialogue(dialogue) else dialogue

    def get_dialogues(self, scope: Scope, dialogue_ids: Sequence[str]) -> list[Dialogue]:
        ids = orjson.dumps(dialogue_ids).decode()
        found = self._db.all(statements.GET_DIALOGUES, (scope.project, scope.namespace, ids))
        expiry = self._policies.of(scope.project)
        dialogues = map(mapping.DIALOGUE.read, found)
        return [dialogue for dialogue in dialogues if not expiry.hides_dialogue(dialogue)]

    def get_dialogue_items(self, scope: Scope, dialogue_ids: Sequence[str]) -> list[DialogueItem]:
        ids = orjson.dumps(dialogue_ids).decode()
        found = self._db.all(statements.GET_DIALOGUE_ITEMS, (scope.project, scope.namespace, ids))
        expiry = self._policies.of(scope.project)
        items = map(mapping.DIALOGUE_ITEM.read, found)
        return [item for item in items if not expiry.hides_dialogue(item)]

    def list_dialogues(self, query: DialogueListQuery) -> Page[DialogueItem]:
        expiry = KEEPS_ALL if query.with_expired else self._policies.of(query.scope_filter.project)
        columns = mapping.DIALOGUE_LISTED
        return dialogue_lists.list_dialogues(self._db, query, columns, expiry.dialogues())

    def find_generation(self, scope: Scope, dialogue_id: str) -> Generation | None:
        key = (scope.project, scope.namespace, dialogue_id, *self._horizon(scope))
        row = self._db.one(statements.FIND_GENERATION, key)
        if row is None:
            return None
        uid, alive, is_hidden = row
        return None if is_hidden else Generation(uid, alive=bool(alive))

    def list_messages(self, scope: Scope, dialogue_id: str, query: MessageListQuery) -> Page[MessageItem]:
        sql, values = queries.list_messages(scope, dialogue_id, query)
        return self._db.page(sql, values, query.limit, mapping.MESSAGE_ITEM)

    def get_message(self, scope: Scope, dialogue_id: str, message_id: str) -> Message | None:
        key = (scope.project, scope.namespace, dialogue_id, message_id, *self._horizon(scope))
        row = self._db.one(statements.GET_MESSAGE, key)
        return None if row is None else mapping.MESSAGE.read(row)

    def messages_since(self, scope: Scope, dialogue_id: str, uid: str, after_seq: int) -> Iterator[Message]:
        def read(last: Message | None) -> Page[Message]:
            seq = after_seq if last is None else last.seq
            values = (scope.project, scope.namespace, dialogue_id, uid, seq)
            return self._db.page(statements.MESSAGES_SINCE, values, BATCH_ROWS, mapping.MESSAGE)

        return walk(read)

    def messages_through(
        self, scope: Scope, dialogue: Dialogue, message: Message, limit: int, most_bytes: int
    ) -> list[Message]:
        key = (scope.project, scope.namespace, dialogue.id, dialogue.uid, message.created, message.seq, limit)
        return self._db.read(
            statements.MESSAGES_THROUGH,
            key,
            lambda rows: take_bytes(map(mapping.MESSAGE.read, rows), most_bytes),
        )

    def get_memory(self, scope: Scope, memory_id: str) -> Memory | None:
        row = self._db.one(statements.GET_MEMORY, (scope.project, scope.namespace, memory_id))
        if row is None:
            return None
        memory = mapping.MEMORY.read(row)
        return None if self._policies.of(scope.project).hides_memory(memory) else memory

    def list_memories(self, query: MemoryListQuery) -> Page[MemoryItem]:
        horizon = self._policies.of(query.scope_filter.project).memories()
        sql, values = queries.list_memories(query, mapping.MEMORY_ITEM, horizon)
        return self._db.page(sql, values, query.limit, mapping.MEMORY_ITEM)

    def get_summary(self, scope: Scope, summary_id: str) -> Summary | None:
        key = (scope.project, scope.namespace, summary_id, *self._horizon(scope))
        row = self._db.one(statements.GET_SUMMARY, key)
        return None if row is None else mapping.SUMMARY.read(row)

    def list_summaries(self, scope: Scope, dialogue_id: str, query: SummaryListQuery) -> Page[Summary]:
        sql, values = queries.list_summaries(scope, dialogue_id, query)
        return self._db.page(sql, values, query.limit, mapping.SUMMARY)

    def latest_summary(self, scope: Scope, dialogue_id: str, uid: str) -> Summary | None:
        row = self._db.one(statements.LATEST_SUMMARY, (scope.project, scope.namespace, dialogue_id, uid))
        return None if row is None else mapping.SUMMARY.read(row)

    def find_idempotency(self, scope: Scope, request: str) -> IdempotencyRecord | None:
        row = self._db.one(statements.FIND_IDEMPOTENCY, (request, scope.project))
        return None if row is None else mapping.IDEMPOTENCY.read(row)

    def search(self, query: SearchQuery) -> Found:
        return find_hits(self._db, query, self._policies.of(query.scope_filter.project), self._matrices)

    def mean_vector(self, scope: Scope, dialogue: DialogueRef, model: str, dimensions: int) -> bytes | None:
        expiry = self._policies.of(scope.project)
        if self._matrices is None:
            return None
        indexes = SearchIndexes(self._db, of_dialogue(scope, dialogue, model), expiry)
        return mean_vector(self._matrices, indexes, dimensions)

    def count_vectors(self, scope_filter: ScopeFilter, model: str) -> int:
        count: int = self._db.all(*queries.count_vectors(scope_filter, model))[0][0]
        return count

    def list_namespaces(self, query: NamespaceListQuery) -> Page[NamespaceItem]:
        expiry = self._policies.of(query.scope_filter.project)
        with self._db.snapshot():
            dialogues = self._db.all(*counts.tally_dialogues(query, expiry.dialogues()))
            memories = self._db.all(*counts.tally_memories(query, expiry.memories()))
        return merge_tallies(dialogues, memories, query.limit)

    def count_begun(
        self, scope_filter: ScopeFilter, times: TimeRange
    ) -> tuple[dict[str, int], dict[str, int]]:
        dialogues = self._db.all(*counts.count_begun("dialogue", scope_filter, times))
        messages = self._db.all(*counts.count_begun("message", scope_filter, times))
        return dict(dialogues), dict(messages)

    def stats(self, scope_filter: ScopeFilter) -> Counts:
        expiry = self._policies.of(scope_filter.project)
        horizon = expiry.dialogues()
        by_status: dict[str, int] = dict(self._db.all(*counts.count_statuses(scope_filter, horizon)))
        return Counts(
            active=by_status.get("active", 0),
            ended=by_status.get("ended", 0),
            archived=by_status.get("archived", 0),
            messages=self._count_visible("message", scope_filter, horizon),
            memories=self._db.all(*counts.count_memories(scope_filter, expiry.memories()))[0][0],
            summaries=self._count_visible("summary", scope_filter, horizon),
        )

    def _count_visible(self, table: str, scope_filter: ScopeFilter, horizon: DialogueHorizon) -> int:
        count: int = self._db.all(*counts.count_visible(table, scope_filter))[0][0]
        return count - int(self._db.all(*counts.count_expired(table, scope_filter, horizon))[0][0])

    def _horizon(self, scope: Scope) -> DialogueHorizon:
        return self._policies.of(scope.project).dialogues()
