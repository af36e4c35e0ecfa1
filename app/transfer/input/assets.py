"""Files that lie beside a document: images and attachments that a conversation only names."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Protocol

ASSET_BYTES = 24 * 1024 * 1024
"""A larger file is not embedded."""

MOST_NAMES = 100_000


class Assets(Protocol):
    """Files by the beginning of their names."""

    def find(self, stem: str) -> bytes | None:
        """Return the file whose name is, or begins with, ``stem``; None when there is none that fits."""


class NoAssets:
    """No files at all."""

    def find(self, _: str) -> bytes | None:
        """Return None."""
        return None


class _Index:
    """Names by their first letters, made when it is first asked."""

    def __init__(self, names: list[str]) -> None:
        self._names = {name.rpartition("/")[2]: name for name in names}
        self._stems = {base.partition(".")[0]: name for base, name in self._names.items()}

    def find(self, stem: str) -> str | None:
        """Return the name that is, or begins with, a stem and something that is no part of it."""
        whole = self._names.get(stem) or self._stems.get(stem)
        if whole is not None:
            return whole
        return next(
            (name for base, name in self._names.items() if base.startswith((f"{stem}-", f"{stem}."))), None
        )


class FolderAssets:
    """The files of a folder and of those in it; symbolic links are not followed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._index: _Index | None = None

    def find(self, stem: str) -> bytes | None:
        """Return the file's bytes."""
        if self._index is None:
            self._index = _Index(self._names())
        name = self._index.find(stem)
        if name is None:
            return None
        path = Path(name)
        if path.is_symlink() or not path.is_file() or path.stat().st_size > ASSET_BYTES:
            return None
        return path.read_bytes()

    def _names(self) -> list[str]:
        found: list[str] = []
        for parent, _, files in os.walk(self._folder):
            found += [str(Path(parent, name)) for name in files]
            if len(found) > MOST_NAMES:
                break
        return found


class ZipAssets:
    """The files of a zip."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._index = _Index(archive.namelist())

    def find(self, stem: str) -> bytes | None:
        """Return the file's bytes."""
        name = self._index.find(stem)
        if name is None or self._archive.getinfo(name).file_size > ASSET_BYTES:
            return None
        return self._archive.read(name)
