"""Filling a database from a backup; until that has come to its end the database is not ready."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...domain.errors import ServiceUnavailable
from ..backups import Backups, BadBackup, Tick
from .database import MongoDatabase
from .schema import INDEXES, MIGRATION_SECONDS, require_transactions, upgrade

MARK = {"_id": "restore"}
"""What is in ``meta`` while a restore is under way, or was interrupted."""

FILLED = (*INDEXES, "projects")


class MongoBackups(Backups):
    """Records, one by one: a database is no file."""

    _db: MongoDatabase

    def copy_to(self, _: Path, __: Tick) -> bool:
        return False

    @contextmanager
    def restoring(self) -> Iterator[None]:
        db = self._db
        # Within the usual limit: a server that is not there would be awaited as long as a migration may take.
        with db.bounded():
            if db.transactional:
                require_transactions(db.database.command("hello"))
        with db.bounded(MIGRATION_SECONDS):
            if db.meta.find_one(MARK) is not None:
                _clear(db)
            elif any(db.database[name].find_one({}, ["_id"]) is not None for name in FILLED):
                raise BadBackup("The database holds something already: restore into an empty one.")
            db.meta.update_one(MARK, {"$set": {"begun": True}}, upsert=True)
            upgrade(db)
        yield
        with db.bounded():
            db.meta.delete_one(MARK)


def _clear(db: MongoDatabase) -> None:
    """Remove what an interrupted restore left."""
    for name in FILLED:
        db.database[name].drop()
    db.meta.delete_one({"_id": "schema"})


def require_restored(db: MongoDatabase) -> None:
    """Refuse a database that a restore has not finished; raises ServiceUnavailable."""
    if db.meta.find_one(MARK) is not None:
        raise ServiceUnavailable("A restore into this database was interrupted: repeat `colloquy restore`.")
