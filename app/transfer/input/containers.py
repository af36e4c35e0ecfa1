"""Where JSON lies: files, folders, zips, gzipped files and standard input, each a series of documents."""

from __future__ import annotations

import gzip
import io
import os
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO, NoReturn, TypeVar, cast

from .assets import Assets, FolderAssets, NoAssets, ZipAssets

T = TypeVar("T")

STANDARD_INPUT = "-"
BOMB_BYTES = 1024**3
BOMB_RATIO = 200
"""Compressed data is refused when it grows beyond 1 GiB and 200 times its size; conversations shrink less."""

MOST_FILES = 100_000
"""How many files a folder or a zip may have."""

BROKEN = (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, RuntimeError, NotImplementedError)
"""What reading damaged, encrypted or strangely compressed data raises."""

_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
_CONVERSATIONS = ("conversations", "projects", "memories")
"""How ChatGPT and Claude.ai call the files that matter in their exports."""

_WANTED = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz", ".ndjson.gz")


class UnsafeArchive(ValueError):
    """Compressed data that would fill the machine; the text says which."""


@dataclass(frozen=True, slots=True)
class Document:
    """One run of JSON.

    ``open`` gives its bytes, decompressed; ``assets`` the files that lie beside it. ``is_found`` says that
    it was found in a folder or a zip, where files of other kinds lie too, and not named by the user.
    """

    name: str
    open: Callable[[], AbstractContextManager[BinaryIO]]
    assets: Assets = field(default_factory=NoAssets)
    is_found: bool = False


class Documents:
    """The documents of several files, one after the other, and how far the reading is.

    ``size`` is that of all files in bytes as they are stored, None when one has no size; ``done``
    is how much of it has been read.
    """

    def __init__(self, names: Sequence[str]) -> None:
        """Raise OSError for a file that is missing or may not be read."""
        self._names = names
        sizes = [_size(name) for name in names]
        self.size = None if None in sizes else sum(size for size in sizes if size is not None)
        self._before = 0
        self._position: Callable[[], int] = lambda: 0

    @property
    def done(self) -> int:
        """How many bytes have been read."""
        return self._before + self._position()

    def __iter__(self) -> Iterator[Document]:
        """Raises UnsafeArchive and what ``BROKEN`` names."""
        for name in self._names:
            if Path(name).is_dir() and name != STANDARD_INPUT:
                yield from self._folder(Path(name))
            else:
                yield from self._file(name, FolderAssets(Path(name).parent))

    def _folder(self, folder: Path) -> Iterator[Document]:
        assets = FolderAssets(folder)
        found = [path for path in _walk(folder) if path.name.endswith((*_WANTED, ".zip"))]
        for path in _worth_reading(found, lambda path: path.name):
            yield from self._file(str(path), assets, is_found=True)

    def _file(self, name: str, assets: Assets, *, is_found: bool = False) -> Iterator[Document]:
        if name != STANDARD_INPUT and _starts_with(name, _ZIP):
            yield from self._zip(name, assets, is_found=is_found)
        else:
            yield Document(name, lambda: self._opened(name), assets, is_found)
        self._before += 0 if name == STANDARD_INPUT else Path(name).stat().st_size

    @staticmethod
    def _zip(name: str, assets: Assets, *, is_found: bool) -> Iterator[Document]:
        try:
            archive = zipfile.ZipFile(name)
        except (zipfile.BadZipFile, NotImplementedError) as error:
            yield Document(name, partial(_refuse, error), assets, is_found)
            return
        with archive:
            yield from _zip_documents(name, archive)

    @contextmanager
    def _opened(self, name: str) -> Iterator[BinaryIO]:
        with _open(name) as raw:
            if self.size is not None:
                self._position = raw.tell
            try:
                yield _decompressed(raw, name)
            finally:
                self._position = lambda: 0


def _refuse(error: Exception) -> NoReturn:
    raise error


