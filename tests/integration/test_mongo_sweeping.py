"""Sweepers of several servers at once on one database of MongoDB."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.records import ScopeFilter
from app.services.verify import Seen, verify
from app.stores import Backend
from app.stores.maintenance import SWEEP_ROWS
from app.stores.mongo import sweeping
from app.stores.mongo.vectors import drop_vectors
from tests.conftest import open_backend
from tests.records import SCOPE, deleted, dialogue, erase, message, stored


@pytest.fixture(params=["mongomock", "mongodb"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Give a store of the kind that several servers may share."""
    yield from open_backend(request.param, tmp_path)


@pytest.mark.parametrize("erased", [False, True])
def test_what_another_sweeper_removes_is_not_the_end(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, *, erased: bool
) -> None:
    """Two find the same messages of a deleted dialogue: the second removes none, and more remain."""
    parent = dialogue()
    parent = stored(backend, parent, [message(parent, seq) for seq in range(SWEEP_ROWS + 16)])
    if erased:
        erase(backend, SCOPE)
    else:
        deleted(backend, parent, purge=True)
    overtaken: list[int] = []

    def be_overtaken(*args: object) -> None:
        monkeypatch.undo()
        overtaken.append(backend.sweep())
        drop_vectors(*args)  # type: ignore[arg-type] # passed on as they came

    monkeypatch.setattr(f"{sweeping.__name__}.drop_vectors", be_overtaken)
    while backend.sweep():
        continue
    assert overtaken == [SWEEP_ROWS]
    assert backend.stats(ScopeFilter("acme")).messages == 0
    assert not list(verify(backend, "acme", Seen()))
