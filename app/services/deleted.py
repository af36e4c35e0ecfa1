"""Restoring dialogues that were deleted where they come from, whose messages may still be read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..domain import timestamps
from ..domain.errors import DialogueNotFound
from ..domain.records import Tombstone
from . import dialogues
from .origin import Origin, insert_summaries
from .restore_inputs import Outcome, Record

if TYPE_CHECKING:
    from ..domain.records import Dialogue, Message
    from ..stores import Transaction


def restore_deleted(tx: Transaction, record: Record, origin: Origin, start: int) -> Outcome:
    """Store ``record.step`` messages of a deleted dialogue, from ``start`` on, and with 0 its tombstone.

    One that lives here stays, and so does one that was deleted here too. Raises DialogueNotFound when
    the tombstone was removed since ``start`` was 0.
    """
    dialogue = _stand_in(tx, record, origin)
    is_new = tx.lock_tombstone(dialogue.id, dialogue.uid) is None
    if is_new:
        if start:
            raise DialogueNotFound("The namespace was erased while it was being imported.")
        living = tx.lock_dialogue(dialogue.id)
        if living is not None and living.uid <= dialogue.uid:
            return Outcome(different=1)
        tx.insert_tombstone(Tombstone(dialogue.id, dialogue.uid, record.fate == "purged"))
    elif start == 0 and _is_complete(tx, dialogue, record):
        return Outcome()
    added = _missing(tx, dialogue, record, origin, start)
    tx.insert_messages(added, record.tokens)
    summaries = insert_summaries(tx, dialogue, origin) if record.is_last(start) else 0
    return Outcome(messages=len(added), summaries=summaries, tombstone=is_new)


def _is_complete(tx: Transaction, dialogue: Dialogue, record: Record) -> bool:
    """Whether an earlier import has come to the last message; what was deleted since stays away."""
    last = record.messages[-1:]
    return not last or last[0].id in tx.find_messages(dialogue, [last[0].id])


def _missing(
    tx: Transaction, dialogue: Dialogue, record: Record, origin: Origin, start: int
) -> list[Message]:
    """Return the messages of a step that are not there yet."""
    places = record.chunk(start)
    found = tx.find_messages(dialogue, [record.messages[place].id for place in places])
    now = timestamps.now()
    return [
        record.message(dialogue, place, origin.seqs[place], now)
        for place in places
        if record.messages[place].id not in found
    ]


def _stand_in(tx: Transaction, record: Record, origin: Origin) -> Dialogue:
    """Return the dialogue as it was before it was deleted, as far as its messages need it."""
    dialogue = dialogues.begin(tx, record.command, timestamps.now())
    return replace(dialogue, uid=origin.uid, next_seq=origin.next_seq)
