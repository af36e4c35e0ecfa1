"""Loading straight into a store, several conversations a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..domain.errors import ColloquyError, ProjectNotFound, ServiceUnavailable
from ..domain.records import Scope
from ..services.restore import STEP, Outcome, Record, restore
from .conversation import Conversation
from .drafts import Drafter
from .reader import Line
from .spool import Spool
from .tally import Tally

if TYPE_CHECKING:
    from ..stores import Store, Transaction

BATCH_MESSAGES = 1000
BATCH_DIALOGUES = 200
BATCH_BYTES = 4 * 1024 * 1024
"""A transaction takes no more messages, dialogues and bytes of source than this (a long dialogue apart)."""


class StoreLoader:
    """Takes conversations in and stores them in batches; ``flush`` stores what is left."""

    def __init__(self, store: Store, project: str, drafter: Drafter, tally: Tally) -> None:
        self._store = store
        self._project = project
        self._drafter = drafter
        self._tally = tally
        self._batch: list[tuple[Line, Record]] = []
        self._namespace = ""
        self._messages = 0
        self._bytes = 0
        self.orphans = False
        self.waiting = Spool()

    def add(self, line: Line, conversation: Conversation) -> None:
        """Take a conversation; raises BadLine when it breaks a rule."""
        self._drafter.check(conversation)
        namespace, record = self._drafter.draft(conversation)
        is_long = len(record.messages) > STEP
        if is_long or namespace != self._namespace or self._is_full(line, record):
            self.flush()
        self._namespace = namespace
        if is_long:
            self._load_alone(line, record)
            return
        self._batch.append((line, record))
        self._messages += len(record.messages)
        self._bytes += len(line.text)

    def _is_full(self, line: Line, record: Record) -> bool:
        return (
            len(self._batch) >= BATCH_DIALOGUES
            or self._messages + len(record.messages) > BATCH_MESSAGES
            or self._bytes + len(line.text) > BATCH_BYTES
        )

    def flush(self) -> None:
        """Store the conversations taken so far; if one is refused, each in a transaction of its own."""
        batch, self._batch = self._batch, []
        self._messages = self._bytes = 0
        if not batch:
            return
        try:
            outcomes = self._restore([record for _, record in batch], 0)
        except (ServiceUnavailable, ProjectNotFound):
            raise
        except ColloquyError:
            for line, record in batch:
                self._load_alone(line, record)
            return
        for (line, _), outcome in zip(batch, outcomes, strict=True):
            self._note(line, outcome)

    def _load_alone(self, line: Line, record: Record) -> None:
        """Store one conversation, in as many transactions as it needs."""
        created, added = False, 0
        try:
            for start in range(0, max(1, len(record.messages)), STEP):
                outcome = self._restore([record], start)[0]
                if outcome.parent_missing:
                    self._note(line, outcome)
                    return
                created, added = created or outcome.created, added + outcome.messages
        except (ServiceUnavailable, ProjectNotFound):
            raise
        except ColloquyError as error:
            self._tally.reject(line, error.message)
            return
        self._tally.count(created=created, messages=added)

    def _restore(self, records: list[Record], start: int) -> list[Outcome]:
        orphan = self.orphans

        def work(tx: Transaction) -> list[Outcome]:
            return [restore(tx, record, start, orphan=orphan) for record in records]

        return self._store.write(Scope(self._project, self._namespace), work)

    def _note(self, line: Line, outcome: Outcome) -> None:
        if outcome.parent_missing:
            self.waiting.add(line)
        else:
            self._tally.count(created=outcome.created, messages=outcome.messages)


class NoLoader:
    """Stands in for a loader in a dry run: checks everything, stores nothing."""

    def __init__(self, drafter: Drafter, tally: Tally) -> None:
        self._drafter = drafter
        self._tally = tally
        self.orphans = False
        self.waiting = Spool()

    def add(self, _: Line, conversation: Conversation) -> None:
        """Check a conversation; raises BadLine when it breaks a rule."""
        self._drafter.check(conversation)
        self._drafter.draft(conversation)
        self._tally.count(created=True, messages=len(conversation.messages))

    def flush(self) -> None:
        """Store nothing."""
