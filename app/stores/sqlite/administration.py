"""The part of a transaction that changes projects and keys, and notes it."""

from __future__ import annotations

from sqlite3 import Connection

from ...domain.records import AuditEntry, Key, Project
from ..administration import Administration
from . import catalog, mapping


class SqliteAdministration(Administration):
    """Projects and keys, of the scope's project and of others."""

    _connection: Connection
    _saved: set[str]
    """The names of the projects that were changed."""

    def lock_project(self, name: str) -> Project | None:
        return self.find_project(name)

    def find_project(self, name: str) -> Project | None:
        row = self._connection.execute(catalog.GET_PROJECT, (name,)).fetchone()
        return None if row is None else mapping.PROJECT.read(row)

    def insert_project(self, project: Project) -> bool:
        values = mapping.PROJECT_FIELDS.values(project)
        return self._connection.execute(catalog.ADD_PROJECT, values).rowcount > 0

    def save_project(self, project: Project) -> None:
        self._saved.add(project.name)
        values = (*mapping.PROJECT_FIELDS.values(project), project.name)
        self._connection.execute(catalog.SAVE_PROJECT, values)

    def close_project(self, name: str) -> None:
        self._connection.execute(catalog.BEGIN_REMOVAL, (name,))

    def lock_key(self, key_id: str) -> Key | None:
        row = self._connection.execute(catalog.GET_KEY, (key_id,)).fetchone()
        return None if row is None else mapping.KEY.read(row)

    def insert_key(self, key: Key) -> None:
        self._connection.execute(catalog.ADD_KEY, mapping.KEY_FIELDS.values(key))

    def save_key(self, key: Key) -> None:
        self._connection.execute(catalog.SAVE_KEY, (*mapping.KEY_FIELDS.values(key), key.id))

    def insert_audit(self, entry: AuditEntry) -> None:
        self._connection.execute(catalog.ADD_AUDIT, mapping.AUDIT_FIELDS.values(entry))
