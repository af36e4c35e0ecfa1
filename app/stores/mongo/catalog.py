"""Projects and keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pymongo.errors import DuplicateKeyError

from .documents import KEY, PROJECT, key_from, plain, project_from
from .erasure import empty_project

if TYPE_CHECKING:
    from ...domain.records import Key, Project, Timestamp
    from .connection import Connection
    from .lease_lock import LeaseLock

BATCH = 1000
"""How many documents of a removed project are deleted at a time."""

LATE = timedelta(hours=1)
"""For how long after its removal a project is watched for writes that were still on their way."""

OPEN = {"removed": None}
"""A project that is not removed. A removed one stays as a mark until nothing of it can follow."""


class MongoCatalog:
    """Implements ``app.stores.Catalog``."""

    _db: Connection
    _lease_lock: LeaseLock

    def create_project(self, project: Project) -> bool:
        """Add a project; False when the name is taken. A removed one of that name is emptied first."""
        with self._db.bounded():
            removed = self._db.projects.find_one({"_id": project.name, "removed": {"$ne": None}})
        if removed is not None:
            self._empty(project.name, forget=True)
        with self._db.bounded():
            try:
                self._db.projects.insert_one(plain(project, PROJECT))
            except DuplicateKeyError:
                return False
        return True

    def get_project(self, name: str) -> Project | None:
        """One project, unless it is gone or being removed."""
        with self._db.bounded():
            found = self._db.projects.find_one({"_id": name, **OPEN})
        return None if found is None else project_from(found)

    def list_projects(self) -> list[Project]:
        """All projects by name."""
        with self._db.bounded():
            return [project_from(found) for found in self._db.projects.find(OPEN, sort=[("_id", 1)])]

    def set_immutable(self, name: str, *, immutable: bool) -> bool:
        """Set the flag; False when there is no such project."""
        changes = {"$set": {"immutable": immutable}}
        with self._db.bounded():
            return self._db.projects.update_one({"_id": name, **OPEN}, changes).matched_count == 1

    def delete_project(self, name: str) -> bool:
        """Close a project at once, then remove all its data, a batch at a time; its keys stay.

        Cut short, it is finished by the sweeper or by another call. The sweeper also removes,
        for an hour, what requests wrote that were under way when it closed; readers see none of
        that, because a key of a removed project is not let in.
        """
        now = datetime.now(UTC)
        with self._db.bounded():
            closed = self._db.projects.update_one({"_id": name, **OPEN}, {"$set": {"removed": now}})
        self._empty(name, forget=False)
        return closed.matched_count == 1

    def _empty(self, name: str, *, forget: bool) -> None:
        """Delete all documents of a removed project, and with ``forget`` its mark."""
        while self._empty_some(name, BATCH):
            pass
        if forget:
            with self._db.bounded():
                self._db.projects.delete_one({"_id": name, "removed": {"$ne": None}})

    def _empty_some(self, name: str, rows: int) -> int:
        """Delete up to ``rows`` documents, unless the name was given to a new project meanwhile."""
        with self._lease_lock.hold():
            with self._db.bounded():
                mark = self._db.projects.find_one({"_id": name, "removed": {"$ne": None}})
            return 0 if mark is None else empty_project(self._db, name, rows)

    def sweep_projects(self, rows: int) -> int:
        """Delete up to ``rows`` documents of removed projects; how many were deleted."""
        with self._db.bounded():
            marks = list(self._db.projects.find({"removed": {"$ne": None}}))
        removed = 0
        for mark in marks:
            if removed < rows:
                count = self._empty_some(mark["_id"], rows - removed)
                removed += count
                if count == 0 and mark["removed"] < datetime.now(UTC).replace(tzinfo=None) - LATE:
                    self._empty(mark["_id"], forget=True)
        return removed

    def create_key(self, key: Key) -> None:
        """Add a key."""
        with self._db.bounded():
            self._db.keys.insert_one(plain(key, KEY))

    def list_keys(self, project: str | None = None) -> list[Key]:
        """The keys of one project or of all, oldest first."""
        query = {} if project is None else {"project": project}
        with self._db.bounded():
            found = self._db.keys.find(query, sort=[("created", 1), ("_id", 1)])
            return [key_from(document) for document in found]

    def revoke_key(self, key_id: str, when: Timestamp) -> bool:
        """Revoke from ``when`` on; False when there is no such key. An earlier revocation stays."""
        with self._db.bounded():
            later = {"$or": [{"revoked": None}, {"revoked": {"$gt": when}}]}
            self._db.keys.update_one({"_id": key_id, **later}, {"$set": {"revoked": when}})
            return self._db.keys.find_one({"_id": key_id}, ["_id"]) is not None

    def find_key(self, key_hash: str) -> tuple[Key, Project | None] | None:
        """A key by the hash of its text, with its project (None: removed)."""
        with self._db.bounded():
            found = self._db.keys.find_one({"hash": key_hash})
            if found is None:
                return None
            project = self._db.projects.find_one({"_id": found["project"], **OPEN})
        return key_from(found), None if project is None else project_from(project)

    def touch_key(self, key_id: str, when: Timestamp) -> None:
        """Note that the key was used."""
        with self._db.bounded():
            self._db.keys.update_one({"_id": key_id}, {"$set": {"lastUsed": when}})

    def is_empty(self) -> bool:
        """Whether there is neither a project nor a key yet."""
        with self._db.bounded():
            nothing = self._db.projects.find_one({}, ["_id"]) is None
            return nothing and self._db.keys.find_one({}, ["_id"]) is None
