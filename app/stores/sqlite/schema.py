"""The tables, as numbered migrations; ``PRAGMA user_version`` says how many have run.

Every table of clients' data has an explicit integer key, because the search index refers to it and
an implicit rowid may change. Large columns come last, so that lists and searches, which do not
name them, never read the pages they overflow to. List indexes end with the columns that lists
filter by, so that a row is only visited when it is answered. The table ``grave`` holds tombstones.
"""

from __future__ import annotations

from collections.abc import Callable
from sqlite3 import Connection
from typing import Any, Final

from ...domain.errors import ServiceUnavailable

_CATALOG = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
INSERT INTO meta (name, value) VALUES ('cursor_secret', randomblob(32));
CREATE TABLE project (
    name TEXT PRIMARY KEY, immutable INTEGER NOT NULL, created TEXT NOT NULL,
    closed INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX project_closing ON project (name) WHERE closed = 1;
CREATE TABLE access_key (
    id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, project TEXT NOT NULL, rights TEXT NOT NULL,
    created TEXT NOT NULL, namespace TEXT, label TEXT, expires TEXT, revoked TEXT, last_used TEXT
) WITHOUT ROWID;
CREATE INDEX access_key_age ON access_key (created, id);
CREATE INDEX access_key_project ON access_key (project, created, id);
CREATE TABLE idempotency (
    request TEXT PRIMARY KEY, project TEXT NOT NULL, namespace TEXT NOT NULL,
    fingerprint TEXT NOT NULL, etag TEXT, expires TEXT NOT NULL, body TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX idempotency_scope ON idempotency (project, namespace);
CREATE INDEX idempotency_expiry ON idempotency (expires);
"""

_DIALOGUES = """
CREATE TABLE dialogue (
    number INTEGER PRIMARY KEY,
    project TEXT NOT NULL, namespace TEXT NOT NULL, id TEXT NOT NULL, uid TEXT NOT NULL,
    rev INTEGER NOT NULL, next_seq INTEGER NOT NULL, total INTEGER NOT NULL,
    thread_count INTEGER NOT NULL, status TEXT NOT NULL, tags TEXT NOT NULL,
    created TEXT NOT NULL, modified TEXT NOT NULL, create_hash TEXT NOT NULL,
    created_count INTEGER NOT NULL, thread_of TEXT, label TEXT, last_message_created TEXT,
    ended_at TEXT, archived_at TEXT, size INTEGER NOT NULL, terms TEXT NOT NULL,
    recent_count INTEGER NOT NULL, metadata TEXT NOT NULL, state TEXT NOT NULL, recent TEXT NOT NULL,
    UNIQUE (project, namespace, id)
);
CREATE INDEX dialogue_project ON dialogue (project, created, namespace, id, status, tags);
CREATE INDEX dialogue_namespace ON dialogue (project, namespace, created, id, status, tags);
CREATE INDEX dialogue_thread ON dialogue (project, namespace, thread_of, created, id, status, tags)
    WHERE thread_of IS NOT NULL;
CREATE INDEX dialogue_status ON dialogue (project, namespace, status);
CREATE TABLE grave (
    project TEXT NOT NULL, namespace TEXT NOT NULL, dialogue_id TEXT NOT NULL, uid TEXT NOT NULL,
    fate INTEGER NOT NULL,
    PRIMARY KEY (project, namespace, dialogue_id, uid)
) WITHOUT ROWID;
CREATE INDEX grave_pending ON grave (fate) WHERE fate IN (1, 2);
CREATE VIRTUAL TABLE dialogue_terms USING fts5 (
    terms, content = '', detail = none, columnsize = 0,
    tokenize = "unicode61 remove_diacritics 0 tokenchars '_'"
);
"""

_MESSAGES = """
CREATE TABLE message (
    number INTEGER PRIMARY KEY,
    project TEXT NOT NULL, namespace TEXT NOT NULL, dialogue_id TEXT NOT NULL, uid TEXT NOT NULL,
    id TEXT NOT NULL, seq INTEGER NOT NULL, role TEXT NOT NULL, tags TEXT NOT NULL,
    created TEXT NOT NULL, modified TEXT NOT NULL, hash TEXT NOT NULL, has_image INTEGER NOT NULL,
    size INTEGER NOT NULL, metadata TEXT NOT NULL, terms TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (project, namespace, dialogue_id, id, uid)
);
CREATE INDEX message_order ON message (project, namespace, dialogue_id, uid, created, seq);
CREATE INDEX message_seq ON message (project, namespace, dialogue_id, uid, seq);
CREATE INDEX message_image ON message (project, namespace, dialogue_id, uid) WHERE has_image = 1;
CREATE VIRTUAL TABLE message_terms USING fts5 (
    terms, content = '', detail = none, columnsize = 0,
    tokenize = "unicode61 remove_diacritics 0 tokenchars '_'"
);
"""

_MEMORIES = """
CREATE TABLE memory (
    number INTEGER PRIMARY KEY,
    project TEXT NOT NULL, namespace TEXT NOT NULL, id TEXT NOT NULL, tags TEXT NOT NULL,
    created TEXT NOT NULL, modified TEXT NOT NULL, hash TEXT NOT NULL, label TEXT,
    description TEXT, size INTEGER NOT NULL, metadata TEXT NOT NULL, terms TEXT NOT NULL,
    value TEXT NOT NULL,
    UNIQUE (project, namespace, id)
);
CREATE INDEX memory_project ON memory (project, created, namespace, id, tags);
CREATE INDEX memory_namespace ON memory (project, namespace, created, id, tags);
CREATE VIRTUAL TABLE memory_terms USING fts5 (
    terms, content = '', detail = none, columnsize = 0,
    tokenize = "unicode61 remove_diacritics 0 tokenchars '_'"
);
CREATE TABLE summary (
    number INTEGER PRIMARY KEY,
    project TEXT NOT NULL, namespace TEXT NOT NULL, id TEXT NOT NULL, dialogue_id TEXT NOT NULL,
    uid TEXT NOT NULL, created TEXT NOT NULL, through_seq INTEGER NOT NULL, ranged INTEGER NOT NULL,
    completed INTEGER NOT NULL, stale INTEGER NOT NULL, hash TEXT NOT NULL, body TEXT NOT NULL,
    UNIQUE (project, namespace, id)
);
CREATE INDEX summary_order ON summary (project, namespace, dialogue_id, uid, created, id);
CREATE INDEX summary_uid ON summary (project, namespace, uid, through_seq);
CREATE INDEX summary_latest ON summary (project, namespace, dialogue_id, uid, created, id)
    WHERE completed = 1 AND ranged = 0;
"""

# The index of version 1 gives way to one whose tokens say how much a word weighs. What is stored
# already is indexed again in steps, from the newest row down to the first: ``pending`` says up to
# which number, itself left out, rows are still to do.
RANKED_SEARCH = """
CREATE TABLE reindexing (kind TEXT PRIMARY KEY, pending INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO reindexing SELECT 'dialogue', max(number) + 1 FROM dialogue HAVING max(number) IS NOT NULL;
INSERT INTO reindexing SELECT 'message', max(number) + 1 FROM message HAVING max(number) IS NOT NULL;
INSERT INTO reindexing SELECT 'memory', max(number) + 1 FROM memory HAVING max(number) IS NOT NULL;
DROP TABLE dialogue_terms;
DROP TABLE message_terms;
DROP TABLE memory_terms;
""" + "".join(
    f"CREATE VIRTUAL TABLE {kind}_tokens USING fts5 ("
    "tokens, content = '', detail = none, columnsize = 0, tokenize = \"ascii tokenchars '!_'\");\n"
    for kind in ("dialogue", "message", "memory")
)

_AUDIT = """
CREATE TABLE audit (
    id TEXT PRIMARY KEY, time TEXT NOT NULL, action TEXT NOT NULL, details TEXT NOT NULL, project TEXT,
    actor TEXT, target TEXT, namespace TEXT, address TEXT, request_id TEXT
) WITHOUT ROWID;
CREATE INDEX audit_time ON audit (time, id);
CREATE INDEX audit_project ON audit (project, time, id);
"""

_ACTIVITY = """
CREATE INDEX dialogue_activity ON dialogue (project, namespace, modified);
CREATE INDEX memory_activity ON memory (project, namespace, modified);
"""

# ``vector``: without pieces, an entry of the queue. ``embedding``: who embeds by a model, and until when;
# where the walk through all rows is that queues those without vectors (no kind: it has ended).
_VECTORS = """
CREATE TABLE vector (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL, number INTEGER NOT NULL, model TEXT NOT NULL,
    project TEXT NOT NULL, namespace TEXT NOT NULL, pieces BLOB,
    UNIQUE (kind, number, model)
);
CREATE INDEX vector_namespace ON vector (project, namespace, kind, model) WHERE pieces IS NOT NULL;
CREATE INDEX vector_project ON vector (project, kind, model) WHERE pieces IS NOT NULL;
CREATE INDEX vector_queue ON vector (model) WHERE pieces IS NULL;
CREATE TABLE embedding (
    model TEXT PRIMARY KEY, holder TEXT, until REAL, kind TEXT, below INTEGER
) WITHOUT ROWID;
"""

# Each order of the list of dialogues has one index for a project and one for a namespace. ``is_thread``
# stands before the order, so that roots are found without walking threads; the whole list merges both. Those
# by ``modified`` and ``last_activity`` change with every message and hold no more than they must.
# ``dialogue_facet`` has a row for each scalar of a dialogue's metadata, which is fixed at creation; what is
# stored already gets its rows in steps, as ``reindexing`` says.
_LISTS = """
ALTER TABLE dialogue ADD COLUMN is_thread INTEGER GENERATED ALWAYS AS (thread_of IS NOT NULL) VIRTUAL;
ALTER TABLE dialogue ADD COLUMN
    last_activity TEXT GENERATED ALWAYS AS (coalesce(last_message_created, created)) VIRTUAL;
DROP INDEX dialogue_project;
DROP INDEX dialogue_namespace;
DROP INDEX dialogue_activity;
CREATE INDEX dialogue_project_created ON dialogue
    (project, is_thread, created, namespace, id, status, tags);
CREATE INDEX dialogue_namespace_created ON dialogue
    (project, namespace, is_thread, created, id, status, tags);
CREATE INDEX dialogue_project_modified ON dialogue
    (project, is_thread, modified, namespace, id, status);
CREATE INDEX dialogue_namespace_modified ON dialogue
    (project, namespace, is_thread, modified, id, status);
CREATE INDEX dialogue_project_last_activity ON dialogue
    (project, is_thread, last_activity, namespace, id, status);
CREATE INDEX dialogue_namespace_last_activity ON dialogue
    (project, namespace, is_thread, last_activity, id, status);
CREATE TABLE dialogue_facet (
    project TEXT NOT NULL, digest TEXT NOT NULL, created TEXT NOT NULL, namespace TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (project, digest, created, namespace, id)
) WITHOUT ROWID;
CREATE INDEX dialogue_facet_namespace ON dialogue_facet (project, namespace, digest, created, id);
INSERT INTO reindexing SELECT 'facet', max(number) + 1 FROM dialogue HAVING max(number) IS NOT NULL;
"""

# A column that is added comes behind the large ones; where it is NULL, as it mostly is, a row's header
# says so, and the pages that the row overflows to are not read for it.
_EXPIRY = """
ALTER TABLE dialogue ADD COLUMN expires_at TEXT;
ALTER TABLE memory ADD COLUMN expires_at TEXT;
ALTER TABLE project ADD COLUMN retention TEXT;
CREATE INDEX dialogue_expiry ON dialogue (project, expires_at, namespace, id) WHERE expires_at IS NOT NULL;
CREATE INDEX memory_expiry ON memory (project, expires_at, namespace, id) WHERE expires_at IS NOT NULL;
CREATE INDEX memory_age ON memory (project, modified, namespace, id);
"""

_USAGE = """
CREATE INDEX message_created ON message (project, created, namespace);
"""

# What ``checksums`` says; behind ``body``, since only checks of the whole store read it.
_CHECKSUMS = """
ALTER TABLE message ADD COLUMN checksum INTEGER;
INSERT INTO reindexing SELECT 'message checksum', max(number) + 1 FROM message
    HAVING max(number) IS NOT NULL;
"""

# An erasure that takes more than one step. The index has the tombstones that one still has to mark.
_ERASURE = """
CREATE TABLE erasure (
    project TEXT NOT NULL, namespace TEXT NOT NULL, began TEXT NOT NULL, touched TEXT NOT NULL,
    actor TEXT NOT NULL, address TEXT, request_id TEXT, dialogues INTEGER NOT NULL,
    messages INTEGER NOT NULL, memories INTEGER NOT NULL, summaries INTEGER NOT NULL,
    PRIMARY KEY (project, namespace)
) WITHOUT ROWID;
CREATE INDEX erasure_touched ON erasure (touched);
CREATE INDEX grave_erasable ON grave (project, namespace, uid) WHERE fate IN (0, 1, 3);
"""

# What a search by meaning narrows itself to; see ``narrowed``.
_TAGS = "".join(
    f"CREATE INDEX {kind}_tags ON {kind} (project, tags) WHERE tags <> '[]';\n"
    for kind in ("dialogue", "message", "memory")
)

MIGRATIONS: Final = (
    _CATALOG + _DIALOGUES + _MESSAGES + _MEMORIES,
    RANKED_SEARCH,
    _AUDIT,
    _ACTIVITY,
    _VECTORS,
    _LISTS,
    _EXPIRY,
    _USAGE,
    _CHECKSUMS,
    _ERASURE,
    _TAGS,
)
"""Each is run once, in order, in a transaction of its own; a released one is never changed."""

VERSION: Final = len(MIGRATIONS)

OLDEST: Final = 10
"""The oldest version whose servers may serve a file of this one; a migration that they can bear leaves it."""

_NOTE_OLDEST: Final = "INSERT OR REPLACE INTO meta (name, value) VALUES ('oldest', ?)"
_FIND_OLDEST: Final = "SELECT value FROM meta WHERE name = 'oldest'"


def upgrade(connection: Connection) -> int:
    """Run the migrations that are missing and return the version; it is a later one where that allows us.

    Raises ServiceUnavailable for a file that a later release has upgraded to what this one cannot serve.
    """
    done: int = connection.execute("PRAGMA user_version").fetchone()[0]
    require_known(done, lambda sql: connection.execute(sql).fetchall())
    if done >= VERSION:
        return done
    for script in MIGRATIONS[done:]:
        for statement in _statements(script):
            connection.execute(statement)
    connection.execute(_NOTE_OLDEST, (OLDEST,))
    connection.execute(f"PRAGMA user_version = {VERSION}")
    return VERSION


def require_known(version: int, read: Callable[[str], list[Any]]) -> None:
    """Refuse a version that a later release has made, unless that lets servers of this one go on."""
    if version <= VERSION:
        return
    found = read(_FIND_OLDEST)
    if not found or found[0][0] > VERSION:
        raise ServiceUnavailable("The store was made by a newer version of this program.")


def _statements(script: str) -> list[str]:
    """Split a migration into statements (none has a semicolon inside)."""
    return [part.strip() for part in script.split(";") if part.strip()]
