"""Queries whose text depends on what is asked for: pages of lists, and counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...domain.expiry import MemoryHorizon
from ...domain.list_queries import (
    AuditListQuery,
    KeyListQuery,
    MemoryListQuery,
    MessageListQuery,
    ProjectListQuery,
    SummaryListQuery,
)
from ...domain.records import Order, Scope, ScopeFilter, TimeRange
from . import mapping
from .statements import MEMORY_EXPIRED, NOT_PURGED

Query = tuple[str, list[object]]


class Clauses:
    """The conditions of a query and their values, in order."""

    def __init__(self) -> None:
        self._conditions: list[str] = []
        self.values: list[Any] = []

    def add(self, condition: str, *values: object) -> None:
        """Add a condition that has to hold too."""
        self._conditions.append(condition)
        self.values += values

    def span(self, column: str, times: TimeRange) -> None:
        """Keep a column within a time range."""
        if times.start is not None:
            self.add(f"{column} >= ?", times.start)
        if times.before is not None:
            self.add(f"{column} < ?", times.before)

    def seek(
        self, columns: Sequence[str], order: Order, after: Sequence[object] | None, times: TimeRange
    ) -> None:
        """Keep to a time range on the first column and behind a position.

        Only the stricter of the two bounds of a side is given to SQLite, which uses one.
        """
        start, before = times.start, times.before
        if after is not None:
            bound = start if order is Order.ASC else before
            sign = ">" if order is Order.ASC else "<"
            if bound is None or (after[0] >= bound) == (order is Order.ASC):  # type: ignore[operator]  # both are times
                marks = ", ".join("?" * len(columns))
                self.add(f"({', '.join(columns)}) {sign} ({marks})", *after)
                start, before = (None, before) if order is Order.ASC else (start, None)
        self.span(columns[0], TimeRange(start, before))

    def tags(self, column: str, tags: Sequence[str]) -> None:
        """Keep what carries all of the given tags."""
        for tag in tags:
            self.add(f"EXISTS (SELECT 1 FROM json_each({column}) WHERE value = ?)", tag)

    def __str__(self) -> str:
        return " AND ".join(self._conditions)


def sort(columns: Sequence[str], order: Order) -> str:
    """Return the ORDER BY terms of columns that all go the same way."""
    return ", ".join(f"{column} {order.value}" for column in columns)


def scope_clauses(scope_filter: ScopeFilter, prefix: str = "") -> Clauses:
    """Return the conditions that keep a query to a scope filter."""
    clauses = Clauses()
    clauses.add(f"{prefix}project = ?", scope_filter.project)
    if scope_filter.namespace is not None:
        clauses.add(f"{prefix}namespace = ?", scope_filter.namespace)
    return clauses


def list_memories(query: MemoryListQuery, columns: mapping.Columns[Any], horizon: MemoryHorizon) -> Query:
    """Return the query of one page; its last value, the limit, is left to the caller."""
    clauses = scope_clauses(query.scope_filter)
    sorted_by: tuple[str, ...] = ("created", "namespace", "id")
    after: tuple[str, ...] | None = query.after
    if query.scope_filter.namespace is not None:
        sorted_by = ("created", "id")
        after = after and (after[0], after[2])
    clauses.seek(sorted_by, query.order, after, query.times)
    order = sort(sorted_by, query.order)
    clauses.tags("tags", query.tags)
    clauses.add(f"NOT {MEMORY_EXPIRED.format('memory')}", *horizon)
    sql = f"SELECT {columns} FROM memory WHERE {clauses} ORDER BY {order} LIMIT ?"
    return sql, clauses.values


def _generation_clauses(scope: Scope, dialogue_id: str, uid: str, table: str) -> Clauses:
    clauses = scope_clauses(ScopeFilter(scope.project, scope.namespace))
    clauses.add("dialogue_id = ? AND uid = ?", dialogue_id, uid)
    clauses.add(NOT_PURGED.format(table))
    return clauses


def list_messages(scope: Scope, dialogue_id: str, query: MessageListQuery) -> Query:
    """Return the query of one page; its last value, the limit, is left to the caller."""
    clauses = _generation_clauses(scope, dialogue_id, query.uid, "message")
    columns = ("created", "seq")
    clauses.seek(columns, query.order, query.after, query.times)
    order = sort(columns, query.order)
    sql = f"SELECT {mapping.MESSAGE_ITEM} FROM message WHERE {clauses} ORDER BY {order} LIMIT ?"
    return sql, clauses.values


def list_summaries(scope: Scope, dialogue_id: str, query: SummaryListQuery) -> Query:
    """Return the query of one page; its last value, the limit, is left to the caller."""
    clauses = _generation_clauses(scope, dialogue_id, query.uid, "summary")
    columns = ("created", "id")
    clauses.seek(columns, query.order, query.after, TimeRange())
    order = sort(columns, query.order)
    return f"SELECT {mapping.SUMMARY} FROM summary WHERE {clauses} ORDER BY {order} LIMIT ?", clauses.values


def list_tombstones(scope_filter: ScopeFilter, after: tuple[str, str, str]) -> Query:
    """Return the query of one batch; its last value, the limit, is left to the caller."""
    clauses = scope_clauses(scope_filter)
    if scope_filter.namespace is None:
        clauses.add("(namespace, dialogue_id, uid) > (?, ?, ?)", *after)
    else:
        clauses.add("(dialogue_id, uid) > (?, ?)", *after[1:])
    columns, order = mapping.TOMBSTONE, "namespace, dialogue_id, uid"
    return f"SELECT {columns} FROM grave WHERE {clauses} ORDER BY {order} LIMIT ?", clauses.values


def list_keys(query: KeyListQuery) -> Query:
    """Return the query of one page; its last value, the limit, is left to the caller."""
    clauses = Clauses()
    clauses.add("project = ?", query.project)
    columns = ("created", "id")
    clauses.seek(columns, query.order, query.after, TimeRange())
    order = sort(columns, query.order)
    return f"SELECT {mapping.KEY} FROM access_key WHERE {clauses} ORDER BY {order} LIMIT ?", clauses.values


def list_projects(query: ProjectListQuery) -> Query:
    """Return the query of one page; its last value, the limit, is left to the caller."""
    clauses = Clauses()
    clauses.add("name > ? AND closed = 0", *(query.after or ("",)))
    return f"SELECT {mapping.PROJECT} FROM project WHERE {clauses} ORDER BY name LIMIT ?", clauses.values


def list_audit(query: AuditListQuery) -> Query:
    """Return the query of one page; its last value, the limit, is left to the caller."""
    clauses = Clauses()
    if query.project is not None:
        clauses.add("project = ?", query.project)
    columns = ("time", "id")
    clauses.seek(columns, query.order, query.after, query.times)
    for name in ("action", "actor", "target"):
        if getattr(query, name) is not None:
            clauses.add(f"{name} = ?", getattr(query, name))
    where, order = str(clauses) or "TRUE", sort(columns, query.order)
    return f"SELECT {mapping.AUDIT} FROM audit WHERE {where} ORDER BY {order} LIMIT ?", clauses.values


def count_vectors(scope_filter: ScopeFilter, model: str) -> Query:
    """Return the query that counts what is embedded by a model."""
    clauses = scope_clauses(scope_filter)
    clauses.add("kind IN ('dialogue', 'message', 'memory') AND model = ? AND pieces IS NOT NULL", model)
    return f"SELECT count(*) FROM vector WHERE {clauses}", clauses.values
