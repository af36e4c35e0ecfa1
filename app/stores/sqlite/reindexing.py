"""Checking the search index against the rows it was made from, and making it anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from sqlite3 import Connection
from typing import Final

import orjson

from ...domain.records import JsonText
from ...search.analysis import body_terms, dialogue_terms, memory_terms
from .database import SqliteDatabase
from .indexing import add_terms, count_terms, index_text, project_mark
from .mapping import read_tags

MOST_PROBLEMS: Final = 100
"""How many wrong entries of one kind are named one by one."""

_Derive = Callable[..., tuple[str, str | None]]
"""Returns, from columns of a row, its name and the terms that it ought to have (None: it is damaged)."""


def _of_dialogue(name: str, label: str | None, tags: str, metadata: JsonText) -> tuple[str, str]:
    return f"dialogue {name}", dialogue_terms(label, read_tags(tags), metadata)


def _of_message(name: str, dialogue: str, body: JsonText) -> tuple[str, str | None]:
    return f"message {name} of dialogue {dialogue}", body_terms(body)


def _of_memory(name: str, label: str | None, description: str | None, value: str) -> tuple[str, str]:
    return f"memory {name}", memory_terms(label, description, orjson.loads(value))


INDEXED: Final[dict[str, tuple[str, _Derive]]] = {
    "dialogue": ("id, label, tags, metadata", _of_dialogue),
    "message": ("id, dialogue_id, body", _of_message),
    "memory": ("id, label, description, value", _of_memory),
}


def find_problems(db: SqliteDatabase, project: str) -> list[str]:
    """Return what of a project the search index does not hold as it is stored, in words.

    Everything is read in one snapshot, so that writers do not disturb it.
    """
    with db.snapshot():
        return [text for table in INDEXED for text in _problems(db, table, project)]


def _problems(db: SqliteDatabase, table: str, project: str) -> Iterator[str]:
    columns, derive = INDEXED[table]
    wrong = expected = 0
    query = f"SELECT number, namespace, terms, size, {columns} FROM {table} WHERE project = ?"
    for number, namespace, terms, size, *fields in db.each(query, (project,)):
        name, derived = derive(*fields)
        wanted = terms if derived is None else derived
        expected += size
        if (terms, size) == (wanted, count_terms(wanted)) and _has(
            db, table, number, index_text(project, namespace, terms)
        ):
            continue
        wrong += 1
        if wrong <= MOST_PROBLEMS:
            yield f"{name} is not indexed by what it says"
    if wrong > MOST_PROBLEMS:
        yield f"{wrong - MOST_PROBLEMS} more of kind {table}"
    found = _count(db, table, project_mark(project))
    if wrong == 0 and found != expected:
        yield f"{found} entries for the terms of kind {table}, which has {expected}"


def _has(db: SqliteDatabase, table: str, number: int, text: str) -> bool:
    if " " not in text:
        return True
    expression = " AND ".join(f'"{token}"' for token in text.split())
    sql = f"SELECT 1 FROM {table}_terms WHERE {table}_terms MATCH ? AND rowid = ?"
    return db.one(sql, (expression, number)) is not None


def _count(db: SqliteDatabase, table: str, mark: str) -> int:
    """Return how many entries the terms of a project have."""
    view = f"{table}_entries"
    db.all(f"CREATE VIRTUAL TABLE IF NOT EXISTS temp.{view} USING fts5vocab(main, {table}_terms, 'instance')")
    count: int = db.all(f"SELECT count(*) FROM {view} WHERE term >= ? AND term < ?", (mark, mark + "~"))[0][0]
    return count


def reindex(connection: Connection) -> int:
    """Make the search index anew from what is stored, for all projects; how many rows it has."""
    count = 0
    for table, (columns, derive) in INDEXED.items():
        connection.execute(f"INSERT INTO {table}_terms ({table}_terms) VALUES ('delete-all')")
        query = f"SELECT number, project, namespace, terms, size, {columns} FROM {table}"
        for number, project, namespace, terms, size, *fields in connection.execute(query).fetchall():
            _, derived = derive(*fields)
            wanted = terms if derived is None else derived
            if (terms, size) != (wanted, count_terms(wanted)):
                sql = f"UPDATE {table} SET terms = ?, size = ? WHERE number = ?"
                connection.execute(sql, (wanted, count_terms(wanted), number))
            add_terms(connection, table, project, [(number, namespace, wanted)])
            count += 1
    return count
