"""Projects and keys."""

from __future__ import annotations

from sqlite3 import Connection, Cursor
from typing import Final

from ...domain.list_queries import AuditListQuery, KeyListQuery, Page, ProjectListQuery
from ...domain.records import AuditEntry, Key, Project, Timestamp
from ..catalog import Catalog
from ..policies import Policies
from . import mapping, queries, sweeping
from .database import SqliteDatabase
from .statements import insertion

ROWS_PER_STEP: Final = 100

ADD_PROJECT: Final = (
    insertion("project", mapping.PROJECT_FIELDS.columns) + " ON CONFLICT (name) DO UPDATE "
    "SET immutable = excluded.immutable, created = excluded.created, retention = excluded.retention, "
    "closed = 0 WHERE closed = 2"
)
"""A removed project's row stays closed, to refuse late writes, until the name is used again."""
GET_PROJECT: Final = f"SELECT {mapping.PROJECT} FROM project WHERE name = ? AND closed = 0"
LIST_PROJECTS: Final = f"SELECT {mapping.PROJECT} FROM project WHERE closed = 0 ORDER BY name"
BEGIN_REMOVAL: Final = "UPDATE project SET closed = 1 WHERE name = ? AND closed = 0"
ADD_KEY: Final = insertion("access_key", str(mapping.KEY))
LIST_KEYS: Final = f"SELECT {mapping.KEY} FROM access_key ORDER BY created, id"
LIST_PROJECT_KEYS: Final = f"SELECT {mapping.KEY} FROM access_key WHERE project = ? ORDER BY created, id"
TOUCH_KEY: Final = "UPDATE access_key SET last_used = ? WHERE id = ?"
GET_KEY: Final = f"SELECT {mapping.KEY} FROM access_key WHERE id = ?"
SAVE_PROJECT: Final = f"UPDATE project SET {mapping.PROJECT_FIELDS.assignments} WHERE name = ?"
SAVE_KEY: Final = f"UPDATE access_key SET {mapping.KEY_FIELDS.assignments} WHERE id = ?"
IS_CLOSING: Final = "SELECT 1 FROM project WHERE name = ? AND closed = 1"
FIND_KEY: Final = (
    f"SELECT {mapping.KEY.of('access_key')}, {mapping.PROJECT.of('project')} "
    "FROM access_key LEFT JOIN project ON project.name = access_key.project AND project.closed = 0 "
    "WHERE access_key.hash = ?"
)
ADD_AUDIT: Final = insertion("audit", mapping.AUDIT_FIELDS.columns)
DROP_AUDIT: Final = (
    "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE time < ? ORDER BY time LIMIT ?)"
)
IS_EMPTY: Final = (
    "SELECT NOT EXISTS (SELECT 1 FROM project WHERE closed = 0) AND NOT EXISTS (SELECT 1 FROM access_key)"
)


class SqliteCatalog(Catalog):
    """Projects and keys."""

    _db: SqliteDatabase
    _policies: Policies

    def create_project(self, project: Project) -> bool:
        return self._change(ADD_PROJECT, *mapping.PROJECT_FIELDS.values(project))

    def get_project(self, name: str) -> Project | None:
        row = self._db.one(GET_PROJECT, (name,))
        return None if row is None else mapping.PROJECT.read(row)

    def list_projects(self) -> list[Project]:
        return [mapping.PROJECT.read(row) for row in self._db.all(LIST_PROJECTS)]

    def page_projects(self, query: ProjectListQuery) -> Page[Project]:
        sql, values = queries.list_projects(query)
        return self._db.page(sql, values, query.limit, mapping.PROJECT)

    def clear_removed(self, name: str) -> bool:
        if self._db.one(IS_CLOSING, (name,)) is None:
            return True
        return not self._db.commits.run(
            lambda connection: sweeping.clear_step(connection, name, ROWS_PER_STEP)
        )

    def create_key(self, key: Key) -> None:
        self._change(ADD_KEY, *mapping.KEY_FIELDS.values(key))

    def list_keys(self, project: str | None = None) -> list[Key]:
        found = self._db.all(LIST_KEYS) if project is None else self._db.all(LIST_PROJECT_KEYS, (project,))
        return [mapping.KEY.read(row) for row in found]

    def page_keys(self, query: KeyListQuery) -> Page[Key]:
        sql, values = queries.list_keys(query)
        return self._db.page(sql, values, query.limit, mapping.KEY)

    def get_key(self, key_id: str) -> Key | None:
        row = self._db.one(GET_KEY, (key_id,))
        return None if row is None else mapping.KEY.read(row)

    def find_key(self, key_hash: str) -> tuple[Key, Project | None] | None:
        row = self._db.one(FIND_KEY, (key_hash,))
        if row is None:
            return None
        own = len(mapping.KEY.names)
        key = mapping.KEY.read(row[:own])
        project = None if row[own] is None else mapping.PROJECT.read(row[own:])
        self._policies.note(key.project, project)
        return key, project

    def touch_key(self, key_id: str, when: Timestamp) -> None:
        self._change(TOUCH_KEY, when, key_id)

    def page_audit(self, query: AuditListQuery) -> Page[AuditEntry]:
        sql, values = queries.list_audit(query)
        return self._db.page(sql, values, query.limit, mapping.AUDIT)

    def drop_audit(self, before: Timestamp, rows: int) -> int:
        return self._db.commits.run(
            lambda connection: connection.execute(DROP_AUDIT, (before, rows)).rowcount
        )

    def is_empty(self) -> bool:
        return bool(self._db.all(IS_EMPTY)[0][0])

    def _change(self, sql: str, *values: object) -> bool:
        """Run one statement durably; whether it changed a row."""

        def work(connection: Connection) -> Cursor:
            return connection.execute(sql, values)

        return self._db.commits.run(work).rowcount > 0
