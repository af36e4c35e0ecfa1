"""Folders that the processes of one server share while it runs; its master makes and removes them.

The master holds a lock on a folder, which its workers inherit. A folder that nobody holds was left behind.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

UNLOCKED: Final = "colloquy-new-"
"""How the name of a folder begins until it is locked."""


class ServerFolder:
    """A folder for one purpose; ``variable`` names it in the environment of the server's processes."""

    def __init__(self, variable: str, prefix: str) -> None:
        self.variable: Final = variable
        self.prefix: Final = prefix
        self._made: Path | None = None
        self._lock = -1

    @property
    def path(self) -> Path | None:
        """The folder of the server that this process belongs to, if there is one."""
        named = os.environ.get(self.variable)
        return Path(named) if named else None

    def open(self, parent: Path) -> Path | None:
        """Make the folder, in the master; only its user may look into it. None: there is no place for it.

        What earlier masters left behind in ``parent`` is removed.
        """
        os.environ.pop(self.variable, None)
        with contextlib.suppress(OSError):
            for folder in parent.glob(f"{self.prefix}*"):
                _remove_if_left(folder)
            self._made = self._make(parent)
            os.environ[self.variable] = str(self._made)
        return self.path

    def _make(self, parent: Path) -> Path:
        made = Path(tempfile.mkdtemp(prefix=UNLOCKED, dir=parent))
        try:
            self._lock = _take_lock(made)
            # Only now has it the name by which other masters look for what was left behind.
            return made.rename(made.with_name(made.name.replace(UNLOCKED, self.prefix, 1)))
        except OSError:
            made.rmdir()
            raise

    def close(self) -> None:
        """Remove the folder, if this object has made one; what others have named is theirs."""
        if self._made is not None:
            shutil.rmtree(self._made, ignore_errors=True)
            self._made = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


VECTORS: Final = ServerFolder("_COLLOQUY_VECTOR_FILES", "colloquy-vectors-")
"""For the vectors that workers share; see ``meaning.files``. Its variable is no setting."""


def _take_lock(folder: Path) -> int:
    """Return what holds the lock on a folder until it is closed. Raises OSError when others hold it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove_if_left(folder: Path) -> None:
    with contextlib.suppress(OSError):
        descriptor = _take_lock(folder)
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)
