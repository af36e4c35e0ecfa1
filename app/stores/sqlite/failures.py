"""SQLite's failures as the errors that clients are answered; SQLite's own text goes to the log only."""

from __future__ import annotations

import logging
import sqlite3
from typing import Final

from ...domain.errors import ServiceUnavailable

_LOG: Final = logging.getLogger(__name__)

BUSY: Final = "The store is busy: too many writes wait for it. Nothing was stored; try again shortly."
_UNREADABLE: Final = "The store's disk cannot be read or written."
_DAMAGED: Final = "The store's file is damaged or not a database."

_NOT_MIGRATED: Final = "The store is not migrated: run `colloquy migrate`."

_MESSAGES: Final[dict[int, str]] = {
    sqlite3.SQLITE_BUSY: BUSY,
    sqlite3.SQLITE_LOCKED: BUSY,
    sqlite3.SQLITE_INTERRUPT: "The store took longer than the time limit. Ask for less, or try again.",
    sqlite3.SQLITE_PERM: "The store's file may not be opened by this process.",
    sqlite3.SQLITE_READONLY: "The store is read-only. Nothing was stored.",
    sqlite3.SQLITE_FULL: "The store's disk is full. Nothing was stored.",
    sqlite3.SQLITE_CANTOPEN: "The store's file cannot be opened.",
    sqlite3.SQLITE_IOERR: _UNREADABLE,
    sqlite3.SQLITE_PROTOCOL: BUSY,
    sqlite3.SQLITE_NOMEM: "The store has run out of memory.",
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
}


def translate(error: sqlite3.Error) -> Exception:
    """Return the ServiceUnavailable for a failure of the file or disk; a bug stays what it is."""
    message = _MESSAGES.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
    if message is None and str(error).startswith("no such table"):
        message = _NOT_MIGRATED
    if message is None:
        return error
    _LOG.error("sqlite: %s (%s)", error, getattr(error, "sqlite_errorname", ""))
    return ServiceUnavailable(message)
