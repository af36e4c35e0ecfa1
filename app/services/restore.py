"""Restoring conversations that were kept elsewhere: any number of messages, with times and status.

What a request of the API may not say (when a dialogue ended, when it last changed) is taken from
the record. The result is that of creating the dialogue with the record's first batch and appending
the rest, so that sending the same conversation through the API is a repeat.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..domain import timestamps
from ..domain.errors import DialogueNotFound, DuplicateId, quote
from ..domain.records import Dialogue, JsonText, Message, Status, Timestamp
from . import dialogues, messages
from .inputs import NewDialogue, NewMessage

if TYPE_CHECKING:
    from ..stores import Transaction

STEP = 1000
"""How many messages of one dialogue a transaction takes."""


@dataclass(frozen=True, slots=True)
class Record:
    """A conversation to be restored.

    ``command`` creates it, with as many of the ``messages`` as a request may bring. ``modified``
    has the time of the last change of each message (None: now), and is empty where there is none; a
    message that has one has a ``created`` too.
    """

    command: NewDialogue
    messages: tuple[NewMessage, ...]
    modified: tuple[Timestamp | None, ...] = ()
    status: Status = Status.ACTIVE
    ended_at: Timestamp | None = None
    archived_at: Timestamp | None = None
    last_modified: Timestamp | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step did: whether the dialogue is new, how many messages are, whether it must wait."""

    created: bool = False
    messages: int = 0
    parent_missing: bool = False


def restore(tx: Transaction, record: Record, start: int = 0, *, orphan: bool = False) -> Outcome:
    """Store up to ``STEP`` messages of a record, from ``start`` on, and with 0 its dialogue.

    What is there already stays as it is. Without ``orphan`` a thread whose parent is missing is
    not stored but reported; with it, it becomes the thread of a parent that was deleted.
    """
    dialogue = tx.lock_dialogue(record.command.id)
    if dialogue is not None:
        if start == 0:
            dialogues.require_same(dialogue, record.command)
        return _resume(tx, dialogue, record, start)
    if start:
        raise DialogueNotFound("The dialogue was deleted while it was being imported.")
    return _create(tx, record, orphan=orphan)


def _create(tx: Transaction, record: Record, *, orphan: bool) -> Outcome:
    command = record.command
    parent = None if command.thread_of is None else tx.lock_dialogue(command.thread_of)
    if parent is None and command.thread_of is not None:
        if not orphan:
            return Outcome(parent_missing=True)
        _leave_tombstone(tx, command.thread_of)
    now = timestamps.now()
    dialogue = dialogues.begin(tx, command, now)
    places = range(min(STEP, len(record.messages)))
    added = [_message(record, dialogue, place, place, now) for place in places]
    if parent is not None:
        dialogues.count_thread(tx, parent)
    tx.insert_dialogue(_finish(messages.count_in(tx, dialogue, added), record, len(places)))
    tx.insert_messages(added)
    return Outcome(created=True, messages=len(added))


def _leave_tombstone(tx: Transaction, parent_id: str) -> None:
    """Make it so that the parent was deleted: a later dialogue of that id then counts its threads."""
    if tx.lock_tombstone(parent_id) is not None:
        return
    stand_in = NewDialogue(
        id=parent_id,
        id_given=False,
        thread_of=None,
        fork_at=None,
        label=None,
        tags=(),
        metadata=JsonText("{}"),
        state=JsonText("{}"),
        created=None,
        messages=(),
        hash="",
    )
    parent = dialogues.begin(tx, stand_in, timestamps.now())
    tx.insert_dialogue(parent)
    tx.remove_dialogue(parent, purge=True)


def _resume(tx: Transaction, dialogue: Dialogue, record: Record, start: int) -> Outcome:
    """Add what an interrupted import left out; what was deleted since then stays deleted."""
    chunk = record.messages[start : start + STEP]
    found = tx.find_messages(dialogue, [draft.id for draft in chunk])
    for draft in chunk:
        if draft.id in found and found[draft.id].hash != draft.hash:
            raise DuplicateId(f"The dialogue has a message {quote(draft.id)} with different content.")
    accepted = 0 if dialogue.total == dialogue.next_seq else dialogue.next_seq
    places = [
        place for place, draft in enumerate(chunk, start) if draft.id not in found and place >= accepted
    ]
    if not places:
        return Outcome()
    messages.require_active(dialogue)
    now = timestamps.now()
    added = [
        _message(record, dialogue, place, dialogue.next_seq + offset, now)
        for offset, place in enumerate(places)
    ]
    extended = messages.touch(messages.count_in(tx, dialogue, added), now)
    tx.save_dialogue(_finish(extended, record, start + len(chunk)))
    tx.insert_messages(added)
    return Outcome(messages=len(added))


def _message(record: Record, dialogue: Dialogue, place: int, seq: int, now: Timestamp) -> Message:
    modified = record.modified[place] if record.modified else None
    return messages.record(record.messages[place], dialogue, seq, modified or now)


def _finish(dialogue: Dialogue, record: Record, done: int) -> Dialogue:
    """Give the dialogue its status and times once its last message is in."""
    if done < len(record.messages):
        return dialogue
    return replace(
        dialogue,
        status=record.status,
        ended_at=record.ended_at,
        archived_at=record.archived_at,
        modified=record.last_modified or dialogue.modified,
    )
