"""The file that Colloquy's bench loads, read and written with plain sqlite3 by the contenders.

The same tables, indexes, durability (WAL, a full sync each commit) and transactions as Colloquy's, with
SQLite's own tokenizer for the search index where Colloquy stems.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing
from typing import Any

from bench.contenders.shared import EndedError, NotFoundError, new_id, new_message, now

HEAD = (
    "id, project, status, tags, metadata, total, thread_count, created, modified, last_message_created, "
    "thread_of, label"
)
GET = f"SELECT {HEAD}, state, recent FROM dialogue WHERE project = ? AND namespace = '' AND id = ?"
LIST = (
    " UNION ALL ".join(
        f"SELECT {HEAD}, namespace FROM dialogue "
        f"WHERE project = ?1 AND is_thread = {is_thread} AND status IN ('active', 'ended')"
        for is_thread in (0, 1)
    )
    + " ORDER BY created DESC, namespace DESC, id DESC LIMIT ?2"
)
"""Roots and threads, each in the order of an index, merged."""
LOCK = (
    "SELECT uid, status, next_seq, total, recent, state FROM dialogue "
    "WHERE project = ? AND namespace = '' AND id = ?"
)
SAVE = (
    "UPDATE dialogue SET rev = rev + 1, next_seq = ?, total = ?, modified = ?, last_message_created = ?, "
    "recent = ?, recent_count = ? WHERE project = ? AND namespace = '' AND id = ?"
)
SAVE_STATE = (
    "UPDATE dialogue SET rev = rev + 1, modified = ?, state = ? "
    "WHERE project = ? AND namespace = '' AND id = ?"
)
INSERT_DIALOGUE = (
    "INSERT INTO dialogue (project, namespace, id, uid, rev, next_seq, total, thread_count, status, tags, "
    "created, modified, create_hash, created_count, label, last_message_created, size, terms, recent_count, "
    "metadata, state, recent) "
    "VALUES (?, '', ?, ?, 1, ?, ?, 0, 'active', ?, ?, ?, '', ?, ?, ?, 0, '', ?, ?, ?, ?)"
)
INSERT_MESSAGE = (
    "INSERT INTO message (project, namespace, dialogue_id, uid, id, seq, role, tags, created, modified, "
    "hash, "
    "has_image, size, metadata, terms, body) VALUES (?, '', ?, ?, ?, ?, ?, ?, ?, ?, '', 0, 0, ?, '', ?)"
)
INSERT_TERMS = "INSERT INTO message_tokens (rowid, tokens) VALUES (?, ?)"
FIND_UID = "SELECT uid FROM dialogue WHERE project = ? AND namespace = '' AND id = ?"
PAGE = (
    "SELECT created, seq, body FROM message WHERE project = ? AND namespace = '' AND dialogue_id = ? "
    "AND uid = ? AND (created, seq) > (?, ?) ORDER BY created, seq LIMIT ?"
)
INDEX_WORDS = (
    "CREATE VIRTUAL TABLE plain_words USING fts5(content, content='', tokenize='porter')",
    "INSERT INTO plain_words (rowid, content) "  # noqa: ISC004  # one statement, two lines
    "SELECT rowid, json_extract(CAST(body AS TEXT), '$.content') FROM message",
)
SEARCH = (
    "SELECT body FROM (SELECT rowid AS found, rank FROM plain_words WHERE plain_words MATCH ? "
    "ORDER BY rank LIMIT ?) JOIN message ON message.number = found WHERE project = ? ORDER BY rank"
)
FIND_KEY = "SELECT hash, project, revoked FROM access_key WHERE hash = ?"


class SqliteStore:
    """One file; one connection for each thread."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._mine = threading.local()

    def _connection(self) -> sqlite3.Connection:
        connection = getattr(self._mine, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, timeout=10, isolation_level=None)
            connection.execute("PRAGMA synchronous = FULL")
            self._mine.connection = connection
        return connection

    def find_key(self, digest: str) -> tuple[str, str, str | None] | None:
        """Return a key's hash, project and time of revocation."""
        row: tuple[str, str, str | None] | None = self._connection().execute(FIND_KEY, (digest,)).fetchone()
        return row

    def get_dialogue(self, project: str, dialogue_id: str) -> dict[str, Any]:
        """Return a dialogue with its state and last 10 messages."""
        row = self._connection().execute(GET, (project, dialogue_id)).fetchone()
        if row is None:
            raise NotFoundError
        return head(row[:-2]) | {"state": json.loads(row[-2]), "messages": json.loads(row[-1])}

    def list_dialogues(self, project: str, limit: int) -> dict[str, Any]:
        """Return the newest dialogues."""
        rows = self._connection().execute(LIST, (project, limit + 1)).fetchall()
        answer: dict[str, Any] = {"items": [head(row) for row in rows[:limit]]}
        if len(rows) > limit:
            answer["next"] = f"{rows[limit - 1][7]},{rows[limit - 1][0]}"
        return answer

    def append(self, project: str, dialogue_id: str, sent: dict[str, Any]) -> dict[str, Any]:
        """Add a message in one transaction."""
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            row = connection.execute(LOCK, (project, dialogue_id)).fetchone()
            if row is None:
                raise NotFoundError
            uid, status, seq, total, recent, _ = row
            if status != "active":
                raise EndedError
            message = new_message(sent, dialogue_id, now())
            tail = [*json.loads(recent), message][-10:]
            when = message["created"]
            values = (seq + 1, total + 1, when, when, json.dumps(tail), len(tail), project, dialogue_id)
            connection.execute(SAVE, values)
            _insert(connection, project, uid, seq, message)
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        return message

    def create(self, project: str, sent: dict[str, Any]) -> dict[str, Any]:
        """Create a dialogue with its messages in one transaction."""
        when, dialogue_id, uid = now(), sent.get("id") or new_id(), new_id()
        messages = [new_message(item, dialogue_id, when) for item in sent.get("messages", ())]
        count = len(messages)
        tags, metadata, state = sent.get("tags") or [], sent.get("metadata") or {}, sent.get("state") or {}
        last = when if messages else None
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(
                INSERT_DIALOGUE,
                (
                    project,
                    dialogue_id,
                    uid,
                    count,
                    count,
                    json.dumps(tags),
                    when,
                    when,
                    count,
                    sent.get("label"),
                    last,
                    min(count, 10),
                    json.dumps(metadata),
                    json.dumps(state),
                    json.dumps(messages[-10:]),
                ),
            )
            for seq, message in enumerate(messages):
                _insert(connection, project, uid, seq, message)
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        row = (
            dialogue_id,
            project,
            "active",
            "[]",
            "{}",
            count,
            0,
            when,
            when,
            last,
            None,
            sent.get("label"),
        )
        return head(row) | {"tags": tags, "metadata": metadata, "state": state, "messages": messages}

    def merge_state(self, project: str, dialogue_id: str, sent: dict[str, Any]) -> dict[str, Any]:
        """Merge keys into the state in one transaction."""
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            row = connection.execute(LOCK, (project, dialogue_id)).fetchone()
            if row is None:
                raise NotFoundError
            state: dict[str, Any] = json.loads(row[5]) | sent
            connection.execute(SAVE_STATE, (now(), json.dumps(state), project, dialogue_id))
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        return state

    def page(self, project: str, dialogue_id: str, limit: int, after: str | None) -> dict[str, Any]:
        """Return one page of a dialogue's messages, oldest first."""
        connection = self._connection()
        found = connection.execute(FIND_UID, (project, dialogue_id)).fetchone()
        if found is None:
            raise NotFoundError
        created, _, seq = (after or ",-1").partition(",")
        values = (project, dialogue_id, found[0], created, int(seq), limit + 1)
        rows = connection.execute(PAGE, values).fetchall()
        answer: dict[str, Any] = {"items": [json.loads(row[2]) for row in rows[:limit]]}
        if len(rows) > limit:
            answer["next"] = f"{rows[limit - 1][0]},{rows[limit - 1][1]}"
        return answer

    def search(self, project: str, query: str, limit: int) -> list[dict[str, Any]]:
        """Return messages with any of the words, the best by FTS5's own ranking first."""
        words = " OR ".join('"' + word.replace('"', '""') + '"' for word in query.split())
        rows = self._connection().execute(SEARCH, (words, limit, project)).fetchall()
        return [json.loads(row[0]) for row in rows]


