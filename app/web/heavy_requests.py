"""Heavy requests: how many of those that take much processor time one key may have running at once.

A search or a digest works for as long as hundreds of reads. Threads that all want Python's interpreter slow
each other and everybody else down, so that in one worker (with the usual eight threads) one heavy request of
a key runs at a time and two of all keys, the next ones wait their turn, and those for which that is too far
off are told to come back. Who waits for a model's endpoint lends its place to others. ``x-heavy`` in the
description says which operations are meant: ``always``; ``digest``: where the server itself writes summaries;
``large``: reads, while the key has been answered much in the last seconds. Forks of long dialogues take their
turn in the handler, which knows their parent.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias

from ..domain.errors import RateLimitExceeded
from ..domain.limits import MEBIBYTE
from ..waiting import blocking, has_stand_ins, stand_in
from .rests import Rests

QUEUE: Final = 4
"""How many times as many requests as threads may wait, of one key, where others serve meanwhile."""

WAITING_SHARE: Final = 0.5
"""How much of the time that a request has it may wait for its turn: the rest is for its work.

Begun with less it would be cut off, after work for nothing, with an error as if the store had failed.
"""

COUNTED_BYTES: Final = 64 * 1024
"""Answers from this size on count as large."""

MUCH_BYTES: Final = 8 * MEBIBYTE
"""What a key has to have been answered lately for its reads to be heavy."""

FORGOTTEN_BYTES: Final = 4 * MEBIBYTE
"""How much of that is forgotten in a second."""

_Queue: TypeAlias = deque[tuple[str, threading.Event]]


class HeavyRequests:
    """The heavy requests of one process, which has so many threads."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.most_running_of_key = max(1, threads // 8)
        self.most_running = max(1, (threads + 1) // 2 - 2)
        """Of all keys: with large bodies, which take half of the threads and one more, they leave one."""
        self._changing = threading.Lock()
        self._running: Counter[str] = Counter()
        self._aside: Counter[str] = Counter()
        self._waiting: _Queue = deque()
        self._returning: _Queue = deque()
        """Those that were aside and wait to go on: before all that have not begun."""
        self._answered: dict[str, tuple[float, float]] = {}
        self.rests = Rests()

    def _most(self) -> tuple[int, int]:
        """Return how many may run or wait, of one key and of all: some threads have to be left for others."""
        if has_stand_ins():
            return QUEUE * self.threads, 2 * QUEUE * self.threads
        return max(1, self.threads // 2), max(1, self.threads - 2)

    def enter(self, key: str, *, waits: bool = True) -> None:
        """Begin a heavy request when its turn has come; raises RateLimitExceeded when that is too far off.

        Without ``waits`` it comes at once or not: for who holds what others wait for.
        """
        most_of_key, most = self._most()
        with blocking(math.inf) as seconds:
            with self._changing:
                is_full = self._present() >= most or self.present(key) >= most_of_key
                if is_full or not (waits or self._has_room(key)):
                    raise _refusal()
                turn = self._start(key, self._waiting)
            self._wait(turn, key, self._waiting, seconds * WAITING_SHARE)

    def step_aside(self, key: str) -> None:
        """Leave, but go on counting among those that are present."""
        with self._changing:
            self._aside[key] += 1
        self.leave(key)

    def step_back(self, key: str) -> None:
        """Go on, before those that have not begun and behind those that came back earlier.

        Raises RateLimitExceeded when no turn comes in time, and ServiceUnavailable when no time is left.
        """
        with self._changing:
            self._aside = self._aside - Counter([key])
        with blocking(math.inf) as seconds:
            with self._changing:
                turn = self._start(key, self._returning)
            self._wait(turn, key, self._returning, seconds)

    def _present(self) -> int:
        waiting = len(self._waiting) + len(self._returning)
        return waiting + self._running.total() + self._aside.total()

    def present(self, key: str) -> int:
        """Return how many of a key run, wait or are aside.

        Copies are counted, which nobody changes meanwhile.
        """
        waiting = sum(one == key for one, _ in (*tuple(self._returning), *tuple(self._waiting)))
        return self._running[key] + self._aside[key] + waiting

    def _has_room(self, key: str) -> bool:
        return self._running[key] < self.most_running_of_key and self._running.total() < self.most_running

    def _start(self, key: str, queue: _Queue) -> threading.Event:
        """Let a request run, or wait; return what is set when its turn has come."""
        turn = threading.Event()
        if self._has_room(key):
            self._running[key] += 1
            turn.set()
        else:
            queue.append((key, turn))
        return turn

    def _wait(self, turn: threading.Event, key: str, queue: _Queue, seconds: float) -> None:
        """Wait for a turn, and give it up when it does not come in time."""
        if turn.is_set():
            return
        with stand_in():
            turn.wait(min(seconds, threading.TIMEOUT_MAX))
        with self._changing:
            if not turn.is_set():
                queue.remove((key, turn))
                raise _refusal()

    def leave(self, key: str) -> None:
        """End a heavy request; of those that may run now, who came back first does, or who waits longest."""
        with self._changing:
            self._running[key] -= 1
            if not self._running[key]:
                del self._running[key]
            for queue in (self._returning, self._waiting):
                for place, (waiting, turn) in enumerate(queue):
                    if self._has_room(waiting):
                        del queue[place]
                        self._running[waiting] += 1
                        turn.set()
                        return

    def count_answer(self, key: str, size: int) -> None:
        """Note that a key was answered so many bytes, where they are enough to count."""
        now = time.monotonic()
        with self._changing:
            self._answered = {
                one: (left, now)
                for one, (before, then) in self._answered.items()
                if (left := before - (now - then) * FORGOTTEN_BYTES) > 0
            }
            before, _ = self._answered.get(key, (0.0, now))
            self._answered[key] = (min(before + size, 2.0 * MUCH_BYTES), now)

    def is_answered_much(self, key: str) -> bool:
        """Whether a key was answered so much lately that its reads are heavy."""
        answered = self._answered.get(key)
        if answered is None:
            return False
        size, then = answered
        return size - (time.monotonic() - then) * FORGOTTEN_BYTES > MUCH_BYTES


class Place:
    """What a heavy request holds until it is over; see ``HeavyRequests.enter``."""

    def __init__(self, heavy: HeavyRequests, key: str, *, waits: bool) -> None:
        heavy.enter(key, waits=waits)
        self._heavy = heavy
        self._key = key
        self._is_held = True
        self._rested: float | None = None

    def rest(self) -> None:
        """Wait, in the place, for the end of the rest that a large read left behind, and leave one behind.

        Raises ServiceUnavailable when no time is left.
        """
        self._heavy.rests.wait(self._key)
        self._rested = time.monotonic()

    def leave(self) -> None:
        """Give the place to who has waited longest."""
        if self._is_held:
            self._is_held = False
            if self._rested is not None:
                self._heavy.rests.begin(self._key, time.monotonic() - self._rested)
            self._heavy.leave(self._key)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Have others in this place meanwhile, and another thread serve: for a wait that takes no processor.

        Raises RateLimitExceeded when the request cannot go on in time.
        """
        self._is_held = False
        self._heavy.step_aside(self._key)
        try:
            with blocking(), stand_in():
                yield
        finally:
            self._heavy.step_back(self._key)
            self._is_held = True


def _refusal() -> RateLimitExceeded:
    return RateLimitExceeded(
        "Too many searches, digests, contexts, exports, long forks or large reads run at this moment. "
        "Try again in a second.",
        headers={"Retry-After": "1"},
    )
