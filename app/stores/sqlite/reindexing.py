"""Checking the search index against the rows it was made from, and making it anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from sqlite3 import Connection
from typing import Final, cast

import orjson

from ...domain.records import JsonText
from ...search.analysis import body_terms, dialogue_terms, memory_terms
from ...search.tokens import index_tokens, mark
from . import facets
from .database import SqliteDatabase
from .indexing import INDEXED_ROW, count_terms, insert_tokens, vocabulary_of
from .mapping import read_tags

MOST_PROBLEMS: Final = 100
"""How many wrong entries of one kind are named one by one."""

_Derive = Callable[..., tuple[str, str | None]]
"""Returns, from columns of a row, its name and the words that it ought to have (None: it is damaged)."""


def _of_dialogue(name: str, label: str | None, tags: str, metadata: JsonText) -> tuple[str, str]:
    return f"dialogue {name}", dialogue_terms(label, read_tags(tags), metadata)


def _of_message(name: str, dialogue: str, body: JsonText) -> tuple[str, str | None]:
    return f"message {name} of dialogue {dialogue}", body_terms(body)


def _of_memory(
    name: str, label: str | None, description: str | None, tags: str, value: str
) -> tuple[str, str]:
    return f"memory {name}", memory_terms(label, description, read_tags(tags), orjson.loads(value))


INDEXED: Final[dict[str, tuple[str, _Derive]]] = {
    "dialogue": ("id, label, tags, metadata", _of_dialogue),
    "message": ("id, dialogue_id, body", _of_message),
    "memory": ("id, label, description, tags, value", _of_memory),
}


def find_problems(db: SqliteDatabase, project: str) -> list[str]:
    """Return what of a project the search index does not hold as it is stored, in words.

    Everything is read in one snapshot, so that writers do not disturb it.
    """
    with db.snapshot():
        found = [text for table in INDEXED for text in _problems(db, table, project)]
        return found + list(facets.find_problems(db, project))


def _problems(db: SqliteDatabase, table: str, project: str) -> Iterator[str]:
    """Compare what each row says with its words, and how many tokens it has with how many it ought to."""
    pending = db.all("SELECT pending FROM reindexing WHERE kind = ?", (table,))
    if pending:
        yield f"rows of kind {table} numbered below {pending[0][0]} are still to be indexed"
    columns, derive = INDEXED[table]
    indexed = _count_tokens(db, table, mark(project))
    wrong = 0
    query = f"SELECT {INDEXED_ROW[table]}, {columns} FROM {table} WHERE project = ? AND number >= ?"
    for number, _, terms, identity, *fields in db.each(query, (project, *(pending or [(0,)])[0])):
        name, derived = derive(*fields)
        is_right = derived is None or terms == derived
        if indexed.pop(number, 0) == len(index_tokens(terms, identity)) and is_right:
            continue
        wrong += 1
        if wrong <= MOST_PROBLEMS:
            yield f"{name} is not indexed by what it says"
    if wrong > MOST_PROBLEMS:
        yield f"{wrong - MOST_PROBLEMS} more of kind {table}"
    if indexed:
        yield f"{len(indexed)} entries of kind {table} are of rows that do not exist"


def _count_tokens(db: SqliteDatabase, table: str, project_mark: str) -> Counter[int]:
    """Return how many tokens under a mark each row has."""
    view = vocabulary_of(table)
    db.all(view.definition)
    within = (project_mark, project_mark + "\U0010ffff")
    found = db.each(f"SELECT doc FROM {view.name} WHERE term >= ? AND term < ?", within)
    return Counter(number for (number,) in found)


def forget(connection: Connection) -> None:
    """Empty the index, and put down every row to be indexed again."""
    for table in INDEXED:
        connection.execute(f"INSERT INTO {table}_tokens ({table}_tokens) VALUES ('delete-all')")
        connection.execute("DELETE FROM reindexing WHERE kind = ?", (table,))
        connection.execute(
            f"INSERT INTO reindexing SELECT ?, max(number) + 1 FROM {table} HAVING max(number) IS NOT NULL",
            (table,),
        )
    facets.forget(connection)


def index_step(connection: Connection, rows: int) -> int:
    """Index the newest rows of those that are still to do; how many."""
    for table, pending in connection.execute("SELECT kind, pending FROM reindexing ORDER BY kind").fetchall():
        index = facets.store_step if table == facets.KIND else partial(_index_below, table=table)
        last = index(connection, pending=pending, rows=rows)
        if last is not None:
            connection.execute("UPDATE reindexing SET pending = ? WHERE kind = ?", (last[0], table))
            return last[1]
        connection.execute("DELETE FROM reindexing WHERE kind = ?", (table,))
    return 0


def _index_below(connection: Connection, *, table: str, pending: int, rows: int) -> tuple[int, int] | None:
    """Index up to ``rows`` rows below a number; the lowest of them and how many, or None without any."""
    columns, derive = INDEXED[table]
    query = (
        f"SELECT {INDEXED_ROW[table]}, project, size, {columns} FROM {table} "
        "WHERE number < ? ORDER BY number DESC LIMIT ?"
    )
    found = connection.execute(query, (pending, rows)).fetchall()
    for number, namespace, terms, identity, project, size, *fields in reversed(found):
        _, derived = derive(*fields)
        words = terms if derived is None else derived
        if (words, count_terms(words)) != (terms, size):
            sql = f"UPDATE {table} SET terms = ?, size = ? WHERE number = ?"
            connection.execute(sql, (words, count_terms(words), number))
        insert_tokens(connection, table, project, [(number, namespace, words, identity)])
    return (cast("int", found[-1][0]), len(found)) if found else None
