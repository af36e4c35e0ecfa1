"""Drafting the conversations of an import in their order: here, and of a long import in a second process.

Checking conversations and making their words and tokens takes as much time as reading and storing them. So,
once an import has come to START_BYTES, a second process does the first for one batch while this one stores
the batch before. It holds nothing that is not here, too: if it ends, what it had is drafted here. What is
drafted here has no tokens; the store makes them.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any, Final

import orjson

from ..search.tokens import index_text
from .conversation import Conversation, Fields
from .drafts import Drafted, Drafter
from .spool import conversation_of

PROCESSORS: Final = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
"""How many processors this process may use; where the system does not tell, how many there are."""

START_BYTES: Final = 2 * 1024 * 1024 if PROCESSORS > 1 else math.inf
"""How much JSON of conversations there has to be for a second process, which takes a second to start.

With one processor it is of no use.
"""

BATCH_BYTES: Final = 512 * 1024
"""How much of it goes to the second process at once."""

LARGE_BYTES: Final = 4 * 1024 * 1024
"""A conversation from this size on is drafted here, so that it is in memory once."""

END_SECONDS: Final = 5.0
"""How long the second process has to end by itself."""

_ENDED: Final = (EOFError, OSError)
"""What a pipe raises whose other end is gone."""

Entry = tuple[str, Conversation]
Done = tuple[str, Conversation, Drafted]


class Drafting:
    """Takes conversations with their places, and gives each back with what it became, in the same order.

    To be closed. The second process begins at ``start_bytes``.
    """

    def __init__(self, drafter: Drafter, start_bytes: float = START_BYTES) -> None:
        self.drafter = drafter
        self._start_bytes = start_bytes
        self._bytes = 0
        self._second: _SecondProcess | None = None
        self._gathered: list[Entry] = []
        self._texts: list[bytes] = []
        self._texts_bytes = 0
        self._sent: list[Entry] = []

    def add(self, place: str, conversation: Conversation) -> Iterator[Done]:
        """Take a conversation, and yield those that are done, this one or earlier ones."""
        try:
            text = orjson.dumps(conversation)
        except TypeError as error:
            yield from self.drain()
            yield place, conversation, Drafted([], problem=f"It cannot be written as JSON: {error}.")
            return
        self._bytes += len(text)
        if len(text) >= LARGE_BYTES or not self._has_second():
            yield from self.drain()
            yield place, conversation, self.drafter.prepare(conversation)
            return
        self._gathered.append((place, conversation))
        self._texts.append(text)
        self._texts_bytes += len(text)
        if self._texts_bytes >= BATCH_BYTES:
            yield from self._exchange()

    def drain(self) -> Iterator[Done]:
        """Yield all that was taken and not yet given back."""
        yield from self._exchange()
        yield from self._exchange()

    def holds(self, dialogue_id: str) -> bool:
        """Whether a conversation of this id was taken and not yet given back."""
        return any(one.dialogue.get("id") == dialogue_id for _, one in (*self._sent, *self._gathered))

    def close(self) -> None:
        """End the second process; what it had is lost."""
        if self._second is not None:
            self._second.close()
            self._second = None

    def _has_second(self) -> bool:
        """Whether a second process is there; the first that there is enough for it, it begins to start."""
        if self._second is None:
            if self._bytes < self._start_bytes:
                return False
            self._start_bytes = math.inf
            with suppress(OSError):  # a machine may have no room for another process
                self._second = _SecondProcess(self.drafter.specification)
        return self._second is not None and self._second.is_ready()

    def _exchange(self) -> Iterator[Done]:
        """Give what was gathered to the second process, and yield what it had before."""
        sent, drafted = self._sent, self._receive()
        self._sent, self._gathered = self._gathered, []
        texts, self._texts, self._texts_bytes = self._texts, [], 0
        if self._sent and self._second is not None:
            self._second.send(texts)
        yield from ((*entry, one) for entry, one in zip(sent, drafted, strict=True))

    def _receive(self) -> list[Drafted]:
        if self._sent and self._second is not None:
            drafted = self._second.receive()
            if drafted is not None:
                return drafted
            self.close()
        return [self.drafter.prepare(conversation) for _, conversation in self._sent]


class _SecondProcess:
    """A process that drafts one batch at a time. It ends when this process closes the pipe, or is no more."""

    def __init__(self, specification: Fields) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=draft_batches, args=(theirs, specification), daemon=True)
        self._is_ready = False
        with _without_interrupts():
            self._process.start()
        theirs.close()

    def is_ready(self) -> bool:
        """Whether it has started; one that has failed to stays unready."""
        if not self._is_ready:
            with suppress(*_ENDED):
                self._is_ready = self._pipe.poll() and bool(self._pipe.recv())
        return self._is_ready

    def send(self, texts: list[bytes]) -> None:
        """Give it a batch; ``receive`` tells whether it came through."""
        with suppress(*_ENDED):
            self._pipe.send_bytes(b"[" + b",".join(texts) + b"]")

    def receive(self) -> list[Drafted] | None:
        """Return what became of the batch; None if the process has ended."""
        try:
            drafted: list[Drafted] = self._pipe.recv()
        except _ENDED:
            return None
        return drafted

    def close(self) -> None:
        self._pipe.close()
        self._process.join(END_SECONDS)
        self._process.terminate()
        self._process.join()


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Let a process that begins here leave Ctrl-C to its parent; one that comes now comes behind it."""
    resource_tracker.ensure_running()  # which a new process starts else, and then lets Ctrl-C in again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def draft_batches(pipe: Connection, specification: Fields) -> None:
    """Draft what comes through a pipe, with its tokens, until that is closed."""
    drafter = Drafter(specification)
    with suppress(*_ENDED):
        pipe.send("ready")
        while True:
            found: list[dict[str, Any]] = orjson.loads(pipe.recv_bytes())
            pipe.send([with_tokens(drafter.prepare(conversation_of(fields))) for fields in found])


def with_tokens(drafted: Drafted) -> Drafted:
    """Return what was drafted with the tokens that the store makes else."""
    record = drafted.record
    if record is None:
        return drafted
    name = record.command.id
    tokens = {one.id: index_text(one.terms, f"{name}/{one.id}") for one in record.messages}
    return replace(drafted, record=replace(record, tokens=tokens))
