"""Keyword search: the index as ``search.ranking`` reads it, and the rows of what it finds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, cast

import orjson

from ...domain.expiry import Expiry
from ...search.query import Found, Hit, SearchObject, SearchQuery
from ...search.ranking import Candidate, Frequencies, Ref
from ...search.results import Ranked, rank
from ...search.tokens import mark_of
from ..bounds import MOST_FILTERED, Results, take_hits
from . import mapping
from .database import SqliteDatabase
from .filters import filter_clauses, scope_conditions
from .indexing import match_any, vocabulary_of
from .mapping import Columns
from .queries import Clauses
from .statements import MEMORY_EXPIRED, NOT_EXPIRED, NOT_PURGED, dialogue_expired

BATCH: Final = 10
"""How many hits are read at once: a dialogue with its evidence may take 3 MiB."""

_IDS: Final = {
    SearchObject.DIALOGUE: ("id", "namespace"),
    SearchObject.MESSAGE: ("id", "namespace", "dialogue_id", "uid"),
    SearchObject.MEMORY: ("id", "namespace"),
}
"""What decides between results that are equal in all else."""

_PARENT: Final = (
    "(SELECT number FROM dialogue WHERE project = item.project AND namespace = item.namespace "
    "AND id = item.dialogue_id AND uid = item.uid)"
)
_COLUMNS: Final[dict[SearchObject, Columns[Any]]] = {
    SearchObject.DIALOGUE: mapping.DIALOGUE_ITEM,
    SearchObject.MESSAGE: mapping.MESSAGE_ITEM,
    SearchObject.MEMORY: mapping.MEMORY_ITEM,
}


def find_hits(db: SqliteDatabase, query: SearchQuery, expiry: Expiry) -> Found:
    """Return a page of hits; a query without words finds nothing.

    Raises ServiceUnavailable when the file cannot be read.
    """
    if not query.keywords.words:
        return Found([], Frequencies(0, ()))
    with db.snapshot():
        results = Results(rank(query, SearchIndexes(db, query, expiry)), query.limit)
        return results.found(take_hits(_hits(db, query.object, results.page)))


def _hits(db: SqliteDatabase, kind: SearchObject, page: Sequence[Ranked]) -> Iterator[Hit]:
    """Yield the hits, a batch of them read at a time."""
    for start in range(0, len(page), BATCH):
        batch = page[start : start + BATCH]
        items = _fetch(db, kind, [one.ref for one in batch])
        messages = _fetch(
            db, SearchObject.MESSAGE, [message.ref for one in batch for message in one.evidence]
        )
        for one in batch:
            matches = tuple(Hit(messages[found.ref], found.relevance) for found in one.evidence)
            yield Hit(items[one.ref], one.relevance, matches)


def _fetch(db: SqliteDatabase, kind: SearchObject, numbers: Sequence[Ref]) -> dict[Ref, Any]:
    if not numbers:
        return {}
    columns = _COLUMNS[kind]
    found = db.all(fetch_query(kind, columns), (orjson.dumps(numbers).decode(),))
    return {row[-1]: columns.read(row[:-1]) for row in found}


class SearchIndexes:
    """The indexes of one search; see ``search.results.Indexes``."""

    def __init__(self, db: SqliteDatabase, query: SearchQuery, expiry: Expiry) -> None:
        self._db = db
        self._query = query
        self._expiry = expiry

    def index(self, kind: SearchObject, *, filtered: bool) -> RowIndex:
        """See ``Indexes``."""
        index = RowIndex(self._db, self._query, kind, filtered=filtered)
        index.leave_out_expired(self._expiry)
        return index


class RowIndex:
    """The index of one table; see ``search.ranking.TermIndex``. A ``Ref`` is the number of a row."""

    def __init__(self, db: SqliteDatabase, query: SearchQuery, kind: SearchObject, *, filtered: bool) -> None:
        self._db = db
        self._kind = kind
        self._mark = mark_of(query.scope_filter)
        self._clauses = filter_clauses(query) if filtered else scope_conditions(query.scope_filter)
        self._is_filtered = filtered and query.has_filters
        if kind is SearchObject.MESSAGE:
            self._clauses.add(NOT_PURGED.format("item"))
        self._wants_parent = kind is SearchObject.MESSAGE and not filtered

    def leave_out_expired(self, expiry: Expiry) -> None:
        """Keep to what has not expired."""
        if self._kind is SearchObject.MEMORY:
            self._clauses.add(f"NOT {MEMORY_EXPIRED.format('item')}", *expiry.memories())
        elif self._kind is SearchObject.DIALOGUE:
            self._clauses.add(f"NOT {dialogue_expired('item')}", *expiry.dialogues())
        else:
            self._clauses.add(NOT_EXPIRED.format("item"), *expiry.dialogues())

    def count(self, tokens: Sequence[str], limit: int) -> int:
        """See ``TermIndex``."""
        sql = count_query(self._kind)
        return cast("int", self._db.all(sql, (match_any(self._mark, tokens), limit))[0][0])

    def walk(self, tokens: Sequence[str], limit: int, *, oldest: bool = False) -> list[Ref]:
        """See ``TermIndex``. With filters, of the first MOST_FILTERED items."""
        matching = match_any(self._mark, tokens)
        if not self._is_filtered:
            found = self._db.all(walk_query(self._kind, oldest=oldest), (matching, limit))
        else:
            sql = filtered_query(self._kind, self._clauses, oldest=oldest)
            found = self._db.all(sql, (matching, MOST_FILTERED, *self._clauses.values, limit))
        return [number for (number,) in found]

    def complete(self, beginning: str, limit: int) -> list[str]:
        """See ``TermIndex``. Each word is one look into the index, however often it occurs."""
        view = vocabulary_of(self._kind.value)
        self._db.all(view.definition)
        found: list[str] = []
        first, end = self._mark + beginning, self._mark + beginning + "\U0010ffff"
        while len(found) < limit:
            terms = self._db.all(
                f"SELECT term FROM {view.name} WHERE term >= ? AND term < ? LIMIT 1", (first, end)
            )
            if not terms:
                break
            token, _, _ = terms[0][0].partition("!")
            found.append(token.removeprefix(self._mark))
            first = token + '"'  # the sign behind "!": past the token with every impact
        return found

    def read(self, refs: Sequence[Ref]) -> Iterator[Candidate]:
        """See ``TermIndex``."""
        sql = candidates_query(self._kind, self._clauses, with_parent=self._wants_parent)
        for number, written, created, modified, parent, *ids in self._db.all(
            sql, (orjson.dumps(refs).decode(), *self._clauses.values)
        ):
            yield Candidate(number, written, created, modified, tuple(ids), parent)


def count_query(kind: SearchObject) -> str:
    """Return the query for how many rows match, up to a limit."""
    table = f"{kind.value}_tokens"
    return f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {table} MATCH ? LIMIT ?)"


def walk_query(kind: SearchObject, *, oldest: bool) -> str:
    """Return the query for the numbers of matching rows; its last value is the limit."""
    table = f"{kind.value}_tokens"
    order = "ASC" if oldest else "DESC"
    return f"SELECT rowid FROM {table} WHERE {table} MATCH ? ORDER BY rowid {order} LIMIT ?"


def filtered_query(kind: SearchObject, clauses: Clauses, *, oldest: bool) -> str:
    """Return the query for the numbers of those of the first matching rows that pass the filters."""
    return (
        f"SELECT item.number FROM ({walk_query(kind, oldest=oldest)}) AS found "
        f"CROSS JOIN {kind.value} AS item ON item.number = found.rowid WHERE {clauses} LIMIT ?"
    )


def candidates_query(kind: SearchObject, clauses: Clauses, *, with_parent: bool) -> str:
    """Return the query for what rows are scored and ordered by."""
    ids = ", ".join(f"item.{name}" for name in _IDS[kind])
    parent = _PARENT if with_parent else "NULL"
    return (
        f"SELECT item.number, item.terms, item.created, item.modified, {parent}, {ids} "
        f"FROM json_each(?) AS wanted CROSS JOIN {kind.value} AS item ON item.number = wanted.value "
        f"WHERE {clauses}"
    )


def fetch_query(kind: SearchObject, columns: Columns[Any]) -> str:
    """Return the query for whole rows by their numbers."""
    return f"SELECT {columns}, number FROM {kind.value} WHERE number IN (SELECT value FROM json_each(?))"
