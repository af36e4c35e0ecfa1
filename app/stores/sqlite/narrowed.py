"""The vectors of the items that a filter leaves, where an index tells which these are and they are few.

There are indexes by time, of messages with an image, and of lists of tags. The last one needs two looks:
which lists of tags there are, and which items have those of them that pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import orjson

from ...domain.records import TimeRange
from ...search.query import SearchObject, SearchQuery
from .database import SqliteDatabase
from .mapping import read_tags
from .queries import Clauses, Query

MOST_LISTS: Final = 100_000
"""How many different lists of tags are looked at, 3 us each; where there are more, tags leave nothing out."""

_TAG_LISTS: Final = """
    WITH RECURSIVE list (tags) AS (
        SELECT min(tags) FROM {0} INDEXED BY {0}_tags WHERE project = ?1 AND tags <> '[]'
        UNION ALL SELECT (
            SELECT min(tags) FROM {0} INDEXED BY {0}_tags
            WHERE project = ?1 AND tags <> '[]' AND tags > list.tags
        ) FROM list WHERE tags IS NOT NULL)
    SELECT tags FROM list WHERE tags IS NOT NULL LIMIT ?2"""
"""Each list of tags that items have, once: the index is entered behind the one before."""


def narrowed_vectors(
    db: SqliteDatabase, kind: SearchObject, query: SearchQuery, limit: int
) -> list[int] | None:
    """Return the numbers of the vectors of all items of the project that one of the filters leaves.

    None without a filter that has an index, and where each leaves more items than ``limit``.
    """
    for sql, values in _narrowed_queries(db, kind, query):
        found = db.all(sql, (*values, limit + 1))
        if len(found) <= limit:
            return [seq for (seq,) in found if seq is not None]
    return None


def _narrowed_queries(db: SqliteDatabase, kind: SearchObject, query: SearchQuery) -> Iterator[Query]:
    if query.tags_any or query.tags_all:
        lists = db.all(tag_lists_query(kind), (query.scope_filter.project, MOST_LISTS + 1))
        if len(lists) <= MOST_LISTS:
            yield tagged_query(kind, query, [tags for (tags,) in lists if _passes(tags, query)])
    if query.has_image and kind is SearchObject.MESSAGE:
        yield imaged_query(query)
    if query.created != TimeRange():
        yield dated_query(kind, query, "created")
    if query.modified != TimeRange() and kind is not SearchObject.MESSAGE:
        yield dated_query(kind, query, "modified")


def _passes(tags: str, query: SearchQuery) -> bool:
    have = set(read_tags(tags))
    return have.issuperset(query.tags_all) and (not query.tags_any or not have.isdisjoint(query.tags_any))


def tag_lists_query(kind: SearchObject) -> str:
    """Return the query for the lists of tags that items of a project have; its last value is a limit."""
    return _TAG_LISTS.format(kind.value)


def tagged_query(kind: SearchObject, query: SearchQuery, lists: list[str]) -> Query:
    """Return the query for the vectors, or NULL, of items with one of the lists, up to its last value."""
    wanted = "item.tags <> '[]' AND item.tags IN (SELECT value FROM json_each(?))"
    return _narrowed_query(kind, query, wanted, orjson.dumps(lists).decode(), index=f"{kind.value}_tags")


def imaged_query(query: SearchQuery) -> Query:
    """Return the query for the vectors, or NULL, of messages with an image; its last value is a limit."""
    return _narrowed_query(SearchObject.MESSAGE, query, "item.has_image = 1", index="message_image")


def dated_query(kind: SearchObject, query: SearchQuery, name: str) -> Query:
    """Return the query for the vectors, or NULL, of items of a time; its last value is a limit."""
    span = Clauses()
    if kind is SearchObject.DIALOGUE:
        span.add("item.is_thread IN (0, 1)")  # which the index by time has
    span.span(f"item.{name}", query.created if name == "created" else query.modified)
    return _narrowed_query(kind, query, str(span), *span.values)


def _narrowed_query(
    kind: SearchObject, query: SearchQuery, wanted: str, *values: object, index: str | None = None
) -> Query:
    model = "" if query.vector is None else query.vector.model
    seq = "(SELECT seq FROM vector WHERE kind = ? AND number = item.number AND model = ?)"
    by = f" INDEXED BY {index}" if index else ""
    return (
        f"SELECT {seq} FROM {kind.value} AS item{by} WHERE item.project = ? AND {wanted} LIMIT ?",
        [kind.value, model, query.scope_filter.project, *values],
    )
