"""Queries that count, and what they leave out: what is purged or has expired and awaits the sweeper."""

from __future__ import annotations

from typing import Final

from ...domain.expiry import DialogueHorizon, MemoryHorizon
from ...domain.list_queries import ExpiryQuery, NamespaceListQuery
from ...domain.records import DEFAULT_NAMESPACE, ScopeFilter, TimeRange
from ..namespaces import end_of
from .queries import Clauses, Query, scope_clauses


def list_expiring(query: ExpiryQuery) -> Query:
    """Return the query of one page, on indexes alone; its last value, the limit, is left to the caller."""
    table, time = query.kind.value, "modified" if query.by_age else "expires_at"
    clauses = Clauses()
    clauses.add(f"project = ? AND {time} < ?", query.project, query.before)
    if query.after is not None:
        clauses.add(f"({time}, namespace, id) > (?, ?, ?)", *query.after)
    if table == "dialogue" and query.by_age:
        # Roots and threads stand apart in the index, and are merged.
        columns = f"{time}, namespace, id, status FROM dialogue INDEXED BY dialogue_project_modified"
        parts = [f"SELECT {columns} WHERE is_thread = {branch} AND {clauses}" for branch in (0, 1)]
        return f"{' UNION ALL '.join(parts)} ORDER BY 1, 2, 3 LIMIT ?", clauses.values * 2
    index = f"{table}_{'age' if query.by_age else 'expiry'}"
    sql = (
        f"SELECT {time}, namespace, id, '' FROM {table} INDEXED BY {index} "
        f"WHERE {clauses} ORDER BY {time}, namespace, id LIMIT ?"
    )
    return sql, clauses.values


def hidden_messages(project: str, horizon: DialogueHorizon) -> Query:
    """Return the query whether messages of a project may be hidden; mostly the sweeper has left none.

    One look into three indexes, where otherwise each message is looked up among tombstones and dialogues.
    """
    sql = (
        "SELECT EXISTS (SELECT 1 FROM grave INDEXED BY grave_pending WHERE fate IN (1, 2)) OR EXISTS ("
        "SELECT 1 FROM dialogue INDEXED BY dialogue_expiry WHERE project = ? AND expires_at <= ?)"
    )
    values: list[object] = [project, horizon.moment]
    if horizon.idle:
        sql += (
            " OR EXISTS (SELECT 1 FROM dialogue INDEXED BY dialogue_project_modified "
            "WHERE project = ? AND is_thread IN (0, 1) AND modified <= ?)"
        )
        values += [project, max(horizon.idle.values())]
    return sql, values


def expired_dialogues(project: str, horizon: DialogueHorizon) -> Query:
    """Return the query for the numbers of a project's dialogues that have expired and are not removed yet."""
    sql = "SELECT number FROM dialogue INDEXED BY dialogue_expiry WHERE project = ? AND expires_at <= ?"
    values: list[object] = [project, horizon.moment]
    for status, time in horizon.idle.items():
        sql += (
            " UNION SELECT number FROM dialogue INDEXED BY dialogue_project_modified "
            "WHERE project = ? AND is_thread IN (0, 1) AND status = ? AND modified <= ?"
        )
        values += [project, status, time]
    return sql, values


def expired_memories(project: str, horizon: MemoryHorizon) -> Query:
    """Return the query for the numbers of a project's memories that have expired and are not removed yet."""
    sql = (
        "SELECT number FROM memory INDEXED BY memory_expiry WHERE project = ? AND expires_at <= ? UNION "
        "SELECT number FROM memory INDEXED BY memory_age WHERE project = ? AND modified <= ?"
    )
    return sql, [project, horizon.moment, project, horizon.idle]


ACTIVE: Final = {"dialogue": "dialogue_namespace_modified", "memory": "memory_activity"}
"""The index that namespaces are counted on."""


