"""Restoring conversations that were kept elsewhere: any number of messages, with times and status.

What a request of the API may not say (when a dialogue ended, when it last changed) is taken from
the record. The result is that of creating the dialogue with the record's first batch and appending
the rest. A conversation that is there already is brought up to date: messages that it lacks are
added behind those that it has.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import orjson

from ..domain import timestamps
from ..domain.errors import DialogueNotFound, InvalidInput
from ..domain.ids import Fingerprint
from ..domain.json_text import compact_json
from ..domain.records import Dialogue, JsonText, Message, Status, Timestamp
from . import dialogues, memories, messages
from .fork import fork
from .inputs import NewDialogue, NewMemory, NewMessage
from .state import parse

if TYPE_CHECKING:
    from ..stores import Transaction

STEP = 1000
"""How many messages of one dialogue a transaction takes."""


@dataclass(frozen=True, slots=True)
class Record:
    """A conversation to be restored.

    ``command`` creates it, with as many of the ``messages`` as a request may bring. ``modified``
    has the time of the last change of each message (None: now), and is empty where there is none; a
    message that has one has a ``created`` too. ``guessed`` says that the id was made from how the
    conversation begins, so that another one may have it. ``last_modified`` is known of a server's own
    dialogues only; where it is later than the stored one, the record's head is taken over.
    """

    command: NewDialogue
    messages: tuple[NewMessage, ...]
    modified: tuple[Timestamp | None, ...] = ()
    status: Status = Status.ACTIVE
    ended_at: Timestamp | None = None
    archived_at: Timestamp | None = None
    last_modified: Timestamp | None = None
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step did.

    Whether the dialogue is new, how many messages are, whether its head was brought up to date. How many
    messages differ from those that are stored under their ids, and whether the head does; how many are
    missing because they were deleted here. Whether it must wait for its parent, and whether its id belongs
    to another conversation: nothing was stored then.
    """

    created: bool = False
    messages: int = 0
    updated: bool = False
    different: int = 0
    deleted: int = 0
    parent_missing: bool = False
    taken: bool = False


def restore(
    tx: Transaction, record: Record, start: int = 0, *, orphan: bool = False, update: bool = False
) -> Outcome:
    """Store up to ``STEP`` messages of a record, from ``start`` on, and with 0 its dialogue.

    Of a dialogue that is there, stored messages stay; label, tags, status and state stay as well, unless
    the record is known to be newer, or ``update`` asks for them. Without ``orphan`` a thread whose parent
    is missing is not stored but reported; with it, it becomes the thread of a parent that was deleted.
    Raises DialogueEnded when messages would be added
    to a dialogue that was ended here, and DialogueNotFound when it was deleted since ``start`` was 0.
    """
    dialogue = tx.lock_dialogue(record.command.id)
    if dialogue is not None:
        return _resume(tx, dialogue, record, start, update=update)
    if start:
        raise DialogueNotFound("The dialogue was deleted while it was being imported.")
    return _create(tx, record, orphan=orphan)


def remember(tx: Transaction, command: NewMemory) -> Outcome:
    """Store a memory; one that is there stays as it is."""
    existing = tx.lock_memory(command.id)
    if existing is None:
        memories.create(tx, command)
        return Outcome(created=True)
    return Outcome(different=int(not command.hash.is_of(existing.hash)))


def _create(tx: Transaction, record: Record, *, orphan: bool) -> Outcome:
    command = record.command
    parent = None if command.thread_of is None else tx.lock_dialogue(command.thread_of)
    if parent is None and command.thread_of is not None:
        if not orphan:
            return Outcome(parent_missing=True)
        _leave_tombstone(tx, command.thread_of)
    now = timestamps.now()
    dialogue, copies = _begin(tx, command, parent, now)
    places = range(min(STEP, len(record.messages)))
    offset = len(copies)
    added = [_message(record, dialogue, place, offset + place, now) for place in places]
    if parent is not None:
        dialogues.count_thread(tx, parent)
    tx.insert_dialogue(_finish(messages.count_in(tx, dialogue, [*copies, *added]), record, len(places)))
    tx.insert_messages([*copies, *added])
    return Outcome(created=True, messages=len(added))


def _begin(
    tx: Transaction, command: NewDialogue, parent: Dialogue | None, now: Timestamp
) -> tuple[Dialogue, list[Message]]:
    """Return the new dialogue, and what it copies of its parent: nothing where that has become impossible."""
    dialogue = dialogues.begin(tx, command, now)
    if command.fork_at is None or parent is None:
        return dialogue, []
    try:
        return fork(tx, parent, dialogue, command.fork_at, now)
    except InvalidInput:
        metadata = {"forkedFrom": command.fork_at} | parse(dialogue.metadata)
        return replace(dialogue, metadata=compact_json(metadata)), []


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
        hash=Fingerprint("", ""),
    )
    parent = dialogues.begin(tx, stand_in, timestamps.now())
    tx.insert_dialogue(parent)
    tx.remove_dialogue(parent, purge=True)


