"""Forking: a thread that starts with a copy of its parent's messages up to one of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import orjson

from ..domain import timestamps
from ..domain.errors import Detail, InvalidInput, quote
from ..domain.ids import new_id
from ..domain.json_text import compact_json
from ..search.tokens import index_text
from .state import parse

if TYPE_CHECKING:
    from ..domain.records import Dialogue, Message, Scope, Timestamp
    from ..stores import Store, Transaction
    from .inputs import NewDialogue

FORK_MESSAGES = 10_000
"""The most messages that one fork copies."""

FORK_BYTES = 64 * 1024 * 1024
"""The most that the copied messages may take together, in bytes of their JSON."""

LONG_FORK = 200
"""A fork of a dialogue with more messages than this works for longer than a moment."""

LONG_FORK_BYTES = 4 * 1024 * 1024
"""And so does one that copies more than this, of which memory holds every message twice."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a fork copies: the messages of the parent through the last one.

    ``originals`` are these messages; None: the fork is long, and they are not read yet.
    """

    parent: Dialogue
    last: Message
    originals: list[Message] | None


def find_source(store: Store, scope: Scope, command: NewDialogue) -> Source | None:
    """Return what a creation copies; None where there is nothing to copy.

    A fork is long that copies much, or may copy more than LONG_FORK messages.
    """
    if command.fork_at is None or command.thread_of is None:
        return None
    parent = store.get_dialogue(scope, command.thread_of)
    last = store.get_message(scope, command.thread_of, command.fork_at)
    if parent is None or last is None or last.uid != parent.uid:
        return None
    if parent.total > LONG_FORK:
        return Source(parent, last, None)
    originals = store.messages_through(scope, parent, last, LONG_FORK, LONG_FORK_BYTES)
    return Source(parent, last, None if _size(originals) > LONG_FORK_BYTES else originals)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Copies of messages that are made before the transaction of their fork.

    ``version`` is the version of the parent that they were read from, ``uid`` the one that the thread should
    get. ``copies`` are by what they are copies of; ``tokens`` are what they are indexed by, by their ids.
    """

    version: tuple[str, int]
    uid: str
    copies: dict[Message, Message]
    tokens: dict[str, str]


def prepare(store: Store, scope: Scope, command: NewDialogue, source: Source | None) -> Prepared | None:
    """Copy what a creation forks; None if it forks nothing, or cannot, for which its transaction has words.

    A transaction keeps other writers out on SQLite, and this takes half of a fork's processor time. A repeat
    copies nothing.
    """
    if source is None or (command.id_given and store.get_dialogue(scope, command.id) is not None):
        return None
    parent, originals = source.parent, source.originals
    if originals is None:
        originals = store.messages_through(scope, parent, source.last, FORK_MESSAGES + 1, FORK_BYTES)
    if _is_too_much(originals):
        return None
    uid, now = new_id(), timestamps.now()
    copies = {original: _copy(original, uid, command.id, seq, now) for seq, original in enumerate(originals)}
    tokens = {copy.id: index_text(copy.terms, f"{copy.dialogue_id}/{copy.id}") for copy in copies.values()}
    return Prepared((parent.uid, parent.rev), uid, copies, tokens)


def fork(
    tx: Transaction, parent: Dialogue, thread: Dialogue, message_id: str, prepared: Prepared | None
) -> tuple[Dialogue, list[Message]]:
    """Return the thread, and copies for it of the parent's messages up to and including one.

    The copies are not counted in the thread yet. Those that were prepared are taken, but of messages that
    have changed since. Raises InvalidInput when there is no such message, or when there are too many.
    """
    if prepared is not None and prepared.version == (parent.uid, parent.rev):
        originals = list(prepared.copies)
    else:
        originals = _read(tx, parent, message_id)
    made = {} if prepared is None else prepared.copies
    copies = [
        _placed(
            made.get(original) or _copy(original, thread.uid, thread.id, seq, thread.modified),
            thread.uid,
            seq,
        )
        for seq, original in enumerate(originals)
    ]
    metadata = {"forkedFrom": message_id} | parse(thread.metadata)
    created_count = thread.created_count + len(copies)
    return replace(thread, metadata=compact_json(metadata), created_count=created_count), copies


def _read(tx: Transaction, parent: Dialogue, message_id: str) -> list[Message]:
    last = tx.find_messages(parent, [message_id]).get(message_id)
    if last is None:
        raise _refusal(f"names no message of the parent: {quote(message_id)}")
    originals = tx.messages_through(parent, last, FORK_MESSAGES + 1, FORK_BYTES)
    if _is_too_much(originals):
        raise _refusal("asks for too much: a fork copies at most 10,000 messages or 64 MiB")
    return originals


def _copy(original: Message, uid: str, dialogue_id: str, seq: int, now: Timestamp) -> Message:
    copied_id = new_id()
    fields = orjson.loads(original.body) | {"id": copied_id, "dialogueId": dialogue_id, "modified": now}
    return replace(
        original,
        uid=uid,
        id=copied_id,
        dialogue_id=dialogue_id,
        seq=seq,
        modified=now,
        body=compact_json(fields),
    )


def _placed(copy: Message, uid: str, seq: int) -> Message:
    """Return a copy in the place that it has when the thread is stored."""
    return copy if (copy.uid, copy.seq) == (uid, seq) else replace(copy, uid=uid, seq=seq)


def _is_too_much(messages: list[Message]) -> bool:
    return len(messages) > FORK_MESSAGES or _size(messages) > FORK_BYTES


def _size(messages: list[Message]) -> int:
    return sum(len(one.body.encode()) for one in messages)


def _refusal(reason: str) -> InvalidInput:
    return InvalidInput(f"forkAt {reason}.", Detail("forkAt", reason))
