"""The vectors of items of some time, which the indexes by time find where these are few."""

from __future__ import annotations

from ...domain.records import TimeRange
from ...search.query import SearchObject, SearchQuery
from .database import SqliteDatabase
from .queries import Clauses, Query


def dated_vectors(db: SqliteDatabase, kind: SearchObject, query: SearchQuery, limit: int) -> list[int] | None:
    """Return the numbers of the vectors of items of the project made in the time that is asked for.

    None without such a time, or for more items than ``limit``.
    """
    if query.created == TimeRange():
        return None
    sql, values = dated_query(kind, query)
    found = db.all(sql, (*values, limit + 1))
    return None if len(found) > limit else [seq for (seq,) in found if seq is not None]


def dated_query(kind: SearchObject, query: SearchQuery) -> Query:
    """Return the query for the vectors, or NULL, of items made in some time; its last value is a limit."""
    clauses = Clauses()
    clauses.add("project = ?", query.scope_filter.project)
    if kind is SearchObject.DIALOGUE:
        clauses.add("is_thread IN (0, 1)")  # which the index by time has
    clauses.span("created", query.created)
    model = "" if query.vector is None else query.vector.model
    seq = "(SELECT seq FROM vector WHERE kind = ? AND number = item.number AND model = ?)"
    return (
        f"SELECT {seq} FROM {kind.value} AS item WHERE {clauses} LIMIT ?",
        [kind.value, model, *clauses.values],
    )
