"""What is restored, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from ..domain.records import Dialogue, Message, Status, Timestamp
from . import messages

if TYPE_CHECKING:
    from .inputs import NewDialogue, NewMessage
    from .origin import Origin

STEP = 1000
"""How many messages of one dialogue a transaction takes, unless the store is too slow for that."""


@dataclass(frozen=True, slots=True)
class Record:
    """A conversation to be restored.

    ``command`` creates it, with as many of the ``messages`` as a request may bring. ``modified``
    has the time of the last change of each message (None: now), and is empty where there is none; a
    message that has one has a ``created`` too. ``guessed`` says that the id was made from how the
    conversation begins, so that another one may have it. ``last_modified`` is known of a server's own
    dialogues only; where it is later than the stored one, the record's head is taken over. ``origin`` is
    how the dialogue lay in another store of ours. ``fate`` is set of one that was deleted there.
    ``tokens`` are those of its messages, by id, where they are known; see ``Transaction.insert_messages``.
    ``step`` is how many messages a transaction takes.
    """

    command: NewDialogue
    messages: tuple[NewMessage, ...]
    modified: tuple[Timestamp | None, ...] = ()
    status: Status = Status.ACTIVE
    ended_at: Timestamp | None = None
    archived_at: Timestamp | None = None
    last_modified: Timestamp | None = None
    guessed: bool = False
    origin: Origin | None = None
    fate: Literal["kept", "purged"] | None = None
    tokens: Mapping[str, str] = field(default_factory=dict)
    step: int = field(default_factory=lambda: STEP)

    def chunk(self, start: int) -> range:
        """Return the places of the messages that one transaction takes, from ``start`` on."""
        return range(start, min(start + self.step, len(self.messages)))

    def is_last(self, start: int) -> bool:
        """Whether a transaction that begins there takes the last message."""
        return start + self.step >= len(self.messages)

    def message(self, dialogue: Dialogue, place: int, seq: int, now: Timestamp) -> Message:
        """Return the message of a place as it is stored under a sequence number."""
        modified = self.modified[place] if self.modified else None
        message = messages.record(self.messages[place], dialogue, seq, modified or now)
        return message if self.origin is None else replace(message, hash=self.origin.hashes[place])


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step did.

    Whether the dialogue is new, how many messages are, whether its head was brought up to date. How many
    messages differ from those that are stored under their ids, and whether the head does; how many are
    missing because they were deleted here. Whether it must wait for its parent, and whether its id belongs
    to another conversation: nothing was stored then. How many summaries are new, and whether a deleted
    dialogue is.
    """

    created: bool = False
    messages: int = 0
    updated: bool = False
    different: int = 0
    deleted: int = 0
    parent_missing: bool = False
    taken: bool = False
    summaries: int = 0
    tombstone: bool = False
