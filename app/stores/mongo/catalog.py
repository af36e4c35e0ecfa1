"""Projects and keys."""

from __future__ import annotations

from pymongo.errors import DuplicateKeyError

from ...domain.list_queries import AuditListQuery, KeyListQuery, Page, ProjectListQuery
from ...domain.records import AuditEntry, Key, Project, Timestamp
from ..catalog import Catalog
from ..policies import Policies
from .database import MongoDatabase
from .mapping import (
    AUDIT_FIELDS,
    KEY,
    KEY_FIELDS,
    PROJECT,
    PROJECT_FIELDS,
    audit_from,
    key_from,
    plain,
    project_from,
)
from .paging import Source, read_page
from .queries import DIRECTION, beyond
from .start_up_lock import LeaseLock
from .sweeping import BATCH, OPEN, delete_some, erase_project, erase_some, forget_project


class MongoCatalog(Catalog):
    """Projects and keys."""

    _db: MongoDatabase
    _policies: Policies
    _start_up_lock: LeaseLock

    def create_project(self, project: Project) -> bool:
        with self._db.bounded():
            removed = self._db.projects.find_one({"_id": project.name, "removed": {"$ne": None}})
        if removed is not None:
            erase_project(self._db, self._start_up_lock, project.name, forget=True)
        with self._db.bounded():
            try:
                self._db.projects.insert_one(plain(project, PROJECT))
            except DuplicateKeyError:
                return False
        return True

    def get_project(self, name: str) -> Project | None:
        with self._db.bounded():
            found = self._db.projects.find_one({"_id": name, **OPEN})
        return None if found is None else project_from(found)

    def list_projects(self) -> list[Project]:
        with self._db.bounded():
            return [project_from(found) for found in self._db.projects.find(OPEN, sort=[("_id", 1)])]

    def page_projects(self, query: ProjectListQuery) -> Page[Project]:
        source = Source(self._db.projects, PROJECT_FIELDS, project_from)
        criteria = OPEN if query.after is None else {**OPEN, "_id": {"$gt": query.after[0]}}
        with self._db.bounded():
            return read_page(self._db, source, criteria, [("_id", 1)], query.limit)

    def clear_removed(self, name: str) -> bool:
        if erase_some(self._db, self._start_up_lock, name, BATCH):
            return False
        forget_project(self._db, name)
        return True

    def create_key(self, key: Key) -> None:
        with self._db.bounded():
            self._db.keys.insert_one(plain(key, KEY))

    def list_keys(self, project: str | None = None) -> list[Key]:
        query = {} if project is None else {"project": project}
        with self._db.bounded():
            found = self._db.keys.find(query, sort=[("created", 1), ("_id", 1)])
            return [key_from(document) for document in found]

    def page_keys(self, query: KeyListQuery) -> Page[Key]:
        names, step = ("created", "_id"), DIRECTION[query.order]
        criteria = {"project": query.project, **beyond(names, query.after, query.order)}
        source = Source(self._db.keys, KEY_FIELDS, key_from)
        with self._db.bounded():
            return read_page(self._db, source, criteria, [(name, step) for name in names], query.limit)

    def get_key(self, key_id: str) -> Key | None:
        with self._db.bounded():
            found = self._db.keys.find_one({"_id": key_id})
        return None if found is None else key_from(found)

    def find_key(self, key_hash: str) -> tuple[Key, Project | None] | None:
        with self._db.bounded():
            found = self._db.keys.find_one({"hash": key_hash})
            if found is None:
                return None
            project = self._db.projects.find_one({"_id": found["project"], **OPEN})
        known = None if project is None else project_from(project)
        self._policies.note(found["project"], known)
        return key_from(found), known

    def touch_key(self, key_id: str, when: Timestamp) -> None:
        with self._db.bounded():
            self._db.keys.update_one({"_id": key_id}, {"$set": {"lastUsed": when}})

    def page_audit(self, query: AuditListQuery) -> Page[AuditEntry]:
        names, step = ("time", "_id"), DIRECTION[query.order]
        filters = {name: getattr(query, name) for name in ("project", "action", "actor", "target")}
        criteria = {name: value for name, value in filters.items() if value is not None}
        criteria |= beyond(names, query.after, query.order, query.times)
        source = Source(self._db.audit, AUDIT_FIELDS, audit_from)
        with self._db.bounded():
            return read_page(self._db, source, criteria, [(name, step) for name in names], query.limit)

    def drop_audit(self, before: Timestamp, rows: int) -> int:
        with self._db.bounded():
            return delete_some(self._db.audit, {"time": {"$lt": before}}, rows)

    def is_empty(self) -> bool:
        with self._db.bounded():
            nothing = self._db.projects.find_one({}, ["_id"]) is None
            return nothing and self._db.keys.find_one({}, ["_id"]) is None
