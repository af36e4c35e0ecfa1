"""Projects and keys."""

from __future__ import annotations

import sqlite3
from typing import Final

from ...domain.records import Key, Project, Timestamp
from . import erasure, rows
from .connection import Connection
from .database import Database

ROWS_PER_STEP: Final = 1000

ADD_PROJECT: Final = (
    "INSERT INTO project (name, immutable, created) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE "
    "SET immutable = excluded.immutable, created = excluded.created, closed = 0 WHERE closed = 2"
)
"""A removed project's row stays closed, to refuse late writes, until the name is used again."""
GET_PROJECT: Final = "SELECT name, immutable, created FROM project WHERE name = ? AND closed = 0"
LIST_PROJECTS: Final = "SELECT name, immutable, created FROM project WHERE closed = 0 ORDER BY name"
SET_IMMUTABLE: Final = "UPDATE project SET immutable = ? WHERE name = ? AND closed = 0"
BEGIN_REMOVAL: Final = "UPDATE project SET closed = 1 WHERE name = ? AND closed = 0"
ADD_KEY: Final = rows.insertion("access_key", rows.KEY)
LIST_KEYS: Final = f"SELECT {rows.KEY} FROM access_key ORDER BY created, id"
LIST_PROJECT_KEYS: Final = f"SELECT {rows.KEY} FROM access_key WHERE project = ? ORDER BY created, id"
REVOKE_KEY: Final = "UPDATE access_key SET revoked = min(coalesce(revoked, ?1), ?1) WHERE id = ?2"
TOUCH_KEY: Final = "UPDATE access_key SET last_used = ? WHERE id = ?"
FIND_KEY: Final = (
    f"SELECT {rows.qualify(rows.KEY, 'access_key')}, project.name, project.immutable, project.created "
    "FROM access_key LEFT JOIN project ON project.name = access_key.project AND project.closed = 0 "
    "WHERE access_key.hash = ?"
)
IS_EMPTY: Final = (
    "SELECT NOT EXISTS (SELECT 1 FROM project WHERE closed = 0) AND NOT EXISTS (SELECT 1 FROM access_key)"
)


class Catalog(Database):
    """See ``app.stores.Catalog``."""

    def create_project(self, project: Project) -> bool:
        """See ``Catalog``."""
        values = (project.name, project.immutable, project.created)
        return self._change(ADD_PROJECT, *values)

    def get_project(self, name: str) -> Project | None:
        """See ``Catalog``."""
        row = self.one(GET_PROJECT, (name,))
        return None if row is None else rows.read_project(row)

    def list_projects(self) -> list[Project]:
        """See ``Catalog``."""
        return [rows.read_project(row) for row in self.all(LIST_PROJECTS)]

    def set_immutable(self, name: str, *, immutable: bool) -> bool:
        """See ``Catalog``."""
        return self._change(SET_IMMUTABLE, immutable, name)

    def delete_project(self, name: str) -> bool:
        """See ``Catalog``. If this is interrupted, ``sweep`` finishes it."""
        if not self._change(BEGIN_REMOVAL, name):
            return False
        while self.run(lambda connection: erasure.clear_step(connection, name, ROWS_PER_STEP)):
            continue
        return True

    def create_key(self, key: Key) -> None:
        """See ``Catalog``."""
        self._change(ADD_KEY, *rows.key_row(key))

    def list_keys(self, project: str | None = None) -> list[Key]:
        """See ``Catalog``."""
        found = self.all(LIST_KEYS) if project is None else self.all(LIST_PROJECT_KEYS, (project,))
        return [rows.read_key(row) for row in found]

    def revoke_key(self, key_id: str, when: Timestamp) -> bool:
        """See ``Catalog``. A second revocation never postpones the first one."""
        return self._change(REVOKE_KEY, when, key_id)

    def find_key(self, key_hash: str) -> tuple[Key, Project | None] | None:
        """See ``Catalog``."""
        row = self.one(FIND_KEY, (key_hash,))
        if row is None:
            return None
        return rows.read_key(row[:-3]), None if row[-3] is None else rows.read_project(row[-3:])

    def touch_key(self, key_id: str, when: Timestamp) -> None:
        """See ``Catalog``."""
        self._change(TOUCH_KEY, when, key_id)

    def is_empty(self) -> bool:
        """See ``Catalog``."""
        return bool(self.all(IS_EMPTY)[0][0])

    def _change(self, sql: str, *values: object) -> bool:
        """Run one statement durably; whether it changed a row."""

        def work(connection: Connection) -> sqlite3.Cursor:
            return connection.execute(sql, values)

        return self.run(work).rowcount > 0
