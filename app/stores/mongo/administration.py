"""The part of a transaction that changes projects and keys, and notes it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from pymongo.client_session import ClientSession

from ...domain.expiry import Expiry
from ...domain.records import AuditEntry, Key, Project
from ..administration import Administration
from .database import MongoDatabase
from .mapping import AUDIT, KEY, KEY_FIELDS, PROJECT, PROJECT_FIELDS, key_from, plain, project_from
from .statements import lock_document
from .sweeping import OPEN


class Surroundings(NamedTuple):
    """What expires in the project of a transaction, and by which model its items are embedded.

    ``saved`` gets the names of the projects that the transaction changes.
    """

    expiry: Expiry
    saved: set[str]
    model: str | None


class MongoAdministration(Administration):
    """Projects and keys, of the scope's project and of others."""

    _db: MongoDatabase
    _session: ClientSession | None
    _saved: set[str]
    """The names of the projects that were changed."""

    def find_project(self, name: str) -> Project | None:
        found = self._db.projects.find_one({"_id": name, **OPEN}, session=self._session)
        return None if found is None else project_from(found)

    def lock_project(self, name: str) -> Project | None:
        query = {"_id": name, **OPEN}
        found = lock_document(self._db.projects, query, PROJECT_FIELDS, self._session)
        return None if found is None else project_from(found)

    def insert_project(self, project: Project) -> bool:
        # To try and fail would end the transaction.
        if self._db.projects.find_one({"_id": project.name}, ["_id"], session=self._session) is not None:
            return False
        self._db.projects.insert_one(plain(project, PROJECT), session=self._session)
        return True

    def save_project(self, project: Project) -> None:
        self._saved.add(project.name)
        self._db.projects.replace_one({"_id": project.name}, plain(project, PROJECT), session=self._session)

    def close_project(self, name: str) -> None:
        changes = {"$set": {"removed": datetime.now(UTC)}}
        self._db.projects.update_one({"_id": name, **OPEN}, changes, session=self._session)

    def lock_key(self, key_id: str) -> Key | None:
        found = lock_document(self._db.keys, {"_id": key_id}, KEY_FIELDS, self._session)
        return None if found is None else key_from(found)

    def insert_key(self, key: Key) -> None:
        self._db.keys.insert_one(plain(key, KEY), session=self._session)

    def save_key(self, key: Key) -> None:
        self._db.keys.replace_one({"_id": key.id}, plain(key, KEY), session=self._session)

    def insert_audit(self, entry: AuditEntry) -> None:
        self._db.audit.insert_one(plain(entry, AUDIT), session=self._session)
