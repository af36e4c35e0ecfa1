"""Reading: one resource by its key, one page of a list, one batch of an iteration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import orjson

from ...domain.list_items import DialogueItem, MemoryItem, MessageItem
from ...domain.records import (
    DEFAULT_NAMESPACE,
    Dialogue,
    DialogueListQuery,
    Memory,
    MemoryListQuery,
    Message,
    MessageListQuery,
    Order,
    Page,
    Scope,
    ScopeFilter,
    Summary,
    SummaryListQuery,
    TimeRange,
)
from .. import Counts, Generation
from . import rows
from .database import Clauses, Database, sort

BATCH_ROWS: Final = 200
"""How many rows an iteration reads at a time."""

NOT_PURGED: Final = (
    "NOT EXISTS (SELECT 1 FROM grave WHERE grave.project = {0}.project AND grave.namespace = "
    "{0}.namespace AND grave.dialogue_id = {0}.dialogue_id AND grave.uid = {0}.uid AND grave.fate > 0)"
)
"""A tombstone's fate: 0 keeps its rows; 1 and 2 hide them and await the sweep; 3 is swept."""

GET_DIALOGUE: Final = f"SELECT {rows.DIALOGUE} FROM dialogue WHERE project = ? AND namespace = ? AND id = ?"
_AMONG: Final = "project = ? AND namespace = ? AND id IN (SELECT value FROM json_each(?))"
GET_DIALOGUES: Final = f"SELECT {rows.DIALOGUE} FROM dialogue WHERE {_AMONG}"
GET_DIALOGUE_ITEMS: Final = f"SELECT {rows.DIALOGUE_ITEM} FROM dialogue WHERE {_AMONG}"
GET_MESSAGE: Final = (
    f"SELECT {rows.MESSAGE} FROM message WHERE project = ? AND namespace = ? AND dialogue_id = ? "
    f"AND id = ? AND {NOT_PURGED.format('message')} ORDER BY uid DESC LIMIT 1"
)
GET_MEMORY: Final = f"SELECT {rows.MEMORY} FROM memory WHERE project = ? AND namespace = ? AND id = ?"
GET_SUMMARY: Final = (
    f"SELECT {rows.SUMMARY} FROM summary WHERE project = ? AND namespace = ? AND id = ? "
    f"AND {NOT_PURGED.format('summary')}"
)
LATEST_SUMMARY: Final = (
    f"SELECT {rows.SUMMARY} FROM summary WHERE project = ? AND namespace = ? AND dialogue_id = ? "
    f"AND uid = ? AND completed = 1 AND ranged = 0 AND {NOT_PURGED.format('summary')} "
    "ORDER BY created DESC, id DESC LIMIT 1"
)
FIND_GENERATION: Final = """
    SELECT uid, 1, 0 FROM dialogue WHERE project = ?1 AND namespace = ?2 AND id = ?3
    UNION ALL SELECT * FROM (
        SELECT uid, 0, fate FROM grave WHERE project = ?1 AND namespace = ?2 AND dialogue_id = ?3
        ORDER BY uid DESC LIMIT 1)
    LIMIT 1"""
MESSAGES_SINCE: Final = (
    f"SELECT {rows.MESSAGE} FROM message WHERE project = ? AND namespace = ? AND dialogue_id = ? "
    f"AND uid = ? AND seq > ? AND {NOT_PURGED.format('message')} ORDER BY seq"
)


