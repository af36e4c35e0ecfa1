"""The Protocol of backups: a copy of a file, and a store that is filled from a backup."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

Tick = Callable[[int, int], None]
"""Is told how many pages of how many are copied."""


class BadBackup(Exception):
    """A file cannot be restored; the text says why."""


class Backups(Protocol):
    """What ``colloquy backup`` and ``colloquy restore`` need of a store."""

    def copy_to(self, path: Path, tick: Tick) -> bool:
        """Copy the whole store, as it is at one moment, into a new file while it is used.

        False where a store is no file: then it is read record by record. Raises ServiceUnavailable,
        and OSError where the file cannot be written.
        """

    def restoring(self) -> AbstractContextManager[None]:
        """Fill a store inside: it is not ready until that has come to its end.

        What an earlier restore left that did not come to its end is removed first. Raises BadBackup for
        a store that holds anything else.
        """
