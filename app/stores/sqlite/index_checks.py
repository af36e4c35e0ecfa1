"""Checking the search index against the rows that it was made from, in a memory that does not grow with them.

The rows are read once, and the index once: both say how many tokens there are, how many rows have any, and
what the numbers of these rows add up to. An entry is added and removed as a whole, and so is the token that
all of them have. Only where something differs is every row compared with its own tokens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from string import ascii_lowercase, digits
from typing import Any, Final, NamedTuple

from ...search.tokens import OF_ALL, index_tokens, mark
from . import facets
from .checksums import tokens_by
from .database import SqliteDatabase
from .indexing import IDENTITY, vocabulary_of
from .reindexing import INDEXED

MOST_PROBLEMS: Final = 100
"""How many wrong entries of one kind are named one by one."""

ROWS: Final = 50_000
"""How many rows are compared with their own tokens at a time; a count takes about 100 bytes."""

LAST: Final = 2**62
"""Above every number of a row."""

_STEPS: Final = ("", *[kind + first for kind in "pt" for first in digits + ascii_lowercase], "\U0010ffff")
"""Where reading an index pauses, so that progress can be shown: beginnings of tokens, in their order."""

Tick = Callable[[int], None]
"""Is told how many rows were read since it was told last; 0 while the index is read."""


class Tally(NamedTuple):
    """How many tokens rows have, how many rows have some, and the sum of these rows' numbers."""

    tokens: int
    entries: int
    numbers: int


@dataclass(slots=True)
class Wrong:
    """Rows whose words are not what they say, or whose tokens are not those of their words."""

    table: str
    names: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, name: str) -> None:
        """Note one."""
        self.count += 1
        if self.count <= MOST_PROBLEMS:
            self.names.append(name)

    def __iter__(self) -> Iterator[str]:
        """Yield them in words."""
        yield from (f"{name} is not indexed by what it says" for name in self.names)
        if self.count > MOST_PROBLEMS:
            yield f"{self.count - MOST_PROBLEMS} more of kind {self.table}"


def find_problems(db: SqliteDatabase, project: str, tick: Tick, *, thorough: bool) -> list[str]:
    """Return what of a project the search index does not hold as it is stored, in words.

    The words of a message with the checksum that it was indexed with are taken to be right, unless the check
    is to be thorough. Everything is read in one snapshot, so that writers do not disturb it.
    """
    with db.snapshot():
        checks = [TableCheck(db, table, project, tick, thorough=thorough) for table in INDEXED]
        found = [text for check in checks for text in check.problems()]
        return found + list(facets.find_problems(db, project))


class TableCheck:
    """The check of one table and its index."""

    def __init__(self, db: SqliteDatabase, table: str, project: str, tick: Tick, *, thorough: bool) -> None:
        self._db = db
        self._table = table
        self._project = project
        self._tick = tick
        self._thorough = thorough
        columns, self._derive = INDEXED[table]
        self._row = f"number, terms, {IDENTITY[table]}, {columns}"
        self._mark = mark(project)
        self._instances, self._tokens = (self._view(detail) for detail in ("instance", "row"))

    def _view(self, detail: str) -> str:
        view = vocabulary_of(self._table, detail)
        self._db.all(view.definition)
        return view.name

    def problems(self) -> Iterator[str]:
        """Yield what is wrong, in words."""
        pending = self._db.all("SELECT pending FROM reindexing WHERE kind = ?", (self._table,))
        first: int = pending[0][0] if pending else 0
        if pending:
            yield f"rows of kind {self._table} numbered below {first} are still to be indexed"
        wrong = Wrong(self._table)
        indexed = self._tally_index()
        if self._tally_rows(first, wrong) == indexed:
            yield from wrong
        else:
            yield from self._compare_rows(first)

    def _tally_rows(self, first: int, wrong: Wrong) -> Tally:
        """Return what rows from a number on say of their tokens, and note those with wrong words."""
        tokens = entries = numbers = read = 0
        checksum = "NULL" if self._thorough or self._table != "message" else "checksum"
        for row in self._rows(f"{checksum}, {self._row}", "project = ? AND number >= ?", first):
            count = tokens_by(row[0], row[2], row[-1])
            if count is None:
                name, count, is_right = self._examine(row[2:])
                if not is_right:
                    wrong.add(name)
            if count:
                tokens += count
                entries += 1
                numbers += row[1]
            read += 1
            if read % ROWS == 0:
                self._tick(ROWS)
        self._tick(read % ROWS)
        return Tally(tokens, entries, numbers)

    def _rows(self, columns: str, condition: str, *values: int) -> Iterator[Sequence[Any]]:
        query = f"SELECT {columns} FROM {self._table} WHERE {condition}"
        return self._db.each(query, (self._project, *values))

    def _examine(self, row: Sequence[Any]) -> tuple[str, int, bool]:
        """Return a row's name, how many tokens its words make, and whether the words are what it says."""
        terms, identity, *fields = row
        name, derived = self._derive(*fields)
        return name, len(index_tokens(terms, identity)), derived in {None, terms}

    def _tally_index(self) -> Tally:
        """Return what the index says of tokens, and of the token that every entry has."""
        query = f"SELECT count(*), coalesce(sum(doc), 0) FROM {self._instances} WHERE term = ?"
        ((entries, numbers),) = self._db.all(query, (self._mark + OF_ALL,))
        tokens = 0
        query = f"SELECT coalesce(sum(doc), 0) FROM {self._tokens} WHERE term >= ? AND term < ?"
        for within in pairwise(self._mark + step for step in _STEPS):
            tokens += self._db.all(query, within)[0][0]
            self._tick(0)
        return Tally(tokens, entries, numbers)

    def _compare_rows(self, first: int) -> Iterator[str]:
        """Compare each row with its own tokens; the index is read once for so many rows."""
        wrong = Wrong(self._table)
        strangers = start = 0
        while start < LAST:
            end = self._end_of(max(first, start))
            counts = self._count_tokens(start, end)
            # By their numbers, not by an index of projects.
            condition = "+project = ? AND number >= ? AND number < ?"
            for number, *row in self._rows(self._row, condition, max(first, start), end):
                name, count, is_right = self._examine(row)
                if counts.pop(number, 0) != count or not is_right:
                    wrong.add(name)
            strangers += len(counts)
            start = end
            self._tick(0)
        yield from wrong
        if strangers:
            yield f"{strangers} entries of kind {self._table} are of rows that do not exist"

    def _end_of(self, start: int) -> int:
        """Return the number behind the next rows of all projects from ``start`` on."""
        query = f"SELECT number FROM {self._table} WHERE number >= ? ORDER BY number LIMIT 1 OFFSET {ROWS}"
        found = self._db.one(query, (start,))
        return LAST if found is None else int(found[0])

    def _count_tokens(self, start: int, end: int) -> Counter[int]:
        within: tuple[Any, ...] = (self._mark, self._mark + "\U0010ffff", start, end)
        query = f"SELECT doc FROM {self._instances} WHERE term >= ? AND term < ? AND doc >= ? AND doc < ?"
        return Counter(number for (number,) in self._db.each(query, within))
