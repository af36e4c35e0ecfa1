"""The vectors that a process has at hand, and which are nearest to a query's: exact, the same everywhere.

A process keeps the vectors that it has searched as float32 numbers, up to so many bytes in all, and reads
what has been added behind the last number that it knows. What has been removed since it is told of by its
caller, who asks the store for each item before it counts. The vectors of a larger set are in a file that
the processes share; see ``files``. Where that has no room, they are read from the store for each query.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from ..domain.errors import ServiceUnavailable
from ..telemetry.measures import VECTOR_BYTES, VECTOR_SCANS
from ..waiting import blocking
from .blocks import Block, score

if TYPE_CHECKING:
    from .blocks import Floats
    from .files import VectorFile, VectorFiles
    from .scores import Scores

MOST_BYTES: Final = 256 * 1024 * 1024
"""How much memory of its own a process takes for vectors: 174,000 of 384 numbers."""

MOST_TAIL_BYTES: Final = 16 * 1024 * 1024
"""How many bytes of a set a process keeps to itself before it adds them to the file: 11,000 vectors."""

MOST_SETS: Final = 1000
"""How many sets of vectors are kept."""

STEP: Final = 2000
"""How many items are read from the store at once."""

LARGE_SECONDS: Final = 600.0
"""For how long nothing more is kept of a set for which there was no room."""

log = logging.getLogger(__name__)


class Source(Protocol):
    """A set of vectors, as a store has it."""

    def vectors_after(self, seq: int, limit: int) -> Sequence[tuple[int, bytes]]:
        """The first ``limit`` items whose number is larger, by number, with their pieces in a row."""


class _Matrix:
    """What is known of one set of vectors: what the file has, and the tail behind it in memory.

    Between searches each block of the tail is at least twice as large as the next, so that little is copied.
    """

    def __init__(self, dimensions: int, file: VectorFile | None) -> None:
        self.lock = threading.Lock()
        self._dimensions = dimensions
        self._file = file
        self._full_until = 0.0
        self._tail: list[Block] = []
        self._last = 0
        self._gone = 0

    @property
    def size(self) -> int:
        """How many bytes of this process's memory the vectors take."""
        return self._tail_bytes + sum(block.index_bytes for block in self.blocks)

    @property
    def _tail_bytes(self) -> int:
        return sum(block.rows.nbytes for block in self._tail)

    @property
    def blocks(self) -> list[Block]:
        """Everything that is known."""
        shared = [] if self._file is None or self._file.block is None else [self._file.block]
        return shared + self._tail

    def update(self, source: Source, most_bytes: int) -> bool:
        """Read what was added since the last time; False when it is more than may be kept."""
        is_kept = self._read_on(source, most_bytes)
        self._tail = _joined(self._tail)
        return is_kept

    def _read_on(self, source: Source, most_bytes: int) -> bool:
        self._follow()
        while self.size <= most_bytes:
            items = source.vectors_after(self._last, STEP)
            if items:
                block = Block.of(items, self._dimensions)
                self._tail += [block] if len(block.seqs) else []
                self._last = items[-1][0]
            # Then there may be more to read: another process may have let the file begin anew.
            is_shared = self._tail_bytes >= MOST_TAIL_BYTES and self._share()
            if len(items) < STEP and not is_shared:
                return self.size <= most_bytes
        return False

    def _follow(self) -> None:
        """Take from the file what this or another process has added to it."""
        if self._file is None:
            return
        if not self._file.follow():
            self._begin()
        if self._file.last:
            self._file.use()
            tail = [block.behind(self._file.last) for block in self._tail]
            self._tail = [block for block in tail if len(block.seqs)]
            self._last = max(self._last, self._file.last)

    def let_go(self) -> None:
        """Begin anew if the file has been removed."""
        if self._file is not None and self._file.let_go():
            self._begin()

    def _share(self) -> bool:
        """Add the tail to the file; False when there is none that has room."""
        if self._file is None or time.monotonic() < self._full_until:
            return False
        try:
            has_room = self._file.append(self._tail)
        except OSError as error:
            log.warning("vectors cannot be kept in a file: %s", error)
            has_room = False
        if not has_room:
            self._full_until = time.monotonic() + LARGE_SECONDS
            return False
        self._follow()
        return True

    def forget(self, seqs: Collection[int]) -> None:
        """Pass over items that are gone; when most are, begin anew."""
        wanted = np.sort(np.fromiter(seqs, np.int64))
        for block in self.blocks:
            block.forget(wanted)
        self._gone += len(wanted)
        if 2 * self._gone > sum(len(block.seqs) for block in self.blocks):
            if self._file is not None:
                self._file.remove()
            self._begin()

    def _begin(self) -> None:
        self._tail, self._last, self._gone = [], 0, 0


