"""Copying the file while it is written to, and looking at a copy before it becomes a store."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from ...domain.errors import ServiceUnavailable
from ..backups import Backups, BadBackup, Tick
from . import schema
from .failures import translate
from .maintenance import SqliteMaintenance

MAGIC: Final = b"SQLite format 3\0"

PAGES: Final = 64
"""How many pages, of 4 KiB, are copied at once."""

REST: Final = 4.0
"""How many times as long as it took to copy them the copy pauses then, so that writers have the disk."""


UNWRITTEN: Final = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_IOERR_WRITE: errno.EIO,
    sqlite3.SQLITE_IOERR_FSYNC: errno.EIO,
    sqlite3.SQLITE_IOERR_TRUNCATE: errno.EIO,
}
"""What SQLite says of a file that it cannot write, and what the system does."""


class SqliteBackups(SqliteMaintenance, Backups):
    """SQLite's online backup."""

    def copy_to(self, path: Path, tick: Tick) -> bool:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            with closing(sqlite3.connect(path, isolation_level=None)) as target:
                # The copy is of no use before its end: there it is written to disk at once.
                target.execute("PRAGMA synchronous = OFF")
                with self._db.snapshot():
                    # Without this read the copy would begin anew whenever somebody has written.
                    self._db.all("SELECT count(*) FROM project")
                    _copy(self._db.connection(), target, tick)
                target.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.Error as error:
            # The store is only read: what cannot be written is the copy.
            if number := UNWRITTEN.get(getattr(error, "sqlite_errorcode", 0)):
                raise OSError(number, os.strerror(number), str(path)) from error
            raise translate(error) from error
        with path.open("rb") as file:
            os.fsync(file.fileno())
        return True

    @contextmanager
    def restoring(self) -> Iterator[None]:
        # Nobody else knows the file yet: ``colloquy restore`` gives it its name at the end.
        self.migrate()
        yield
        self._db.all("PRAGMA wal_checkpoint(TRUNCATE)")


def _copy(source: sqlite3.Connection, target: sqlite3.Connection, tick: Tick) -> None:
    begun = time.monotonic()

    def rest(_: int, remaining: int, total: int) -> None:
        nonlocal begun
        tick(total - remaining, total)
        time.sleep(REST * (time.monotonic() - begun))
        begun = time.monotonic()

    source.backup(target, pages=PAGES, progress=rest)


def is_sqlite_file(path: Path) -> bool:
    """Whether a file is one of SQLite's; raises OSError."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def check_file(path: Path) -> None:
    """Raise BadBackup unless a file is a whole store, of a release that lets this one serve it."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise BadBackup(f"{path} is damaged or cut short.")
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            if "project" not in tables or "message" not in tables:
                raise BadBackup(f"{path} is a SQLite file, but no store of this program.")
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            schema.require_known(version, lambda sql: connection.execute(sql).fetchall())
    except sqlite3.Error:
        raise BadBackup(f"{path} is damaged or cut short.") from None
    except ServiceUnavailable:
        raise BadBackup(f"{path} was made by a later release of this program.") from None


def copy_file(path: Path, copy: Path) -> None:
    """Copy a backup to where a store is to be; raises BadBackup unless it is a whole one, and OSError."""
    check_file(path)
    os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    shutil.copyfile(path, copy)