def _resume(tx: Transaction, dialogue: Dialogue, record: Record, start: int, *, update: bool) -> Outcome:
    """Add what a dialogue lacks; what was deleted here stays deleted."""
    chunk = record.messages[start : start + STEP]
    looked_at = record.messages[max(0, start - 1) : start + STEP]
    found = tx.find_messages(dialogue, [draft.id for draft in looked_at])
    differing = {
        draft.id for draft in looked_at if draft.id in found and not _is_same(found[draft.id], draft)
    }
    if (record.guessed and differing) or (start == 0 and found and len(differing) == len(found)):
        return Outcome(taken=True)
    missing = [place for place, draft in enumerate(chunk, start) if draft.id not in found]
    places = [place for place in missing if place >= _accepted(dialogue, record, found)]
    if places and _continues_another(record, places[0], differing):
        return Outcome(taken=True)
    now = timestamps.now()
    seq = dialogue.next_seq
    added = [_message(record, dialogue, place, seq + offset, now) for offset, place in enumerate(places)]
    changed = messages.count_in(tx, dialogue, added)
    is_last = start + STEP >= len(record.messages)
    if is_last:
        changed = _bring_up_to_date(changed, record, has_grown=bool(added), update=update)
    if added and changed.status is not record.status:
        messages.require_active(dialogue)
    if changed != dialogue:
        tx.save_dialogue(_touch(changed, dialogue, record, start))
        tx.insert_messages(added)
    return Outcome(
        messages=len(added),
        updated=_head(changed) != _head(dialogue),
        different=sum(draft.id in differing for draft in chunk)
        + (is_last and _head(changed) != _head(_with_head(changed, record))),
        deleted=len(missing) - len(places),
    )


def _is_same(message: Message, draft: NewMessage) -> bool:
    """Whether a message says what a draft does; times and metadata may differ from one export to the next."""
    if draft.hash.is_of(message.hash):
        return True
    body = orjson.loads(message.body)
    return bool(body["role"] == draft.role and body["content"] == orjson.loads(draft.content))


def _accepted(dialogue: Dialogue, record: Record, found: dict[str, Message]) -> int:
    """Return below which place of the record a message that is missing was there and was deleted."""
    if dialogue.total == dialogue.next_seq:
        return 0
    offsets = [
        found[draft.id].seq - place for place, draft in enumerate(record.messages) if draft.id in found
    ]
    return dialogue.next_seq - max(0, min(offsets, default=0))


def _continues_another(record: Record, place: int, differing: set[str]) -> bool:
    """Whether what comes before new messages is not what the dialogue has there."""
    return place > 0 and record.messages[place - 1].id in differing


def _bring_up_to_date(dialogue: Dialogue, record: Record, *, has_grown: bool, update: bool) -> Dialogue:
    newer = record.last_modified is not None and record.last_modified > dialogue.modified
    if newer or update:
        return _with_status(_with_head(dialogue, record), record)
    return _with_status(dialogue, record) if has_grown and record.status is not Status.ACTIVE else dialogue


def _with_head(dialogue: Dialogue, record: Record) -> Dialogue:
    """Return the dialogue with what the record says of it; a foreign one may say nothing."""
    command = record.command
    if record.last_modified is not None:
        return replace(
            _with_status(dialogue, record), label=command.label, tags=command.tags, state=command.state
        )
    told = dialogue if record.status is Status.ACTIVE else _with_status(dialogue, record)
    return replace(told, label=command.label or told.label, tags=command.tags or told.tags)


def _with_status(dialogue: Dialogue, record: Record) -> Dialogue:
    return replace(dialogue, status=record.status, ended_at=record.ended_at, archived_at=record.archived_at)


def _head(dialogue: Dialogue) -> tuple[object, ...]:
    return dialogue.label, dialogue.tags, dialogue.status, dialogue.state


def _touch(changed: Dialogue, before: Dialogue, record: Record, start: int) -> Dialogue:
    """Return the next version; what a server's own dialogue has become is as old as it was there."""
    touched = messages.touch(changed, timestamps.now())
    is_whole = start + STEP >= len(record.messages)
    told = record.last_modified
    if is_whole and told is not None and (start or told > before.modified):
        return replace(touched, modified=told)
    return touched


def _message(record: Record, dialogue: Dialogue, place: int, seq: int, now: Timestamp) -> Message:
    modified = record.modified[place] if record.modified else None
    return messages.record(record.messages[place], dialogue, seq, modified or now)


def _finish(dialogue: Dialogue, record: Record, done: int) -> Dialogue:
    """Give a new dialogue its status and times once its last message is in."""
    if done < len(record.messages):
        return dialogue
    return replace(_with_status(dialogue, record), modified=record.last_modified or dialogue.modified)
