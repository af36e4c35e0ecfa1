"""Embedding what is queued, in the background: vectors are made outside of any transaction.

An embedder that is slow or away delays the vectors and nothing else: entries stay in the queue.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ..domain.errors import ServiceUnavailable
from ..domain.ids import new_id
from ..meaning.embedder import EmbedderError, TextRefused
from ..telemetry.measures import EMBEDDED, EMBEDDING_FAILURES, EMBEDDING_QUEUE

if TYPE_CHECKING:
    from ..meaning.embedder import Embedder
    from ..stores import VectorQueue
    from ..stores.vectors import Queued

BATCH: Final = 32
"""How many items are embedded at a time, at most."""

LEASE: Final = 30.0
"""For how many seconds a process claims the queue; it claims it again with each batch.

One that takes longer may embed the same as another: that is wasted, and not wrong.
"""

PERIOD: Final = 2.0
"""Seconds between two looks into the queue."""

PAUSE: Final = 30.0
"""For how many seconds an embedder that failed is left alone."""

FILL_PERIOD: Final = 24 * 3600.0
"""Seconds between two walks for what a process without the embedder wrote; each start begins with one."""

log = logging.getLogger(__name__)


class Embedding:
    """Empties the queue of one embedder; of several processes, one at a time."""

    def __init__(self, queue: VectorQueue, embedder: Embedder) -> None:
        self._queue = queue
        self._embedder = embedder
        self._holder = new_id()
        self._walk_due = 0.0
        self._due = 0.0
        self._claims = False

    def work(self) -> None:
        """Embed until nothing is left. What fails is tried again later, an embedder after PAUSE."""
        if time.monotonic() < self._due:
            return
        try:
            while self.step():
                continue
        except EmbedderError as error:
            self._due = time.monotonic() + PAUSE
            EMBEDDING_FAILURES.add()
            log.warning("the embedder does not answer; embedding goes on later: %s", error)
        except ServiceUnavailable:
            log.warning("the store does not answer; embedding goes on later")

    def step(self) -> bool:
        """Embed a batch, or queue what has no entry; whether there may be more to do.

        Raises EmbedderError and ServiceUnavailable.
        """
        model = self._embedder.model
        if time.monotonic() >= self._walk_due:
            self._queue.begin_filling(model)
            self._walk_due = time.monotonic() + FILL_PERIOD
        if not self._queue.queued(model, 1):
            self._release(model)
            return bool(self._queue.fill_queue(model) or self._queue.drop_other_vectors(model))
        self._claims = self._queue.claim_queue(model, self._holder, LEASE)
        if not self._claims:
            EMBEDDING_QUEUE.value = 0
            return False
        EMBEDDING_QUEUE.value = self._queue.count_queued(model)
        entries = self._queue.queued(model, BATCH)
        made = zip((entry.ticket for entry in entries), self._pieces(entries), strict=True)
        EMBEDDED.add(amount=self._queue.save_vectors(list(made)))
        return True

    def _release(self, model: str) -> None:
        """Let another process embed what comes next."""
        EMBEDDING_QUEUE.value = 0
        if self._claims:
            self._queue.claim_queue(model, self._holder, 0)
            self._claims = False

    def _pieces(self, entries: Sequence[Queued]) -> list[bytes]:
        """Return the vectors of each entry's text in a row; nothing for a text that has none."""
        said = [entry.text for entry in entries if entry.text.strip()]
        vectors = iter(self._vectors(said) if said else [])
        return [b"".join(next(vectors)) if entry.text.strip() else b"" for entry in entries]

    def _vectors(self, texts: Sequence[str]) -> list[list[bytes]]:
        try:
            return self._embedder.passages(texts)
        except TextRefused:
            return [self._alone(text) for text in texts]

    def _alone(self, text: str) -> list[bytes]:
        try:
            return self._embedder.passages([text])[0]
        except TextRefused as error:
            log.warning("an item will not be found by its meaning: %s", error)
            return []
