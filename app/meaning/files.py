"""Large sets of vectors in files that the worker processes of a server share, and map into memory.

A file holds all vectors of one set up to some number, in the order of their numbers, and only grows: the
numbers of a store's vectors grow in the order in which they are committed, and a vector never changes. So
a process that knows a file reads from the store what is newer, and any process may add that to the file. What
has been removed from the store stays in the file until most of it has been; see ``matrices``.

The files are no copy that anybody relies on: the server's master makes their folder anew at each start and
removes it at the end, and only its user may read them.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import mmap
import os
import shutil
import struct
import time
import weakref
from collections.abc import Hashable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from .blocks import Block

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Records = NDArray[np.void]

OLD_SECONDS: Final = 24 * 3600
"""For how long a file is used; then it begins anew."""

HEADER: Final = struct.Struct("<qI")
"""How many records there are, and when the file was begun. No record is smaller."""


log = logging.getLogger(__name__)


class VectorFiles:
    """The files of a server, which together take up to ``most_bytes``."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes

    def file(self, place: Hashable, dimensions: int) -> VectorFile:
        """Return the file of a set, which need not exist. Every set has one of its own."""
        name = sha256(repr(place).encode()).hexdigest()
        return VectorFile(self, self._folder / f"{name}.vectors", dimensions)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only one who changes files. Raises OSError when the folder is gone."""
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def make_room(self, path: Path, size: int) -> bool:
        """Whether a file may grow by so many bytes; those that were searched longest ago make room.

        All of them together take no more than they leave free on the disk.
        """
        sizes = {}
        for other in self._folder.glob("*.vectors"):
            found = other.stat()
            sizes[found.st_mtime_ns, other] = found.st_size
        taken = sum(sizes.values())
        most = min(self._most_bytes, (taken + shutil.disk_usage(self._folder).free) // 2)
        for (_, other), freed in sorted(sizes.items()):
            if taken + size <= most:
                break
            if other != path:
                other.unlink()
                taken -= freed
        return taken + size <= most

    def drop_old(self) -> None:
        """Remove files that are older than OLD_SECONDS, and with them what the store has removed since."""
        with contextlib.suppress(OSError), self.locked():
            for path in self._folder.glob("*.vectors"):
                opened = _open(path)
                if opened is not None and opened.header().made < time.time() - OLD_SECONDS:
                    path.unlink()


class VectorFile:
    """The file of one set of vectors, as one process knows it.

    Where it cannot be read, there is none; ``append`` raises OSError.

    It is a row of records: the number of an item, and one of its pieces. In place of the first record is the
    header. It is written last, so that what a process left unfinished does not count.
    """

    def __init__(self, files: VectorFiles, path: Path, dimensions: int) -> None:
        self._files = files
        self._path = path
        self._record: Final = np.dtype([("seq", "<i8"), ("row", "<f4", (dimensions,))])
        self._opened: _Opened | None = None
        self._is_readable = True
        self.block: Block | None = None

    @property
    def last(self) -> int:
        """The number up to which it has everything, as far as this process knows it."""
        return 0 if self.block is None else int(self.block.seqs[-1])

    def follow(self) -> bool:
        """Read what was added to the file; False when it is not the one that this process knew."""
        known = self._opened, self.block is not None
        if self._inode != _inode_of(self._path):
            self._opened, self.block = _open(self._path), None
        self._is_readable = self._opened is not None or not _inode_of(self._path)
        try:
            self._read_on()
        except (OSError, ValueError) as error:  # ValueError: it is shorter than its header says
            self._is_readable, self.block = False, None
            is_known = known == (self._opened, False)
            if not is_known:
                log.warning("vectors cannot be read from a file: %s", error)
            return is_known
        return known[0] is self._opened

    def _read_on(self) -> None:
        if self._opened is not None and self._count > self._known:
            self._read(self._opened, self._known, self._count)

    def _read(self, opened: _Opened, known: int, count: int) -> None:
        records = np.frombuffer(opened.map((1 + count) * self._record.itemsize), self._record)[1:]
        seqs = np.array(records["seq"][known:])
        starts = np.flatnonzero(np.diff(seqs, prepend=-1))
        grown = Block(records["row"][known:], seqs[starts], starts)
        blocks = [grown] if self.block is None else [self.block, grown]
        self.block = Block.joined(blocks, records["row"])

    def let_go(self) -> bool:
        """Let go of a file that was removed: until all have, it takes disk space. Whether there was one."""
        if self._opened is None or self._inode == _inode_of(self._path):
            return False
        self._opened, self.block = None, None
        return True

    def use(self) -> None:
        """Note that it is searched, so that others make room first."""
        with contextlib.suppress(OSError):
            os.utime(self._path)

    def append(self, blocks: Sequence[Block]) -> bool:
        """Add vectors that follow those that this process knows; False when there is no room, or no reading.

        Nothing is added where another process has changed the file meanwhile: ``follow`` tells.
        """
        if not self._is_readable:
            return False
        records = np.empty(sum(len(block.rows) for block in blocks), self._record)
        np.concatenate([block.seqs_of_rows() for block in blocks], out=records["seq"])
        np.concatenate([block.rows for block in blocks], out=records["row"])
        with self._files.locked():
            if self._inode != _inode_of(self._path) or self._count != self._known:
                return True
            if not self._files.make_room(self._path, records.nbytes):
                return False
            self._write(records)
        return True

    def _write(self, records: Records) -> None:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            made = int(time.time()) if self._opened is None else self._opened.header().made
            _write_at(descriptor, records.view(np.uint8).data, (1 + self._known) * self._record.itemsize)
            _write_at(descriptor, HEADER.pack(self._known + len(records), made), 0)
        finally:
            os.close(descriptor)

    def remove(self) -> None:
        """Let the file begin anew, unless it has already."""
        with contextlib.suppress(OSError), self._files.locked():
            if self._inode == _inode_of(self._path):
                self._path.unlink(missing_ok=True)

    @property
    def _inode(self) -> int:
        return 0 if self._opened is None else self._opened.inode

    @property
    def _known(self) -> int:
        return 0 if self.block is None else len(self.block.rows)

    @property
    def _count(self) -> int:
        return 0 if self._opened is None else self._opened.header().records


class _Header(NamedTuple):
    records: int
    """How many records there are."""
    made: int
    """When the file was begun, in seconds since 1970."""


class _Opened:
    """An open file: while it is, no other file has its inode."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        weakref.finalize(self, os.close, descriptor)
        self.inode = os.fstat(descriptor).st_ino

    def header(self) -> _Header:
        """Return what the header says now; nothing is there before it is written."""
        said = os.pread(self._descriptor, HEADER.size, 0)
        return _Header(*HEADER.unpack(said.ljust(HEADER.size, b"\0")))

    def map(self, size: int) -> mmap.mmap:
        """Return its first bytes."""
        return mmap.mmap(self._descriptor, size, prot=mmap.PROT_READ)


def _open(path: Path) -> _Opened | None:
    try:
        return _Opened(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    except OSError:
        return None


def _inode_of(path: Path) -> int:
    """Return what tells a file from another of the same name; 0 if there is none."""
    try:
        return path.stat().st_ino
    except OSError:
        return 0


def _write_at(descriptor: int, what: bytes | memoryview, place: int) -> None:
    left = memoryview(what)
    while left:
        written = os.pwrite(descriptor, left, place)
        left, place = left[written:], place + written
