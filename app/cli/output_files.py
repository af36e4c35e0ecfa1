"""Files that commands make: under another name first, so that none is ever half written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .terminal import CommandError

BESIDE = ("", "-wal", "-shm", "-journal", ".lock")
"""The endings of the files that SQLite, and a store, make beside one of theirs."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the name of a file that gets the wanted name when it is whole.

    Raises CommandError for a name that cannot be a file's, and OSError, with the wanted name, where the file
    cannot be written.
    """
    _require_file(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        if error.errno is None or isinstance(error, ConnectionError):  # is not about the file
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        remove(partial)


def remove(path: Path) -> None:
    """Remove a file, if it is there, with those beside it."""
    for ending in BESIDE:
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _require_file(path: Path) -> None:
    """Refuse a folder that is not there, and what is no file: a device would be replaced like one."""
    if not path.parent.is_dir():
        raise CommandError(f"there is no folder {path.parent}: make it, or name a file elsewhere")
    if path.exists() and not path.is_file():
        raise CommandError(f"{path} is {'a folder' if path.is_dir() else 'no file'}: name a file")
