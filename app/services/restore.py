"""Restoring conversations that were kept elsewhere: any number of messages, with times and status.

What a request of the API may not say (when a dialogue ended, when it last changed) is taken from
the record. The result is that of creating the dialogue with the record's first batch and appending
the rest. A conversation that is there already is brought up to date: messages that it lacks are
added behind those that it has.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING

import orjson

from ..domain import timestamps
from ..domain.errors import DialogueNotFound, InvalidInput
from ..domain.ids import new_id
from ..domain.json_text import compact_json
from ..domain.records import Dialogue, Memory, Message, Status, Timestamp, Tombstone
from . import dialogues, memories, messages
from .deleted import restore_deleted
from .fork import fork
from .inputs import NewMemory, NewMessage
from .origin import MemoryOrigin, insert_summaries
from .restore_inputs import Outcome, Record
from .state import parse

if TYPE_CHECKING:
    from ..stores import Transaction


def restore(
    tx: Transaction, record: Record, start: int = 0, *, orphan: bool = False, update: bool = False
) -> Outcome:
    """Store up to ``record.step`` messages of a record, from ``start`` on, and with 0 its dialogue.

    Of a dialogue that is there, stored messages stay; label, tags, status and state stay as well, unless
    the record is known to be newer, or ``update`` asks for them. Without ``orphan`` a thread whose parent
    is missing is not stored but reported; with it, it becomes the thread of a parent that was deleted.
    Raises DialogueEnded when messages would be added
    to a dialogue that was ended here, and DialogueNotFound when it was deleted since ``start`` was 0.
    A dialogue that was deleted at its origin becomes one that was deleted here.
    """
    if record.fate is not None and record.origin is not None:
        return restore_deleted(tx, record, record.origin, start)
    dialogue = tx.lock_dialogue(record.command.id)
    if dialogue is not None:
        return _resume(tx, dialogue, record, start, update=update)
    if start:
        raise DialogueNotFound("The dialogue was deleted while it was being imported.")
    return _create(tx, record, orphan=orphan)


def remember(tx: Transaction, command: NewMemory, origin: MemoryOrigin | None = None) -> Outcome:
    """Store a memory; one that is there stays as it is."""
    existing = tx.lock_memory(command.id)
    if existing is not None:
        return Outcome(different=int(not _is_known(existing, command, origin)))
    memory = memories.begin(tx, command, timestamps.now())
    if origin is not None:
        memory = replace(memory, created=origin.created, modified=origin.modified, hash=origin.hash)
    tx.insert_memory(memory)
    return Outcome(created=True)


def _is_known(existing: Memory, command: NewMemory, origin: MemoryOrigin | None) -> bool:
    """Whether a memory is the one that is there; one that was changed at its origin has to say the same."""
    if origin is None:
        return command.hash.is_of(existing.hash)
    same = attrgetter("value", "label", "description", "tags")
    return bool(same(existing) == same(command))


def _create(tx: Transaction, record: Record, *, orphan: bool) -> Outcome:
    command = record.command
    parent = None if command.thread_of is None else tx.lock_dialogue(command.thread_of)
    if parent is None and command.thread_of is not None:
        if not orphan:
            return Outcome(parent_missing=True)
        _leave_tombstone(tx, command.thread_of)
    now = timestamps.now()
    dialogue, copies = _begin(tx, record, parent, now)
    places = record.chunk(0)
    seqs = _seqs(record, dialogue, places, dialogue.next_seq + len(copies))
    added = [record.message(dialogue, place, seq, now) for place, seq in zip(places, seqs, strict=True)]
    if parent is not None:
        dialogues.count_thread(tx, parent)
    is_last = record.is_last(0)
    dialogue = _count_in(tx, dialogue, [*copies, *added], record, is_last=is_last)
    tx.insert_dialogue(_finish(dialogue, record) if is_last else dialogue)
    tx.insert_messages([*copies, *added], record.tokens)
    summaries = insert_summaries(tx, dialogue, record.origin) if is_last and record.origin else 0
    return Outcome(created=True, messages=len(added), summaries=summaries)


def _begin(
    tx: Transaction, record: Record, parent: Dialogue | None, now: Timestamp
) -> tuple[Dialogue, list[Message]]:
    """Return the new dialogue, and what it copies of its parent: nothing where that has become impossible."""
    command, origin = record.command, record.origin
    if origin is not None:
        dialogue = dialogues.begin(tx, command, now, origin.uid)
        own = origin.under(dialogue.uid)
        return replace(dialogue, create_hash=own.create_hash, created_count=own.created_count), []
    dialogue = dialogues.begin(tx, command, now)
    if command.fork_at is None or parent is None:
        return dialogue, []
    try:
        return fork(tx, parent, dialogue, command.fork_at, None)
    except InvalidInput:
        metadata = {"forkedFrom": command.fork_at} | parse(dialogue.metadata)
        return replace(dialogue, metadata=compact_json(metadata)), []


def _leave_tombstone(tx: Transaction, parent_id: str) -> None:
    """Make it so that the parent was deleted: a later dialogue of that id then counts its threads."""
    dialogues.clear_expired(tx, parent_id)
    if tx.lock_tombstone(parent_id) is None:
        tx.insert_tombstone(Tombstone(parent_id, new_id(), purged=True))


def _own_seqs(record: Record, dialogue: Dialogue) -> tuple[int, ...] | None:
    """Return the sequence numbers of the record's messages where they mean the same here."""
    origin = record.origin
    return origin.seqs if origin is not None and origin.uid == dialogue.uid else None