def index_words(path: str) -> None:
    """Make what ``search`` reads of the messages that are there."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in INDEX_WORDS:
            connection.execute(statement)


def _insert(
    connection: sqlite3.Connection, project: str, uid: str, seq: int, message: dict[str, Any]
) -> None:
    values = (
        project,
        message["dialogueId"],
        uid,
        message["id"],
        seq,
        message["role"],
        json.dumps(message["tags"]),
        message["created"],
        message["modified"],
        json.dumps(message["metadata"]),
        json.dumps(message),
    )
    number = connection.execute(INSERT_MESSAGE, values).lastrowid
    if isinstance(message["content"], str):
        connection.execute(INSERT_TERMS, (number, message["content"]))


def head(row: Any) -> dict[str, Any]:
    """Return a dialogue's fields, as lists show them, of a row of HEAD."""
    fields = {
        "id": row[0],
        "projectId": row[1],
        "status": row[2],
        "tags": json.loads(row[3]),
        "metadata": json.loads(row[4]),
        "totalMessages": row[5],
        "threadCount": row[6],
        "created": row[7],
        "modified": row[8],
    }
    optional = {"lastMessageCreated": row[9], "threadOf": row[10], "label": row[11]}
    return fields | {name: value for name, value in optional.items() if value is not None}
