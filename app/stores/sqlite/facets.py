"""What lists of dialogues filter metadata by: a digest of each scalar at its top level.

The table ``dialogue_facet`` has a row for each, added and removed with the dialogue; metadata never changes.
A trigger for that would cost four times as much.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from hashlib import blake2b
from sqlite3 import Connection
from typing import TYPE_CHECKING, Final

import orjson

from ...domain.json_text import canonical_json
from ...domain.list_queries import MetadataFilter
from ...domain.records import Dialogue, JsonText, Scalar, Scope

if TYPE_CHECKING:
    from .database import SqliteDatabase

DIGEST_BYTES: Final = 12

KIND: Final = "facet"
"""The rows' name in ``reindexing``."""

IS_PENDING: Final = f"SELECT 1 FROM reindexing WHERE kind = '{KIND}'"

_EXPECTED: Final = (
    "SELECT dialogue.project, value, dialogue.created, dialogue.namespace, dialogue.id "
    "FROM dialogue CROSS JOIN json_each(facets(dialogue.metadata))"
)
_STORE_BATCH: Final = (
    f"INSERT OR IGNORE INTO dialogue_facet {_EXPECTED} WHERE dialogue.number >= ? AND dialogue.number < ?"
)
_FIRST_OF_BATCH: Final = (
    "SELECT min(number), count(*) FROM "
    "(SELECT number FROM dialogue WHERE number < ? ORDER BY number DESC LIMIT ?)"
)


def digest_of(key: str, value: Scalar) -> str:
    """Return what equal values under a key share: 1 and 1.0 are equal, 1 and "1" and true are not."""
    digest = blake2b(canonical_json([key, value]), digest_size=DIGEST_BYTES).digest()
    return urlsafe_b64encode(digest).decode()


def digests_of(wanted: MetadataFilter) -> list[str]:
    """Return the digests of which a dialogue has to have one."""
    return [digest_of(wanted.key, value) for value in wanted.values]


def add_functions(connection: Connection) -> None:
    """Give a connection the function ``facets(metadata)``: digests as a JSON array."""
    connection.create_function("facets", 1, _facets, deterministic=True)


def add_rows(connection: Connection, dialogue: Dialogue) -> None:
    """Add the rows of a new dialogue."""
    place = (dialogue.created, dialogue.namespace, dialogue.id)
    rows = [(dialogue.project, digest, *place) for digest in _digests(dialogue.metadata)]
    connection.executemany("INSERT INTO dialogue_facet VALUES (?, ?, ?, ?, ?)", rows)


def drop_rows(
    connection: Connection, scope: Scope, created: str, dialogue_id: str, metadata: JsonText
) -> None:
    """Remove the rows of a dialogue that is removed."""
    key = "digest = ? AND project = ? AND namespace = ? AND created = ? AND id = ?"
    place = (scope.project, scope.namespace, created, dialogue_id)
    rows = [(digest, *place) for digest in _digests(metadata)]
    connection.executemany(f"DELETE FROM dialogue_facet WHERE {key}", rows)


def store_step(connection: Connection, pending: int, rows: int) -> tuple[int, int] | None:
    """Add the rows of the newest dialogues numbered below ``pending``; see ``reindexing``."""
    first, count = connection.execute(_FIRST_OF_BATCH, (pending, rows)).fetchone()
    if not count:
        return None
    connection.execute(_STORE_BATCH, (first, pending))
    return first, count


def forget(connection: Connection) -> None:
    """Remove all rows, and put down every dialogue to get its own again."""
    connection.execute("DELETE FROM dialogue_facet")
    connection.execute("DELETE FROM reindexing WHERE kind = ?", (KIND,))
    connection.execute(
        "INSERT INTO reindexing SELECT ?, max(number) + 1 FROM dialogue HAVING max(number) IS NOT NULL",
        (KIND,),
    )


def find_problems(db: SqliteDatabase, project: str) -> Iterator[str]:
    """Yield what of a project's metadata lists cannot filter by, and what of it is not there."""
    if db.one(IS_PENDING) is not None:
        yield "metadata of older dialogues is still to be indexed"
        return
    stored = "SELECT project, digest, created, namespace, id FROM dialogue_facet WHERE project = ?"
    expected = f"{_EXPECTED} WHERE dialogue.project = ?"
    for first, second, problem in ((expected, stored, "are missing"), (stored, expected, "do not exist")):
        count = db.all(f"SELECT count(*) FROM ({first} EXCEPT {second})", (project, project))[0][0]
        if count:
            yield f"{count} values of metadata that lists filter by {problem}"


def _facets(metadata: JsonText) -> str:
    return orjson.dumps(list(_digests(metadata))).decode()


def _digests(metadata: JsonText) -> Iterator[str]:
    for key, value in {} if metadata == "{}" else orjson.loads(metadata).items():
        if not isinstance(value, dict | list):
            yield digest_of(key, value)
