"""Loading straight into a store, several conversations a transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..domain.errors import ColloquyError, ProjectNotFound, ServiceUnavailable
from ..domain.records import DEFAULT_NAMESPACE, Scope
from ..services.origin import MemoryOrigin
from ..services.restore import restore
from ..services.restore_inputs import STEP, Outcome, Record
from .conversation import BadLine, Conversation, Fields, Part
from .drafting import Drafting
from .drafts import Drafted, Drafter
from .memory_batches import MemoryBatches
from .parts import NoParts, Parts
from .patience import Patience
from .spool import Spool
from .tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..stores import Store, Transaction

BATCH_MESSAGES = 1000
BATCH_DIALOGUES = 200
BATCH_BYTES = 4 * 1024 * 1024
"""A transaction takes no more messages, dialogues and bytes of content than this (a long dialogue apart)."""

TAKEN = "The id belongs to another conversation, which begins differently: nothing of this one was stored."

Entry = tuple[str, Conversation, Record]


class StoreLoader:
    """Takes conversations in and stores them in batches; ``flush`` stores what is left.

    ``update`` takes over what changed at the source: title, tags and status. ``parts`` takes a project's
    settings and keys, which are left out without it.
    """

    def __init__(
        self, store: Store, project: str, drafting: Drafting, tally: Tally, *, update: bool = False
    ) -> None:
        self._store = store
        self._project = project
        self._drafting = drafting
        self._tally = tally
        self._update = update
        self.parts: Parts = NoParts(tally)
        self._patience = Patience(tally.report)
        self._memories = MemoryBatches(store, project, tally, self._patience)
        self._batch: list[Entry] = []
        self._namespace = ""
        self._messages = 0
        self._bytes = 0
        self.orphans = False
        self.waiting = Spool()

    def add(self, place: str, conversation: Conversation) -> None:
        """Take a conversation; one that breaks a rule is reported, now or later."""
        for done in self._drafting.add(place, conversation):
            self._add_drafted(*done)

    def _add_drafted(self, place: str, conversation: Conversation, drafted: Drafted) -> None:
        if drafted.problem is not None:
            self._tally.reject(place, drafted.problem)
        if drafted.record is not None:
            self._add_dialogue((place, conversation, drafted.record), drafted.namespace)
        origin = None
        if drafted.memories and not conversation.dialogue and conversation.origin:
            origin = MemoryOrigin(**conversation.origin)
        for namespace, command in drafted.memories:
            self._memories.add(namespace, command, origin)

    def add_part(self, place: str, part: Part) -> None:
        """Take settings or keys; raises BadLine when they break a rule."""
        self.parts.add(place, part)

    def _add_dialogue(self, entry: Entry, namespace: str) -> None:
        record = entry[-1]
        size = sum(draft.content_length for draft in record.messages)
        is_long = len(record.messages) > STEP
        if is_long or namespace != self._namespace or self._is_full(record, size):
            self._store_batch()
        self._namespace = namespace
        if is_long:
            self._load_alone(entry)
            return
        self._batch.append(entry)
        self._messages += len(record.messages)
        self._bytes += size

    def _is_full(self, record: Record, size: int) -> bool:
        return (
            len(self._batch) >= BATCH_DIALOGUES
            or self._messages + len(record.messages) > BATCH_MESSAGES
            or self._bytes + size > BATCH_BYTES
        )

    def present(self, conversation: Conversation) -> frozenset[str]:
        """Return the ids of the messages that the dialogue of this id has already."""
        scope = Scope(self._project, conversation.dialogue.get("namespace") or DEFAULT_NAMESPACE)
        dialogue_id = conversation.dialogue["id"]
        if self._drafting.holds(dialogue_id):
            self._take_drafted()
        if any(record.command.id == dialogue_id for _, _, record in self._batch):
            self._store_batch()
        found = self._store.get_dialogue(scope, dialogue_id)
        if found is None:
            return frozenset()
        kept = self._store.messages_since(scope, dialogue_id, found.uid, -1)
        return frozenset(message.id for message in kept)

    def has(self, head: Fields) -> bool:
        """Whether a dialogue is here already, as long and as new as a server's list shows it."""
        scope = Scope(self._project, head.get("namespace") or DEFAULT_NAMESPACE)
        found = self._store.get_dialogue(scope, str(head.get("id")))
        shown = head.get("modified"), head.get("totalMessages")
        return found is not None and (found.modified, found.total) == shown

    def flush(self) -> None:
        """Store what was taken so far."""
        self._take_drafted()
        self._store_batch()
        self._memories.flush()

    def _take_drafted(self) -> None:
        for done in self._drafting.drain():
            self._add_drafted(*done)

    def _store_batch(self) -> None:
        """Store the conversations taken so far, fewer at a time where the store is too slow for all."""
        batch, self._batch = self._batch, []
        self._messages = self._bytes = 0
        if batch:
            for _ in self._patience.in_parts(batch, self._store_part):
                pass

    def _store_part(self, batch: Sequence[Entry], again: bool) -> None:  # noqa: FBT001  # as in_parts calls it
        """Store conversations in one transaction; if one is refused, each in a transaction of its own."""
        if again and len(batch) == 1:
            self._load_alone(batch[0])
            return
        try:
            outcomes = self._restore([record for _, _, record in batch], 0)
        except (ServiceUnavailable, ProjectNotFound):
            raise
        except ColloquyError:
            for entry in batch:
                self._load_alone(entry)
            return
        for entry, outcome in zip(batch, outcomes, strict=True):
            self._note(entry, outcome)

    def _load_alone(self, entry: Entry) -> None:
        """Store one conversation, in as many transactions as it needs."""
        place, _, record = entry
        whole = Outcome()
        try:
            for outcome in self._restore_steps(record):
                if outcome.parent_missing or outcome.taken:
                    self._note(entry, outcome)
                    return
                whole = _add(whole, outcome)
        except (ServiceUnavailable, ProjectNotFound):
            raise
        except ColloquyError as error:
            self._tally.reject(place, error.message)
            return
        self._tally.count(whole)

    def _restore_steps(self, record: Record) -> Iterator[Outcome]:
        """Yield what became of each step of a conversation; steps are smaller where the store is too slow."""
        start = 0
        while True:
            try:
                outcome = self._restore([record], start)[0]
            except ServiceUnavailable as error:
                self._patience.wait(error)
                step = min(record.step, len(record.messages))
                record = replace(record, step=max(1, step // 2))
                continue
            self._patience.succeed()
            yield outcome
            if record.is_last(start):
                return
            start += record.step
            record = replace(record, step=min(STEP, 2 * record.step))

    def _restore(self, records: list[Record], start: int) -> list[Outcome]:
        orphan, update = self.orphans, self._update

        def work(tx: Transaction) -> list[Outcome]:
            return [restore(tx, record, start, orphan=orphan, update=update) for record in records]

        return self._store.write(Scope(self._project, self._namespace), work)

    def _note(self, entry: Entry, outcome: Outcome) -> None:
        place, conversation, _ = entry
        if outcome.parent_missing:
            self.waiting.add(place, conversation)
        elif not outcome.taken:
            self._tally.count(outcome)
        elif conversation.alternate is None:
            self._tally.reject(place, TAKEN)
        else:
            self._load_under_alternate(place, conversation, conversation.alternate)

    def _load_under_alternate(self, place: str, conversation: Conversation, alternate: str) -> None:
        named = renamed(conversation, alternate)
        try:
            _, record = self._drafting.drafter.draft(named)
        except BadLine as error:
            self._tally.reject(place, str(error))
            return
        self._load_alone((place, named, record))


def renamed(conversation: Conversation, dialogue_id: str) -> Conversation:
    """Return a conversation whose id was guessed under one that only it has."""
    return replace(conversation, dialogue={**conversation.dialogue, "id": dialogue_id}, alternate=None)


def _add(one: Outcome, other: Outcome) -> Outcome:
    return Outcome(
        created=one.created or other.created,
        messages=one.messages + other.messages,
        updated=one.updated or other.updated,
        different=one.different + other.different,
        deleted=one.deleted + other.deleted,
        summaries=one.summaries + other.summaries,
        tombstone=one.tombstone or other.tombstone,
    )


class NoLoader:
    """Stands in for a loader in a dry run: checks everything, stores nothing."""

    def __init__(self, drafter: Drafter, tally: Tally) -> None:
        self._drafter = drafter
        self._tally = tally
        self.orphans = False
        self.waiting = Spool()

    def add(self, _: str, conversation: Conversation) -> None:
        """Check a conversation; raises BadLine when it breaks a rule."""
        self._drafter.check(conversation)
        self._tally.memories += len(self._drafter.memories(conversation))
        if conversation.dialogue:
            self._drafter.draft(conversation)
            created = conversation.fate is None
            messages = len(conversation.messages)
            self._tally.count(Outcome(created=created, messages=messages, tombstone=not created))

    def add_part(self, place: str, part: Part) -> None:
        """Take nothing."""

    def present(self, _: Conversation) -> frozenset[str]:
        """Return nothing: a dry run looks at no store."""
        return frozenset()

    def has(self, _: Fields) -> bool:
        """Return False: a dry run looks at no store."""
        return False

    def flush(self) -> None:
        """Store nothing."""
