"""The part of a transaction that changes projects and keys."""

from __future__ import annotations

from sqlite3 import Connection

from ...domain.records import Key, Project, Scope
from ..administration import Administration
from . import catalog, mapping


class SqliteAdministration(Administration):
    """Projects, and the keys of the scope's project."""

    scope: Scope
    _connection: Connection

    def lock_project(self, name: str) -> Project | None:
        return self.find_project(name)

    def find_project(self, name: str) -> Project | None:
        row = self._connection.execute(catalog.GET_PROJECT, (name,)).fetchone()
        return None if row is None else mapping.PROJECT.read(row)

    def insert_project(self, project: Project) -> bool:
        values = mapping.PROJECT_FIELDS.values(project)
        return self._connection.execute(catalog.ADD_PROJECT, values).rowcount > 0

    def save_project(self, project: Project) -> None:
        values = (*mapping.PROJECT_FIELDS.values(project), project.name)
        self._connection.execute(catalog.SAVE_PROJECT, values)

    def close_project(self, name: str) -> None:
        self._connection.execute(catalog.BEGIN_REMOVAL, (name,))

    def lock_key(self, key_id: str) -> Key | None:
        row = self._connection.execute(catalog.GET_KEY, (key_id,)).fetchone()
        key = None if row is None else mapping.KEY.read(row)
        return key if key is not None and key.project == self.scope.project else None

    def insert_key(self, key: Key) -> None:
        self._connection.execute(catalog.ADD_KEY, mapping.KEY_FIELDS.values(key))

    def save_key(self, key: Key) -> None:
        self._connection.execute(catalog.SAVE_KEY, (*mapping.KEY_FIELDS.values(key), key.id))
