"""Forking: a thread that starts with a copy of its parent's messages up to one of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from ..domain.errors import Detail, InvalidInput, quote
from ..domain.ids import new_id
from ..domain.json_text import compact_json
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
"""A fork of a dialogue with more messages than this works for longer than a moment, in one transaction."""


def is_long(store: Store, scope: Scope, command: NewDialogue) -> bool:
    """Whether a creation is a fork that may copy more than LONG_FORK messages."""
    if command.fork_at is None or command.thread_of is None:
        return False
    parent = store.get_dialogue(scope, command.thread_of)
    return parent is not None and parent.total > LONG_FORK


def fork(
    tx: Transaction, parent: Dialogue, thread: Dialogue, message_id: str, now: Timestamp
) -> tuple[Dialogue, list[Message]]:
    """Return the thread, and copies for it of the parent's messages up to and including one.

    The copies are not counted in the thread yet. Raises InvalidInput when there is no such message, or
    when there are too many.
    """
    last = tx.find_messages(parent, [message_id]).get(message_id)
    if last is None:
        raise _refusal(f"names no message of the parent: {quote(message_id)}")
    originals = tx.messages_through(parent, last, FORK_MESSAGES + 1, FORK_BYTES)
    if len(originals) > FORK_MESSAGES or _size(originals) > FORK_BYTES:
        raise _refusal("asks for too much: a fork copies at most 10,000 messages or 64 MiB")
    copies = [_copy(original, thread, seq, now) for seq, original in enumerate(originals)]
    metadata = {"forkedFrom": message_id} | parse(thread.metadata)
    created_count = thread.created_count + len(copies)
    return replace(thread, metadata=compact_json(metadata), created_count=created_count), copies


def _copy(original: Message, thread: Dialogue, seq: int, now: Timestamp) -> Message:
    copied_id = new_id()
    fields = orjson.loads(original.body) | {
        "id": copied_id,
        "dialogueId": thread.id,
        "modified": now,
    }
    return replace(
        original,
        uid=thread.uid,
        id=copied_id,
        dialogue_id=thread.id,
        seq=seq,
        modified=now,
        body=compact_json(fields),
    )


def _size(messages: list[Message]) -> int:
    return sum(len(message.body.encode()) for message in messages)


def _refusal(reason: str) -> InvalidInput:
    return InvalidInput(f"forkAt {reason}.", Detail("forkAt", reason))
