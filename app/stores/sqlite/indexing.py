"""The search index: FTS5 tables beside dialogue, message and memory, kept in the same transaction.

They hold the tokens of ``search.tokens`` and no copy of the text: to remove an row, its tokens are
made again from the words in the row. FTS5 neither folds nor splits a token, keeps only which rows
have it, and gives the newest row first. What is indexed is queued to be embedded, too, and what is
removed from the index loses its vectors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from sqlite3 import Connection
from typing import Any, Final, NamedTuple

from ...domain.records import Scope
from ...search.tokens import index_text, marked_text

IndexedRow = tuple[int, str, str, str]
"""Number of the row, its namespace, its words, what identifies it in its namespace."""

IDENTITY: Final = {"dialogue": "id", "message": "dialogue_id || '/' || id", "memory": "id"}
"""What identifies a row in its namespace, by table."""

INDEXED_ROW: Final = {table: f"number, namespace, terms, {identity}" for table, identity in IDENTITY.items()}
"""The columns of an IndexedRow, by table."""


ENQUEUE: Final = "INSERT INTO vector (kind, number, model, project, namespace) VALUES (?, ?, ?, ?, ?)"
_DROP: Final = "DELETE FROM vector WHERE kind = ? AND number = ?"


def count_terms(terms: str) -> int:
    """Return the number of words."""
    return terms.count(" ") + 1 if terms else 0


def row_text(project: str, row: IndexedRow) -> str:
    """Return the tokens that a row is indexed by, separated by spaces."""
    _, namespace, terms, identity = row
    return marked_text(index_text(terms, identity), Scope(project, namespace))


def pending_before(connection: Connection, table: str) -> int:
    """Return the number before which rows of ``table`` are not indexed yet, 0 if all are."""
    row = connection.execute("SELECT pending FROM reindexing WHERE kind = ?", (table,)).fetchone()
    return 0 if row is None else int(row[0])


def add_terms(connection: Connection, table: str, project: str, rows: Iterable[IndexedRow]) -> None:
    """Index rows of ``table`` that have words, but those whose turn is still to come."""
    first = pending_before(connection, table)
    insert_tokens(connection, table, project, [row for row in rows if row[0] >= first])


def insert_tokens(connection: Connection, table: str, project: str, rows: Iterable[IndexedRow]) -> None:
    """Index rows of ``table`` that have words."""
    add_texts(connection, table, [(row[0], row_text(project, row)) for row in rows])


def add_texts(connection: Connection, table: str, rows: Iterable[tuple[int, str]]) -> None:
    """Index rows of ``table``, each by a text of marked tokens, if it has any."""
    sql = f"INSERT INTO {table}_tokens (rowid, tokens) VALUES (?, ?)"
    connection.executemany(sql, [row for row in rows if row[1]])


def drop_terms(connection: Connection, table: str, project: str, rows: Iterable[IndexedRow]) -> None:
    """Remove rows of ``table`` from the index, the words being those that were added, and their vectors."""
    rows = list(rows)
    drop_vectors(connection, table, [row[0] for row in rows])
    first = pending_before(connection, table)
    connection.executemany(
        f"INSERT INTO {table}_tokens ({table}_tokens, rowid, tokens) VALUES ('delete', ?, ?)",
        [(row[0], row_text(project, row)) for row in rows if row[2] and row[0] >= first],
    )


class Vocabulary(NamedTuple):
    """A view of an index that lives as long as its connection."""

    name: str
    definition: str


def vocabulary_of(table: str, detail: str = "instance") -> Vocabulary:
    """Return the view of the index of a table, by token and row, or by token alone (``row``)."""
    name = f"{table}_{detail}_vocabulary"
    made = f"CREATE VIRTUAL TABLE IF NOT EXISTS temp.{name} "
    return Vocabulary(name, made + f"USING fts5vocab(main, {table}_tokens, '{detail}')")


def match_any(mark: str, tokens: Sequence[str]) -> str:
    """Return the FTS5 expression for rows that have any of the tokens under a mark."""
    return " OR ".join([f'"{mark}{token}"' for token in tokens])


def enqueue(
    connection: Connection, table: str, project: str, rows: Iterable[Sequence[Any]], model: str | None
) -> None:
    """Queue rows of ``table``, given by number and namespace, to be embedded by a model, if there is one."""
    if model is not None:
        connection.executemany(ENQUEUE, [(table, row[0], model, project, row[1]) for row in rows])


def drop_vectors(connection: Connection, table: str, numbers: Iterable[int]) -> None:
    """Remove the vectors and entries of rows of ``table``."""
    connection.executemany(_DROP, [(table, number) for number in numbers])
