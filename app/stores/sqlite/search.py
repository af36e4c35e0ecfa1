"""Keyword search: the index as ``search.ranking`` reads it, and the rows of what it finds."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import orjson

from ...domain.expiry import DialogueHorizon, Expiry
from ...search.nearest import Nearness
from ...search.query import Found, Hit, SearchObject, SearchQuery
from ...search.ranking import Candidate, Frequencies, Look, Ref
from ...search.results import Ranked, rank
from ...search.tokens import mark_of
from ..bounds import MOST_FILTERED, Results, take_hits
from . import mapping
from .counts import hidden_messages
from .database import SqliteDatabase
from .filters import filter_clauses, scope_conditions
from .indexing import match_any, vocabulary_of
from .mapping import Columns
from .narrowed import narrowed_vectors
from .queries import Clauses, Query, scope_clauses
from .statements import MEMORY_EXPIRED, NOT_EXPIRED, NOT_PURGED, dialogue_expired

if TYPE_CHECKING:
    from ...meaning.matrices import Matrices

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


def find_hits(db: SqliteDatabase, query: SearchQuery, expiry: Expiry, matrices: Matrices | None) -> Found:
    """Return a page of hits; a query without words and without a vector finds nothing.

    Raises ServiceUnavailable when the file cannot be read.
    """
    if not query.keywords.words and query.vector is None:
        return Found([], Frequencies(0, ()))
    indexes = SearchIndexes(db, query, expiry)
    near = None
    if query.vector is not None and matrices is not None:
        near = Nearness(matrices, indexes, query, query.vector.vector)
    with db.snapshot():
        results = Results(rank(query, indexes, near), query.limit)
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
        index.leave_out_hidden(self._expiry)
        return index


class RowIndex:
    """The index of one table; see ``search.ranking.TermIndex``. A ``Ref`` is the number of a row."""

    def __init__(self, db: SqliteDatabase, query: SearchQuery, kind: SearchObject, *, filtered: bool) -> None:
        self._db = db
        self._kind = kind
        self._mark = mark_of(query.scope_filter)
        self._clauses = filter_clauses(query) if filtered else scope_conditions(query.scope_filter)
        self.is_filtered = filtered and query.has_filters
        self._wants_parent = kind is SearchObject.MESSAGE and not filtered
        self._query = query

    @property
    def place(self) -> Hashable | None:
        """See ``VectorIndex``."""
        return self._query.vectors_place(self._kind)

    def vectors_after(self, seq: int, limit: int) -> list[tuple[int, bytes]]:
        """See ``VectorIndex``."""
        query, values = vectors_query(self._kind, self._query)
        return self._db.all(query, (*values, seq, limit))

    def refs_of(self, seqs: Sequence[int]) -> dict[int, Ref]:
        """See ``VectorIndex``."""
        sql = items_query(self._kind, self._clauses)
        found = self._db.all(sql, (*self._clauses.values, orjson.dumps(seqs).decode()))
        return {seq: number if passes else None for seq, number, passes in found}

    def narrowed(self, limit: int) -> list[int] | None:
        """See ``VectorIndex``."""
        return narrowed_vectors(self._db, self._kind, self._query, limit) if self.is_filtered else None

    def leave_out_hidden(self, expiry: Expiry) -> None:
        """Keep to what is neither purged nor expired."""
        if self._kind is SearchObject.MEMORY:
            self._clauses.add(f"NOT {MEMORY_EXPIRED.format('item')}", *expiry.memories())
        elif self._kind is SearchObject.DIALOGUE:
            self._clauses.add(f"NOT {dialogue_expired('item')}", *expiry.dialogues())
        else:
            self._leave_out_messages(expiry.dialogues())

    def _leave_out_messages(self, horizon: DialogueHorizon) -> None:
        (some,) = self._db.all(*hidden_messages(self._query.scope_filter.project, horizon))[0]
        if some:
            self._clauses.add(NOT_PURGED.format("item"))
            self._clauses.add(NOT_EXPIRED.format("item"), *horizon)

    def count(self, looks: Sequence[Look]) -> list[int]:
        """See ``TermIndex``."""
        sql = count_query(self._kind)
        return [self._db.all(sql, (match_any(self._mark, one.tokens), one.limit))[0][0] for one in looks]

    def walk(self, looks: Sequence[Look], *, oldest: bool = False) -> list[list[Ref]]:
        """See ``TermIndex``. With filters, of the first MOST_FILTERED items."""
        return [self._walk(*one, oldest=oldest) for one in looks]

    def _walk(self, tokens: Sequence[str], limit: int, *, oldest: bool) -> list[Ref]:
        matching = match_any(self._mark, tokens)
        if not self.is_filtered:
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


def vectors_query(kind: SearchObject, query: SearchQuery) -> Query:
    """Return the query for the vectors that a search covers; its last values are a number and the limit."""
    model = "" if query.vector is None else query.vector.model
    if query.dialogue is None:
        clauses = scope_clauses(query.scope_filter, "vector.")
        clauses.add("vector.kind = ?", kind.value)
        source = "vector"
    else:
        clauses = scope_clauses(query.scope_filter, "item.")
        name = "id" if kind is SearchObject.DIALOGUE else "dialogue_id"
        clauses.add(f"item.{name} = ? AND item.uid = ?", *query.dialogue)
        joined = f"vector ON vector.kind = '{kind.value}' AND vector.number = item.number"
        source = f"{kind.value} AS item CROSS JOIN {joined}"
    clauses.add("vector.model = ? AND vector.pieces IS NOT NULL AND vector.seq > ?", model)
    return (
        f"SELECT vector.seq, pieces FROM {source} WHERE {clauses} ORDER BY vector.seq LIMIT ?",
        clauses.values,
    )


def items_query(kind: SearchObject, clauses: Clauses) -> str:
    """Return the query for the rows of vectors by their numbers, and whether each passes the filters."""
    passes = f"EXISTS (SELECT 1 FROM {kind.value} AS item WHERE item.number = vector.number AND {clauses})"
    return (
        f"SELECT seq, number, {passes} FROM json_each(?) AS wanted "
        "CROSS JOIN vector ON vector.seq = wanted.value WHERE pieces IS NOT NULL"
    )


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
