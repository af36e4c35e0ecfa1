"""Pages of dialogues: most walk an index in order; where a filter leaves few, those are gathered and sorted.

A walk reads what it answers, and what a filter makes it pass over. Only the index by ``created`` can be
entered by metadata: to keep the other orders for each value, an append would have to move a row for each.
So these gather what a value or a range of dates leaves, if that is no more than MOST_GATHERED, and walk where
it is more, which makes those that match dense.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from ...domain.expiry import DialogueHorizon
from ...domain.list_queries import DialogueListQuery, MetadataFilter, Page, SortKey
from ...domain.records import DEFAULT_NAMESPACE, ScopeFilter, TimeRange
from . import facets
from .database import SqliteDatabase
from .mapping import Columns
from .queries import Clauses, Query, sort
from .statements import dialogue_expired

T = TypeVar("T")

MOST_GATHERED: Final = 10_000
"""From how many dialogues a page is sorted at most."""

COLUMN: Final = {
    SortKey.CREATED: "created",
    SortKey.MODIFIED: "modified",
    SortKey.LAST_MESSAGE: "last_activity",
}
"""The column of an order; its indexes are named after it."""

JOINED: Final = (
    " CROSS JOIN dialogue ON dialogue.project = dialogue_facet.project "
    "AND dialogue.namespace = dialogue_facet.namespace AND dialogue.id = dialogue_facet.id"
)
"""Leads from metadata to the dialogue; the join that SQLite does not turn around."""

EVERY: Final = TimeRange()


@dataclass(frozen=True, slots=True)
class _Source:
    """Where rows come from: the index that is walked, its table, conditions on it, what is joined to it.

    ``table`` has (created, namespace, id). ``held`` is the filter of the query that the conditions hold.
    """

    index: str
    table: str
    clauses: Clauses
    joined: str = ""
    held: MetadataFilter | TimeRange | None = None


def list_dialogues(
    db: SqliteDatabase, query: DialogueListQuery, columns: Columns[T], horizon: DialogueHorizon
) -> Page[T]:
    """Return one page, in order, but for what has expired."""
    sources = _choose(db, query)
    for source in sources:
        source.clauses.add(f"NOT {dialogue_expired('dialogue')}", *horizon)
    sql, values = _page(sources, query, columns)
    return db.page(sql, values, query.limit, columns)


def _page(sources: Sequence[_Source], query: DialogueListQuery, columns: Columns[Any]) -> Query:
    """Return the query that merges sources; its last value, the limit, is left to the caller.

    What few may carry is looked for behind the merge: before it, a source where nothing does would be walked
    to its end.
    """
    late = len(sources) > 1 and bool(query.tags or query.metadata)
    wanted = ("number", *_sort_columns(query), "tags") if late else columns.names
    values: list[object] = []
    selects = []
    for source in sources:
        names = ", ".join(_qualified(source, name) for name in wanted)
        _filter(source, query)
        if not late:
            _filter_carried(source.clauses, query, source.held, "dialogue")
        selects.append(f"SELECT {names} FROM {source.index}{source.joined} WHERE {source.clauses}")
        values += source.clauses.values
    order = sort([str(wanted.index(name) + 1) for name in _sort_columns(query)], query.order)
    merged = f"{' UNION ALL '.join(selects)} ORDER BY {order} LIMIT"
    if not late:
        return f"{merged} ?", values
    carried = Clauses()
    _filter_carried(carried, query, sources[0].held, "merged")
    names = ", ".join(f"dialogue.{name}" for name in columns.names)
    joined = "CROSS JOIN dialogue ON dialogue.number = merged.number"
    sql = f"SELECT {names} FROM ({merged} -1) AS merged {joined} WHERE {str(carried) or 'TRUE'} LIMIT ?"
    return sql, values + carried.values


def _qualified(source: _Source, name: str) -> str:
    table = source.table if name in ("created", "namespace", "id") else "dialogue"
    return f"{table}.{name}"


def _sort_columns(query: DialogueListQuery) -> tuple[str, ...]:
    """Return what a list is sorted by; within one namespace that is left out."""
    column = COLUMN[query.sort_key]
    return (column, "id") if _scope(query).namespace is not None else (column, "namespace", "id")


def _scope(query: DialogueListQuery) -> ScopeFilter:
    """Return what a list covers: threads are those of one namespace."""
    scope = query.scope_filter
    if query.thread_of is not None and scope.namespace is None:
        return ScopeFilter(scope.project, DEFAULT_NAMESPACE)
    return scope


def _filter(source: _Source, query: DialogueListQuery) -> None:
    """Add to a source's own conditions those of the query, and the position."""
    clauses = source.clauses
    columns = [_qualified(source, name) for name in _sort_columns(query)]
    after: Sequence[object] | None = query.after
    if after is not None and len(columns) < len(after):
        after = (after[0], after[-1])
    is_by_created = query.sort_key is SortKey.CREATED
    clauses.seek(columns, query.order, after, query.times if is_by_created else EVERY)
    if not is_by_created and query.times != source.held:
        clauses.span(_qualified(source, "created"), query.times)
    if query.roots:
        clauses.add("dialogue.is_thread = 0")
    if query.statuses:
        marks = ", ".join("?" * len(query.statuses))
        clauses.add(f"dialogue.status IN ({marks})", *(status.value for status in query.statuses))