class _Guarded(io.RawIOBase):
    """Decompressed data, as long as it is in proportion to what it is made of."""

    def __init__(self, stream: BinaryIO, packed: Callable[[], int], name: str) -> None:
        self._stream = stream
        self._packed = packed
        self._name = name
        self._given = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        data = self._stream.read(len(view))
        view[: len(data)] = data
        self._given += len(data)
        if self._given > BOMB_BYTES and self._given > BOMB_RATIO * max(1, self._packed()):
            raise UnsafeArchive(
                f"{self._name} grows more than {BOMB_RATIO} times when unpacked: it is not read."
            )
        return len(data)


def _decompressed(raw: BinaryIO, name: str) -> BinaryIO:
    """Return the stream, decompressed if it starts as gzip does, whatever the file is called."""
    buffered = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", raw))
    if buffered.peek(2)[:2] != _GZIP:
        return buffered
    counted = _Counted(buffered)
    unpacked = cast("BinaryIO", gzip.GzipFile(fileobj=cast("BinaryIO", counted)))
    return io.BufferedReader(_Guarded(unpacked, lambda: counted.count, name))


class _Counted:
    """A stream that counts what is read of it."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.count += len(data)
        return data


def _zip_documents(name: str, archive: zipfile.ZipFile) -> Iterator[Document]:
    entries = archive.infolist()
    if len(entries) > MOST_FILES:
        raise UnsafeArchive(f"{name} has {len(entries):,} files; at most {MOST_FILES:,} are read.")
    assets = ZipAssets(archive)
    found = [
        entry for entry in entries if entry.filename.endswith(_WANTED) and not _is_hidden(entry.filename)
    ]
    for entry in _worth_reading(found, lambda entry: entry.filename.rpartition("/")[2]):
        title = f"{name}/{entry.filename}"
        if entry.file_size > BOMB_BYTES and entry.file_size > BOMB_RATIO * max(1, entry.compress_size):
            raise UnsafeArchive(f"{title} grows to {entry.file_size:,} bytes when unpacked: it is not read.")
        yield Document(title, _entry_opener(archive, entry, title), assets, is_found=True)


def _entry_opener(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, title: str
) -> Callable[[], AbstractContextManager[BinaryIO]]:
    @contextmanager
    def opened() -> Iterator[BinaryIO]:
        with archive.open(entry) as stream:
            guarded = _Guarded(cast("BinaryIO", stream), lambda: entry.compress_size, title)
            yield _decompressed(io.BufferedReader(guarded), title)

    return opened


def _worth_reading(found: list[T], name_of: Callable[[T], str]) -> list[T]:
    """Return the files of conversations where some are named so, else all; in the order of their names."""
    named = [one for one in found if name_of(one).startswith(_CONVERSATIONS)]
    return sorted(named or found, key=name_of)


def _walk(folder: Path) -> Iterator[Path]:
    count = 0
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            count += 1
            if count > MOST_FILES:
                raise UnsafeArchive(f"{folder} has more than {MOST_FILES:,} files: name those to be read.")
            if not _is_hidden(name):
                yield Path(parent, name)


def _is_hidden(name: str) -> bool:
    """Whether a file is a system's own: dot files, and what macOS puts into zips."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].startswith(".")


def _size(name: str) -> int | None:
    if name == STANDARD_INPUT:
        return None
    path = Path(name)
    if path.is_dir():
        return sum(found.stat().st_size for found in _walk(path))
    if not os.access(path, os.R_OK):
        path.open("rb").close()
    return path.stat().st_size if path.is_file() else None


def _starts_with(name: str, magic: bytes) -> bool:
    path = Path(name)
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(magic)) == magic


def _open(name: str) -> AbstractContextManager[BinaryIO]:
    if name == STANDARD_INPUT:
        return nullcontext(cast("BinaryIO", sys.stdin.buffer))
    return Path(name).open("rb")
