"""Random histories, short: ``make machines`` runs long ones."""

from __future__ import annotations

import pytest

from app.stores import Backend
from tests.reliability.embeddings import EMBEDDER
from tests.reliability.harness import Harness
from tests.reliability.machine import explore

EXAMPLES = 6
STEPS = 30


@pytest.mark.transactions
def test_random_histories_are_as_the_model_says(backend: Backend) -> None:
    """Everything that can be read, after every request, on each store."""
    stage = Harness(backend, embedder=EMBEDDER)
    try:
        machine = explore(stage, EXAMPLES, STEPS, derandomize=True)
    finally:
        backend.queue_for(None)
    assert machine.steps >= EXAMPLES * STEPS // 2