def _filter_carried(
    clauses: Clauses, query: DialogueListQuery, held: MetadataFilter | TimeRange | None, table: str
) -> None:
    """Add the conditions on tags, which ``table`` has, and on metadata, but for what is held already."""
    clauses.tags(f"{table}.tags", query.tags)
    for wanted in query.metadata:
        if wanted != held:
            digests = facets.digests_of(wanted)
            marks = ", ".join("?" * len(digests))
            has = f"EXISTS (SELECT 1 FROM json_each(facets(dialogue.metadata)) WHERE value IN ({marks}))"
            clauses.add(has, *digests)


def _choose(db: SqliteDatabase, query: DialogueListQuery) -> list[_Source]:
    """Return what a page is read from: the sources that a filter makes narrow, or the order's own index."""
    if query.thread_of is not None:
        return [_threads(query)]
    narrow = list(_narrow(db, query))
    if query.sort_key is SortKey.CREATED:
        if len(narrow) > 1:
            narrow.sort(key=lambda sources: _count(db, sources))
        return narrow[0] if narrow else _walk(query, query.sort_key)
    counted = [(_count(db, sources), place) for place, sources in enumerate(narrow)]
    count, place = min(counted, default=(MOST_GATHERED + 1, 0))
    return narrow[place] if count <= MOST_GATHERED else _walk(query, query.sort_key)


def _narrow(db: SqliteDatabase, query: DialogueListQuery) -> Iterator[list[_Source]]:
    """Yield for each filter that has an index of its own the sources that it leaves."""
    if query.metadata and db.one(facets.IS_PENDING) is None:
        for wanted in query.metadata:
            yield _facets(query, wanted)
    if query.sort_key is not SortKey.CREATED and query.times != EVERY:
        sources = _walk(query, SortKey.CREATED)
        for source in sources:
            source.clauses.span("dialogue.created", query.times)
        yield [replace(source, held=query.times) for source in sources]


def _count(db: SqliteDatabase, sources: Sequence[_Source]) -> int:
    """Return how many rows sources have, counted no further than one above MOST_GATHERED."""
    selects = [f"SELECT 1 FROM {source.index} WHERE {source.clauses}" for source in sources]
    values = [value for source in sources for value in source.clauses.values]
    sql = f"SELECT count(*) FROM ({' UNION ALL '.join(selects)} LIMIT ?)"
    count: int = db.all(sql, (*values, MOST_GATHERED + 1))[0][0]
    return count


def _clauses(query: DialogueListQuery, table: str) -> Clauses:
    """Return the conditions of the scope."""
    scope = _scope(query)
    clauses = Clauses()
    clauses.add(f"{table}.project = ?", scope.project)
    if scope.namespace is not None:
        clauses.add(f"{table}.namespace = ?", scope.namespace)
    return clauses


def _walk(query: DialogueListQuery, sort_key: SortKey) -> list[_Source]:
    """Return the index of an order: roots, and threads unless they are left out."""
    cover = "project" if query.scope_filter.namespace is None else "namespace"
    index = f"dialogue INDEXED BY dialogue_{cover}_{COLUMN[sort_key]}"
    sources = []
    for is_thread in (0,) if query.roots else (0, 1):
        clauses = _clauses(query, "dialogue")
        clauses.add("dialogue.is_thread = ?", is_thread)
        sources.append(_Source(index, "dialogue", clauses))
    return sources


def _threads(query: DialogueListQuery) -> _Source:
    """Return the threads of one dialogue; in another order than by creation they are all sorted."""
    clauses = _clauses(query, "dialogue")
    clauses.add("dialogue.thread_of = ?", query.thread_of)
    return _Source("dialogue INDEXED BY dialogue_thread", "dialogue", clauses)


def _facets(query: DialogueListQuery, wanted: MetadataFilter) -> list[_Source]:
    """Return the dialogues that have one of the values, in order of creation each."""
    covers_namespace = query.scope_filter.namespace is not None
    index = "dialogue_facet" + (" INDEXED BY dialogue_facet_namespace" if covers_namespace else "")
    sources = []
    for digest in facets.digests_of(wanted):
        clauses = _clauses(query, "dialogue_facet")
        clauses.add("dialogue_facet.digest = ?", digest)
        sources.append(_Source(index, "dialogue_facet", clauses, JOINED, wanted))
    return sources