class Reads(Database):
    """The reading half of ``Store``, but for searches."""

    def get_dialogue(self, scope: Scope, dialogue_id: str) -> Dialogue | None:
        """See ``Store``: exactly one SELECT."""
        row = self.one(GET_DIALOGUE, (scope.project, scope.namespace, dialogue_id))
        return None if row is None else rows.read_dialogue(row)

    def get_dialogues(self, scope: Scope, dialogue_ids: Sequence[str]) -> list[Dialogue]:
        """See ``Store``."""
        wanted = orjson.dumps(dialogue_ids).decode()
        found = self.all(GET_DIALOGUES, (scope.project, scope.namespace, wanted))
        return [rows.read_dialogue(row) for row in found]

    def get_dialogue_items(self, scope: Scope, dialogue_ids: Sequence[str]) -> list[DialogueItem]:
        """See ``Store``."""
        wanted = orjson.dumps(dialogue_ids).decode()
        found = self.all(GET_DIALOGUE_ITEMS, (scope.project, scope.namespace, wanted))
        return [DialogueItem._make(row) for row in found]

    def list_dialogues(self, listing: DialogueListQuery) -> Page[DialogueItem]:
        """See ``Store``."""
        sql, values = list_dialogues_query(listing, rows.DIALOGUE_ITEM)
        return self.page(sql, values, listing.limit, DialogueItem._make, large=(6, 7))

    def find_generation(self, scope: Scope, dialogue_id: str) -> Generation | None:
        """See ``Store``."""
        row = self.one(FIND_GENERATION, (scope.project, scope.namespace, dialogue_id))
        return None if row is None or row[2] else Generation(row[0], alive=bool(row[1]))

    def list_messages(self, scope: Scope, dialogue_id: str, listing: MessageListQuery) -> Page[MessageItem]:
        """See ``Store``."""
        sql, values = list_messages_query(scope, dialogue_id, listing)
        return self.page(sql, values, listing.limit, MessageItem._make, large=(3,))

    def get_message(self, scope: Scope, dialogue_id: str, message_id: str) -> Message | None:
        """See ``Store``."""
        row = self.one(GET_MESSAGE, (scope.project, scope.namespace, dialogue_id, message_id))
        return None if row is None else rows.read_message(row)

    def messages_since(self, scope: Scope, dialogue_id: str, uid: str, after_seq: int) -> Iterator[Message]:
        """See ``Store``."""
        key = (scope.project, scope.namespace, dialogue_id, uid)
        while True:
            sql = MESSAGES_SINCE + " LIMIT ?"
            page = self.page(sql, (*key, after_seq), BATCH_ROWS, rows.read_message, large=(9,))
            yield from page.items
            if not page.more:
                return
            after_seq = page.items[-1].seq

    def get_memory(self, scope: Scope, memory_id: str) -> Memory | None:
        """See ``Store``."""
        row = self.one(GET_MEMORY, (scope.project, scope.namespace, memory_id))
        return None if row is None else rows.read_memory(row)

    def list_memories(self, listing: MemoryListQuery) -> Page[MemoryItem]:
        """See ``Store``."""
        sql, values = list_memories_query(listing, rows.MEMORY_ITEM)
        return self.page(sql, values, listing.limit, MemoryItem._make, large=(2, 4))

    def get_summary(self, scope: Scope, summary_id: str) -> Summary | None:
        """See ``Store``."""
        row = self.one(GET_SUMMARY, (scope.project, scope.namespace, summary_id))
        return None if row is None else rows.read_summary(row)

    def list_summaries(self, scope: Scope, dialogue_id: str, listing: SummaryListQuery) -> Page[Summary]:
        """See ``Store``."""
        sql, values = list_summaries_query(scope, dialogue_id, listing)
        return self.page(sql, values, listing.limit, rows.read_summary, large=(9,))

    def latest_summary(self, scope: Scope, dialogue_id: str, uid: str) -> Summary | None:
        """See ``Store``."""
        row = self.one(LATEST_SUMMARY, (scope.project, scope.namespace, dialogue_id, uid))
        return None if row is None else rows.read_summary(row)

    def stats(self, scope_filter: ScopeFilter) -> Counts:
        """See ``Store``."""
        clauses = scope_clauses(scope_filter)
        sql = f"SELECT status, count(*) FROM dialogue WHERE {clauses} GROUP BY status"
        by_status: dict[str, int] = dict(self.all(sql, clauses.values))
        memories = f"SELECT count(*) FROM memory WHERE {clauses}"
        return Counts(
            active=by_status.get("active", 0),
            ended=by_status.get("ended", 0),
            archived=by_status.get("archived", 0),
            messages=self.all(*count_query("message", scope_filter))[0][0],
            memories=self.all(memories, clauses.values)[0][0],
            summaries=self.all(*count_query("summary", scope_filter))[0][0],
        )


Query = tuple[str, list[object]]


def scope_clauses(scope_filter: ScopeFilter, prefix: str = "") -> Clauses:
    """Return the conditions that keep a query to a scope filter."""
    clauses = Clauses()
    clauses.add(f"{prefix}project = ?", scope_filter.project)
    if scope_filter.namespace is not None:
        clauses.add(f"{prefix}namespace = ?", scope_filter.namespace)
    return clauses