def tally_dialogues(query: NamespaceListQuery, horizon: DialogueHorizon) -> Query:
    """Return the query that counts the dialogues of each namespace of a page, and one more, on indexes."""
    return _tally("dialogue", query, expired_dialogues(query.scope_filter.project, horizon))


def tally_memories(query: NamespaceListQuery, horizon: MemoryHorizon) -> Query:
    """Return the same for memories."""
    return _tally("memory", query, expired_memories(query.scope_filter.project, horizon))


def _tally(table: str, query: NamespaceListQuery, expired: Query) -> Query:
    clauses = scope_clauses(query.scope_filter)
    clauses.add(f"number NOT IN ({expired[0]})", *expired[1])
    clauses.add("namespace >= ?", max(query.prefix, *(query.after or ("",))))
    if query.after is not None:
        clauses.add("namespace <> ?", *query.after)
    if query.prefix:
        clauses.add("namespace < ?", end_of(query.prefix))
    clauses.add("namespace <> ?", DEFAULT_NAMESPACE)
    sql = (
        f"SELECT namespace, count(*), max(modified) FROM {table} INDEXED BY {ACTIVE[table]} "
        f"WHERE {clauses} GROUP BY namespace ORDER BY namespace LIMIT ?"
    )
    return sql, [*clauses.values, query.limit + 1]


_BEGUN: Final = {
    ("dialogue", False): "dialogue INDEXED BY dialogue_project_created WHERE is_thread IN (0, 1) AND ",
    ("dialogue", True): "dialogue INDEXED BY dialogue_namespace_created WHERE is_thread IN (0, 1) AND ",
    ("message", False): "message INDEXED BY message_created WHERE ",
    ("message", True): "message INDEXED BY message_created WHERE ",
}


def count_begun(table: str, scope_filter: ScopeFilter, times: TimeRange) -> Query:
    """Return the query that counts the rows created on each day of a time, on an index alone."""
    clauses = scope_clauses(scope_filter)
    clauses.span("created", times)
    source = _BEGUN[table, scope_filter.namespace is not None]
    return f"SELECT substr(created, 1, 10), count(*) FROM {source}{clauses} GROUP BY 1", clauses.values


def count_statuses(scope_filter: ScopeFilter, horizon: DialogueHorizon) -> Query:
    """Return the query for how many dialogues have each status."""
    clauses = scope_clauses(scope_filter)
    expired, values = expired_dialogues(scope_filter.project, horizon)
    clauses.add(f"number NOT IN ({expired})", *values)
    return f"SELECT status, count(*) FROM dialogue WHERE {clauses} GROUP BY status", clauses.values


def count_memories(scope_filter: ScopeFilter, horizon: MemoryHorizon) -> Query:
    """Return the query that counts memories."""
    clauses = scope_clauses(scope_filter)
    expired, values = expired_memories(scope_filter.project, horizon)
    clauses.add(f"number NOT IN ({expired})", *values)
    return f"SELECT count(*) FROM memory WHERE {clauses}", clauses.values


def count_visible(table: str, scope_filter: ScopeFilter) -> Query:
    """Return the query that counts the messages or summaries that are not purged.

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


def count_expired(table: str, scope_filter: ScopeFilter, horizon: DialogueHorizon) -> Query:
    """Return the query that counts the messages or summaries of dialogues that have expired."""
    clauses = scope_clauses(scope_filter, "dialogue.")
    expired, values = expired_dialogues(scope_filter.project, horizon)
    clauses.add(f"dialogue.number IN ({expired})", *values)
    if table == "message":
        return f"SELECT coalesce(sum(dialogue.total), 0) FROM dialogue WHERE {clauses}", clauses.values
    sql = (
        "SELECT count(*) FROM dialogue CROSS JOIN summary ON summary.project = dialogue.project "
        "AND summary.namespace = dialogue.namespace AND summary.dialogue_id = dialogue.id "
        f"AND summary.uid = dialogue.uid WHERE {clauses}"
    )
    return sql, clauses.values
