"""What becomes of the queue while the store fails under what works it."""

from __future__ import annotations

import time

from app.domain.errors import ServiceUnavailable
from app.services.embedding import Embedding
from tests.reliability.embeddings import EMBEDDER, MODEL
from tests.reliability.faults import LOOK_SECONDS, Fault, Tally, wait_for_queue
from tests.reliability.harness import Harness
from tests.reliability.routes import prepare

DONE, AWAY = 200, 503
"""What a batch counts as that was embedded, and one that is to be tried again."""

LONGEST = 30.0
"""Seconds after which everything has to be embedded once nothing fails any more."""


class EmbeddingProver:
    """Embeds what was just written while one thing fails, and then all of it."""

    def __init__(self, stage: Harness, name: str) -> None:
        self._backend = stage.backend
        self._api = stage.client()
        self._name = name
        self._worlds = 0
        self._embedding = Embedding(stage.backend, EMBEDDER)
        self._embedding.work()
        self.tally = Tally()

    def work(self) -> None:
        """Embed what is there while nothing fails."""
        self._write()
        self._embed_all()

    def prove(self, fault: Fault, command: str | None) -> None:
        """Write something, embed it while something fails, and again when that is over."""
        namespace = self._write()
        where = f"{self._name}: embedding, {fault.name}" + (f" at {command}" if command else "")
        with fault.start(command):
            begun = time.monotonic()
            outcome = self._step()
            self.tally.note(outcome, time.monotonic() - begun, command)
        try:
            self._embed_all()
            wait_for_queue(self._backend, namespace)
        except AssertionError as error:
            self.tally.problems.append(f"{where}: {error}")

    def _write(self) -> str:
        self._worlds += 1
        namespace = f"e{self._worlds}@{self._name}"
        prepare(self._api, namespace)
        return namespace

    def _step(self) -> int:
        try:
            self._embedding.step()
        except ServiceUnavailable:
            return AWAY
        return DONE

    def _embed_all(self) -> None:
        """Embed what is left; an unknown commit may be settled meanwhile."""
        until = time.monotonic() + LONGEST
        while self._backend.queued(MODEL, 1):
            assert time.monotonic() < until, "the queue does not run empty"
            self._embedding.work()
            time.sleep(LOOK_SECONDS)
