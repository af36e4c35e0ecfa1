"""Drafting the conversations of an import in their order: here, and of a long import in a second process.

Checking conversations and making their words and tokens takes as much time as reading and storing them. So,
of an import from START_BYTES on, a second process does the first for some batches while this one stores the
batches before. It holds nothing that is not here, too: if it ends, what it had is drafted here. What is
drafted here has no tokens; the store makes them.

The second process is a fork, since one that starts anew takes most of a second for that. It is made before
the store is opened: no connection, lock or thread of a store may be in two processes.
"""

from __future__ import annotations

import copyreg
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields, replace
from multiprocessing.connection import Connection
from operator import attrgetter
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final

import orjson

from ..search.tokens import index_text
from ..search.words import remember_chunks
from ..services.inputs import NewMessage
from .conversation import Conversation
from .drafts import Drafted, Drafter
from .spool import conversation_of

PROCESSORS: Final = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
"""How many processors this process may use; where the system does not tell, how many there are."""

START_BYTES: Final = 128 * 1024
"""How large the files have to be, as they are stored, for a second process; with one processor, of no use."""

BATCH_BYTES: Final = 128 * 1024
"""How much JSON of conversations goes to the second process at once."""

MOST_BATCHES: Final = 6
"""How many batches the second process may have, so that neither waits for the other's next one."""

MOST_CHUNKS: Final = 50_000
"""How many words, as they are written in texts, the second process remembers in each language."""

LARGE_BYTES: Final = 4 * 1024 * 1024
"""A conversation from this size on is drafted here, so that it is in memory once."""

END_SECONDS: Final = 5.0
"""How long the second process has to end by itself."""

_ENDED: Final = (EOFError, OSError)
"""What a pipe raises whose other end is gone."""

_FORK: Final = multiprocessing.get_context("fork")

Entry = tuple[str, Conversation]
Done = tuple[str, Conversation, Drafted]


class Drafting:
    """Takes conversations with their places, and gives each back with what it became, in the same order.

    To be closed. ``input_bytes`` is how much there will be, None where that is not known: from START_BYTES on
    a second process begins, so no store may be open yet.
    """

    def __init__(self, drafter: Drafter, input_bytes: int | None = 0) -> None:
        self.drafter = drafter
        self._second: _SecondProcess | None = None
        self._gathered: list[Entry] = []
        self._texts: list[bytes] = []
        self._texts_bytes = 0
        self._sent: deque[list[Entry]] = deque()
        if PROCESSORS > 1 and (input_bytes is None or input_bytes >= START_BYTES):
            with suppress(OSError):  # a machine may have no room for another process
                self._second = _SecondProcess(drafter)

    def add(self, place: str, conversation: Conversation) -> Iterator[Done]:
        """Take a conversation, and yield those that are done, this one or earlier ones."""
        try:
            text = orjson.dumps(conversation)
        except TypeError as error:
            yield from self.drain()
            yield place, conversation, Drafted([], problem=f"It cannot be written as JSON: {error}.")
            return
        if len(text) >= LARGE_BYTES or self._second is None:
            yield from self.drain()
            yield place, conversation, self.drafter.prepare(conversation)
            return
        self._gathered.append((place, conversation))
        self._texts.append(text)
        self._texts_bytes += len(text)
        if self._texts_bytes >= BATCH_BYTES:
            self._send()
            if len(self._sent) > MOST_BATCHES:
                yield from self._receive()

    def drain(self) -> Iterator[Done]:
        """Yield all that was taken and not yet given back."""
        self._send()
        while self._sent:
            yield from self._receive()

    def holds(self, dialogue_id: str) -> bool:
        """Whether a conversation of this id was taken and not yet given back."""
        return any(
            one.dialogue.get("id") == dialogue_id
            for batch in (*self._sent, self._gathered)
            for _, one in batch
        )

    def close(self) -> None:
        """End the second process; what it had is lost."""
        if self._second is not None:
            self._second.close()
            self._second = None

    def _send(self) -> None:
        """Give what was gathered to the second process."""
        if self._gathered:
            self._sent.append(self._gathered)
            texts, self._gathered, self._texts, self._texts_bytes = self._texts, [], [], 0
            if self._second is not None:
                self._second.send(texts)

    def _receive(self) -> Iterator[Done]:
        """Yield the first batch that the second process has; if it has ended, this one drafts it."""
        drafted = None if self._second is None else self._second.receive()
        if drafted is None:
            self.close()
        batch = self._sent.popleft()
        if drafted is None:
            drafted = [self.drafter.prepare(conversation) for _, conversation in batch]
        yield from ((*entry, one) for entry, one in zip(batch, drafted, strict=True))


class _SecondProcess:
    """A process that drafts batches in order. It ends when this process closes the pipe, or is no more."""

    def __init__(self, drafter: Drafter) -> None:
        self._pipe, theirs = _FORK.Pipe()
        self._process = _FORK.Process(target=_begin, args=(self._pipe, theirs, drafter), daemon=True)
        with _without_interrupts():
            self._process.start()
        theirs.close()

    def send(self, texts: list[bytes]) -> None:
        """Give it a batch; ``receive`` tells whether it came through."""
        with suppress(*_ENDED):
            self._pipe.send_bytes(b"[" + b",".join(texts) + b"]")

    def receive(self) -> list[Drafted] | None:
        """Return what became of the first batch that it has; None if the process has ended."""
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
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(parents: Connection, pipe: Connection, drafter: Drafter) -> None:
    """Draft as a fork, whose copy of the parent's end would keep the pipe open when the parent is gone."""
    parents.close()
    draft_batches(pipe, drafter)


def draft_batches(pipe: Connection, drafter: Drafter) -> None:
    """Draft what comes through a pipe, with its tokens, until that is closed.

    Batches are taken from the pipe while one is drafted, so that sending one waits for nothing else.
    """
    copyreg.pickle(NewMessage, _reduce)
    remember_chunks(MOST_CHUNKS)
    batches: SimpleQueue[bytes | None] = SimpleQueue()
    Thread(target=_take_batches, args=(pipe, batches), daemon=True).start()
    with suppress(*_ENDED):
        while (batch := batches.get()) is not None:
            found: list[dict[str, Any]] = orjson.loads(batch)
            pipe.send([with_tokens(drafter.prepare(conversation_of(one))) for one in found])


def _take_batches(pipe: Connection, batches: SimpleQueue[bytes | None]) -> None:
    """Take batches to the end, or until one has no room in memory: who sends them waits for an answer."""
    try:
        with suppress(*_ENDED):
            while True:
                batches.put(pipe.recv_bytes())
    finally:
        batches.put(None)


_message_values: Final = attrgetter(*(field.name for field in fields(NewMessage)))


def _reduce(message: NewMessage) -> tuple[type[NewMessage], tuple[Any, ...]]:
    """Pickle a message by its values: what dataclasses with slots do takes ten times as long to read."""
    return NewMessage, _message_values(message)


def with_tokens(drafted: Drafted) -> Drafted:
    """Return what was drafted with the tokens that the store makes else."""
    record = drafted.record
    if record is None:
        return drafted
    name = record.command.id
    tokens = {one.id: index_text(one.terms, f"{name}/{one.id}") for one in record.messages}
    return replace(drafted, record=replace(record, tokens=tokens))