def _joined(blocks: Sequence[Block]) -> list[Block]:
    """Return blocks of which each is at least twice as large as the next; each is copied once at most."""
    groups: list[tuple[int, list[Block]]] = []
    for block in blocks:
        size, group = len(block.rows), [block]
        while groups and groups[-1][0] < 2 * size:
            before, earlier = groups.pop()
            size, group = before + size, earlier + group
        groups.append((size, group))
    return [group[0] if len(group) == 1 else Block.joined(group) for _, group in groups]


def _scan(source: Source, vector: Floats) -> Scores:
    """Score everything as it is read, and keep the scores alone."""
    blocks = (Block.of(items, len(vector)) for items in _read(source))
    return score([block for block in blocks if len(block.seqs)], vector)


def _read(source: Source) -> Iterator[Sequence[tuple[int, bytes]]]:
    """Yield all vectors of a source, some at a time."""
    items = source.vectors_after(0, STEP)
    while items:
        yield items
        items = source.vectors_after(items[-1][0], STEP) if len(items) == STEP else []


class Matrices:
    """The vectors that this process has at hand: those of the sets that were searched last."""

    def __init__(self, most_bytes: int = MOST_BYTES, files: VectorFiles | None = None) -> None:
        self._most_bytes = most_bytes
        self._files = files
        self._lock = threading.Lock()
        self._known: OrderedDict[Hashable, _Matrix] = OrderedDict()
        self._large: dict[Hashable, float] = {}

    def scores(self, place: Hashable | None, source: Source, vector: bytes) -> Scores:
        """Return how near the items of a set are to a query's vector.

        ``place`` names the set; without it nothing is kept. Raises what ``source`` raises.
        """
        query = np.frombuffer(vector, "<f2").astype(np.float32)
        if place is None:
            return _scan(source, query)
        if time.monotonic() < self._large.get(place, 0):
            VECTOR_SCANS.add()
            return _scan(source, query)
        blocks = self._update(place, source, len(query))
        if blocks is None:
            self._drop(place)
            VECTOR_SCANS.add()
            return _scan(source, query)
        self._make_room(place)
        return score(blocks, query)

    def _update(self, place: Hashable, source: Source, dimensions: int) -> list[Block] | None:
        """Return all vectors of a set; None for more than may be kept."""
        matrix = self._matrix(place, dimensions)
        with blocking(math.inf) as seconds:
            if not matrix.lock.acquire(timeout=min(seconds, threading.TIMEOUT_MAX)):
                raise ServiceUnavailable
        try:
            return matrix.blocks if matrix.update(source, self._most_bytes) else None
        finally:
            matrix.lock.release()

    def forget(self, place: Hashable | None, seqs: Collection[int]) -> None:
        """Pass over items from now on that turned out to be gone."""
        matrix = self._known.get(place)
        if matrix is not None and seqs:
            with matrix.lock:
                matrix.forget(seqs)

    def drop_old_files(self) -> None:
        """Let files begin anew in which vectors may be that the store has removed a day ago.

        What this process has of files that are no longer there it lets go of, searched or not.
        """
        if self._files is None:
            return
        self._files.drop_old()
        with self._lock:
            known = list(self._known.values())
        for matrix in known:
            # One in use is looked at the next time: nobody waits for a search.
            if matrix.lock.acquire(blocking=False):
                try:
                    matrix.let_go()
                finally:
                    matrix.lock.release()

    def _matrix(self, place: Hashable, dimensions: int) -> _Matrix:
        with self._lock:
            if place not in self._known:
                file = None if self._files is None else self._files.file(place, dimensions)
                self._known[place] = _Matrix(dimensions, file)
            self._known.move_to_end(place)
            return self._known[place]

    def _drop(self, place: Hashable) -> None:
        """Note that a set is too large, for a while."""
        with self._lock:
            self._known.pop(place, None)
            self._large[place] = time.monotonic() + LARGE_SECONDS

    def _make_room(self, place: Hashable) -> None:
        """Forget the sets that were searched longest ago, until the rest is within the bound."""
        with self._lock:
            taken = sum(one.size for one in self._known.values())
            while taken > self._most_bytes or len(self._known) > MOST_SETS:
                oldest = next(iter(self._known))
                if oldest == place:
                    break
                taken -= self._known.pop(oldest).size
            VECTOR_BYTES.value = taken

    @staticmethod
    def mean(sources: Iterable[Source], dimensions: int) -> bytes | None:
        """Return the direction that vectors have together, each counting the same; None if there are none."""
        total = np.zeros(dimensions)
        for source in sources:
            for items in _read(source):
                total += Block.of(items, dimensions).rows.sum(axis=0, dtype=np.float64)
        length = float(np.linalg.norm(total))
        return (total / length).astype("<f2").tobytes() if length else None