def _seqs(record: Record, dialogue: Dialogue, places: Iterable[int], following: int) -> list[int]:
    """Return the sequence number of each new message: its own, unless that is behind what is taken."""
    own = _own_seqs(record, dialogue)
    seqs = []
    for place in places:
        seqs.append(following if own is None else max(following, own[place]))
        following = seqs[-1] + 1
    return seqs


def _count_in(
    tx: Transaction, dialogue: Dialogue, added: list[Message], record: Record, *, is_last: bool
) -> Dialogue:
    """Return the dialogue with new messages counted, and its next sequence number behind theirs."""
    counted = messages.count_in(tx, dialogue, added)
    following = added[-1].seq + 1 if added else dialogue.next_seq
    origin = record.origin
    if is_last and origin is not None and origin.uid == dialogue.uid:
        following = max(following, origin.next_seq)
    return counted if counted.next_seq == following else replace(counted, next_seq=following)


def _resume(tx: Transaction, dialogue: Dialogue, record: Record, start: int, *, update: bool) -> Outcome:
    """Add what a dialogue lacks; what was deleted here stays deleted."""
    chunk = record.messages[start : start + record.step]
    looked_at = record.messages[max(0, start - 1) : start + record.step]
    found = tx.find_messages(dialogue, [draft.id for draft in looked_at])
    differing = {
        draft.id for draft in looked_at if draft.id in found and not _is_same(found[draft.id], draft)
    }
    if (record.guessed and differing) or (start == 0 and found and len(differing) == len(found)):
        return Outcome(taken=True)
    missing = [place for place, draft in enumerate(chunk, start) if draft.id not in found]
    places = _never_accepted(tx, dialogue, record, missing, found)
    if places and _continues_another(record, places[0], differing):
        return Outcome(taken=True)
    now = timestamps.now()
    seqs = _seqs(record, dialogue, places, dialogue.next_seq)
    added = [record.message(dialogue, place, seq, now) for place, seq in zip(places, seqs, strict=True)]
    is_last = record.is_last(start)
    changed = _count_in(tx, dialogue, added, record, is_last=is_last)
    if is_last:
        changed = _bring_up_to_date(changed, record, has_grown=bool(added), update=update)
    if added and changed.status is not record.status:
        messages.require_active(dialogue)
    if changed != dialogue:
        tx.save_dialogue(_touch(changed, dialogue, record, start))
        tx.insert_messages(added, record.tokens)
    summaries = insert_summaries(tx, changed, record.origin) if is_last and record.origin else 0
    return Outcome(
        messages=len(added),
        summaries=summaries,
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


def _never_accepted(
    tx: Transaction, dialogue: Dialogue, record: Record, missing: list[int], found: dict[str, Message]
) -> list[int]:
    """Return those of the missing messages that were never here; the others were deleted here."""
    if dialogue.total == dialogue.next_seq:
        return missing
    own = _own_seqs(record, dialogue)
    if own is None:
        offsets = [
            found[draft.id].seq - place for place, draft in enumerate(record.messages) if draft.id in found
        ]
        accepted = dialogue.next_seq - max(0, min(offsets, default=0))
        return [place for place in missing if place >= accepted]
    # A number below the next one is free where its message was deleted; another message may have it.
    passed = [own[place] for place in missing if own[place] < dialogue.next_seq]
    taken = tx.find_seqs(dialogue, passed) if passed else set()
    return [place for place in missing if own[place] >= dialogue.next_seq or own[place] in taken]


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
            _with_status(dialogue, record),
            label=command.label,
            tags=command.tags,
            state=command.state,
            expires_at=command.expires_at,
        )
    told = dialogue if record.status is Status.ACTIVE else _with_status(dialogue, record)
    return replace(told, label=command.label or told.label, tags=command.tags or told.tags)


def _with_status(dialogue: Dialogue, record: Record) -> Dialogue:
    told = record.status, record.ended_at, record.archived_at
    if (dialogue.status, dialogue.ended_at, dialogue.archived_at) == told:
        return dialogue
    return replace(dialogue, status=record.status, ended_at=record.ended_at, archived_at=record.archived_at)


def _head(dialogue: Dialogue) -> tuple[object, ...]:
    return dialogue.label, dialogue.tags, dialogue.status, dialogue.state


def _touch(changed: Dialogue, before: Dialogue, record: Record, start: int) -> Dialogue:
    """Return the next version; what a server's own dialogue has become is as old as it was there."""
    touched = messages.touch(changed, timestamps.now())
    is_whole = record.is_last(start)
    told = record.last_modified
    if is_whole and told is not None and (start or told > before.modified):
        return replace(touched, modified=told)
    return touched


def _finish(dialogue: Dialogue, record: Record) -> Dialogue:
    """Give a new dialogue its status and times once its last message is in."""
    finished = _with_status(dialogue, record)
    return finished if record.last_modified is None else replace(finished, modified=record.last_modified)
