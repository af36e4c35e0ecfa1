"""Making the search index anew from the rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from sqlite3 import Connection
from typing import Final, cast

import orjson

from ...domain.records import JsonText, Scope
from ...search.analysis import body_terms, dialogue_terms, memory_terms
from ...search.tokens import index_text, marked_text
from . import checksums, facets
from .indexing import INDEXED_ROW, add_texts, count_terms
from .mapping import read_tags

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


LIST_REINDEXING: Final = (
    "SELECT kind, pending FROM reindexing WHERE kind IN (SELECT value FROM json_each(?)) ORDER BY kind"
)

STEPS: Final = {facets.KIND: facets.store_step, checksums.KIND: checksums.store_step}
"""What is made of rows beside the index."""


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
    """Index the newest rows of those that are still to do; how many.

    What a later release wants to have made is left to its servers.
    """
    kinds = orjson.dumps([*INDEXED, *STEPS]).decode()
    for table, pending in connection.execute(LIST_REINDEXING, (kinds,)).fetchall():
        index = STEPS.get(table) or partial(_index_below, table=table)
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
        tokens = index_text(words, identity)
        add_texts(connection, table, [(number, marked_text(tokens, Scope(project, namespace)))])
        if table == "message":
            connection.execute(checksums.SET_CHECKSUM, (count_terms(tokens), number))
    return (cast("int", found[-1][0]), len(found)) if found else None
