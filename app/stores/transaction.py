"""The Protocol of a transaction, which a rule reads and writes through."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol

from ..domain.records import Dialogue, IdempotencyRecord, Memory, Message, Scope, Summary, Tombstone
from .administration import Administration
from .erasure import NamespaceErasure, Removed

NOTHING_KNOWN: Final[Mapping[str, str]] = MappingProxyType({})
"""No message's tokens."""


class Transaction(Administration, NamespaceErasure, Protocol):
    """One transaction in one scope. Lock the dialogue first; write message rows last.

    Every method raises ServiceUnavailable when the store is away, cannot be written or is too slow. What
    would add to a removed project is refused with ProjectNotFound.
    """

    scope: Scope

    def is_immutable(self) -> bool:
        """Whether the project forbids deleting."""

    def lock_dialogue(self, dialogue_id: str) -> Dialogue | None:
        """Read a dialogue and keep every other writer of it out until this transaction ends.

        One that has expired is locked, too, but not returned: see ``find_expired``.
        """

    def find_expired(self, dialogue_id: str) -> Dialogue | None:
        """The dialogue that this transaction has locked and found expired."""

    def remove_expired(self, dialogue_ids: Sequence[str]) -> list[Removed]:
        """Delete those of the dialogues that have expired; the sweep takes what they leave."""

    def lock_tombstone(self, dialogue_id: str, uid: str | None = None) -> Tombstone | None:
        """Read and lock a tombstone of an id: that of a uid, else the newest.

        It is locked so that re-creation and thread counts agree.
        """

    def insert_tombstone(self, tombstone: Tombstone) -> None:
        """Add the tombstone of a dialogue that was deleted elsewhere; there must be none of its uid."""

    def release_tombstone(self, dialogue_id: str) -> None:
        """Let the sweeper see whether tombstones that were kept for threads are still needed."""

    def insert_dialogue(self, dialogue: Dialogue) -> None:
        """Add a new dialogue. If another writer just took the id, the whole work is run again."""

    def save_dialogue(self, dialogue: Dialogue) -> None:
        """Replace the locked dialogue of the same uid; never creates one."""

    def embed_newest(self, dialogue_id: str, make: Callable[[], Message]) -> Message | None:
        """Count and embed a message in a dialogue that was not read, where the store can do so in one step.

        ``make`` gives the message without its uid and seq; with them it is returned, to be inserted. After
        None nothing is changed and the dialogue has to be locked and saved: it is not there, has expired, is
        not active, has a newer message or no room for the message beside those embedded, or the store
        cannot.
        """

    def remove_dialogue(self, dialogue: Dialogue, *, purge: bool) -> None:
        """Delete the locked dialogue and leave a tombstone; ``purge`` hides messages and summaries too."""

    def count_threads(self, dialogue_id: str) -> int:
        """How many living dialogues of the scope have this ``thread_of``."""

    def find_messages(self, dialogue: Dialogue, message_ids: Sequence[str]) -> dict[str, Message]:
        """The given messages of this generation, by id; missing ones are left out."""

    def find_message(self, dialogue_id: str, message_id: str) -> Message | None:
        """One message by id, of the newest generation that has it and is not purged."""

    def find_seqs(self, dialogue: Dialogue, seqs: Sequence[int]) -> set[int]:
        """Those of the given sequence numbers that a message of this generation has."""

    def messages_below(self, dialogue: Dialogue, seq: int) -> list[Message]:
        """The messages of this generation whose seq is below the given one, by seq."""

    def message_hashes(self, dialogue: Dialogue, message_ids: Sequence[str]) -> dict[str, str]:
        """The hashes of the given messages of this generation, by id; no body is read."""

    def newest_messages(self, dialogue: Dialogue, limit: int, most_bytes: int | None = None) -> list[Message]:
        """The last messages in (created, seq) order, oldest first; ``take_bytes`` cuts, the newest first."""

    def messages_through(
        self, dialogue: Dialogue, message: Message, limit: int, most_bytes: int
    ) -> list[Message]:
        """The first messages in (created, seq) order through one; ``limit``, and ``take_bytes``, cut."""

    def insert_messages(self, messages: Sequence[Message], known: Mapping[str, str] = NOTHING_KNOWN) -> None:
        """Add messages to the dialogue that was locked or inserted in this transaction.

        ``known`` has the tokens of some of them, by id, in one text: what ``search.tokens`` would make.
        """

    def save_message(self, message: Message) -> None:
        """Replace one message (its tags, modified, body)."""

    def remove_message(self, message: Message) -> None:
        """Delete one message."""

    def lock_memory(self, memory_id: str) -> Memory | None:
        """Read a memory and keep other writers of it out; one that has expired is deleted."""

    def insert_memory(self, memory: Memory) -> None:
        """Add a new memory."""

    def save_memory(self, memory: Memory) -> None:
        """Replace the locked memory."""

    def remove_memory(self, memory_id: str) -> None:
        """Delete the locked memory."""

    def remove_expired_memories(self, memory_ids: Sequence[str]) -> int:
        """Delete those of the memories that have expired; how many they were."""

    def find_summary(self, summary_id: str) -> Summary | None:
        """A summary by id, of any dialogue of the scope that is not purged."""

    def insert_summary(self, summary: Summary) -> None:
        """Add a new summary."""

    def stale_summaries(self, uid: str, seq: int) -> bool:
        """Mark every summary of this uid that accounts for the given seq as stale; whether any became so."""

    def embed_dialogue_again(self, dialogue_id: str, uid: str) -> None:
        """Queue a living dialogue in place of its vectors, since what they are made from has changed."""

    def find_idempotency(self, request: str) -> IdempotencyRecord | None:
        """The unexpired record of an earlier request, and lock its place."""

    def forget_idempotency(self, request: str) -> None:
        """Remove the record of a request, if there is one: the next one takes its place."""

    def save_idempotency(self, record: IdempotencyRecord) -> None:
        """Keep the answer; replaces an expired record of the same request."""