def _seek_in_scope(
    clauses: Clauses,
    scope_filter: ScopeFilter,
    order: Order,
    after: tuple[str, str, str] | None,
    times: TimeRange,
) -> str:
    """Position a query on (created, namespace, id) and return its order."""
    if scope_filter.namespace is None:
        columns: tuple[str, ...] = ("created", "namespace", "id")
        clauses.seek(columns, order, after, times)
    else:
        columns = ("created", "id")
        clauses.seek(columns, order, None if after is None else (after[0], after[2]), times)
    return sort(columns, order)


def list_dialogues_query(listing: DialogueListQuery, columns: str) -> Query:
    """Return the query of one page; its last value, the limit, is left to the caller."""
    scope_filter = listing.scope_filter
    if listing.thread_of is not None and scope_filter.namespace is None:
        scope_filter = ScopeFilter(scope_filter.project, DEFAULT_NAMESPACE)
    clauses = scope_clauses(scope_filter)
    if listing.thread_of is not None:
        clauses.add("thread_of = ?", listing.thread_of)
    order = _seek_in_scope(clauses, scope_filter, listing.order, listing.after, listing.times)
    if listing.statuses:
        marks = ", ".join("?" * len(listing.statuses))
        # The plus keeps SQLite from choosing an index by status, which would have to sort.
        clauses.add(f"+status IN ({marks})", *(status.value for status in listing.statuses))
    clauses.tags("tags", listing.tags)
    return f"SELECT {columns} FROM dialogue WHERE {clauses} ORDER BY {order} LIMIT ?", clauses.values


def list_memories_query(listing: MemoryListQuery, columns: str) -> Query:
    """Return the query of one page; its last value, the limit, is left to the caller."""
    clauses = scope_clauses(listing.scope_filter)
    order = _seek_in_scope(clauses, listing.scope_filter, listing.order, listing.after, listing.times)
    clauses.tags("tags", listing.tags)
    return f"SELECT {columns} FROM memory WHERE {clauses} ORDER BY {order} LIMIT ?", clauses.values


def _generation_clauses(scope: Scope, dialogue_id: str, uid: str, table: str) -> Clauses:
    clauses = scope_clauses(ScopeFilter(scope.project, scope.namespace))
    clauses.add("dialogue_id = ? AND uid = ?", dialogue_id, uid)
    clauses.add(NOT_PURGED.format(table))
    return clauses


def list_messages_query(scope: Scope, dialogue_id: str, listing: MessageListQuery) -> Query:
    """Return the query of one page; its last value, the limit, is left to the caller."""
    clauses = _generation_clauses(scope, dialogue_id, listing.uid, "message")
    columns = ("created", "seq")
    clauses.seek(columns, listing.order, listing.after, listing.times)
    order = sort(columns, listing.order)
    sql = f"SELECT {rows.MESSAGE_ITEM} FROM message WHERE {clauses} ORDER BY {order} LIMIT ?"
    return sql, clauses.values


def list_summaries_query(scope: Scope, dialogue_id: str, listing: SummaryListQuery) -> Query:
    """Return the query of one page; its last value, the limit, is left to the caller."""
    clauses = _generation_clauses(scope, dialogue_id, listing.uid, "summary")
    columns = ("created", "id")
    clauses.seek(columns, listing.order, listing.after, TimeRange())
    order = sort(columns, listing.order)
    return f"SELECT {rows.SUMMARY} FROM summary WHERE {clauses} ORDER BY {order} LIMIT ?", clauses.values


def count_query(table: str, scope_filter: ScopeFilter) -> Query:
    """Return the query that counts the messages or summaries of a scope filter that are not purged.

    Those that await the sweep are few, and subtracted, so that the rest is counted on an index.
    """
    clauses = scope_clauses(scope_filter)
    pending = scope_clauses(scope_filter, "grave.")
    hidden = (
        f"SELECT count(*) FROM grave CROSS JOIN {table} AS hidden ON hidden.project = grave.project "
        "AND hidden.namespace = grave.namespace AND hidden.dialogue_id = grave.dialogue_id "
        f"AND hidden.uid = grave.uid WHERE grave.fate IN (1, 2) AND {pending}"
    )
    sql = f"SELECT (SELECT count(*) FROM {table} WHERE {clauses}) - ({hidden})"
    return sql, clauses.values + pending.values
