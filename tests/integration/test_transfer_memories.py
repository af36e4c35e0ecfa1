"""Importing memories: several of a namespace in one transaction, and none lost or twice for that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from app.domain.errors import ServiceUnavailable
from app.domain.records import Scope
from app.stores import Backend
from app.transfer import memory_batches, patience
from tests.integration.importing import bring_in, check_store

WHEN = "2026-01-02T03:04:05.678Z"


def lines(names: list[str], *, value: str = "v") -> list[dict[str, Any]]:
    """Return an export's lines of memories, each named by its namespace and a number."""
    return [
        {
            "colloquy": 2,
            "type": "memory",
            "id": name,
            "namespace": name.split("-")[0],
            "value": value,
            "created": WHEN,
            "modified": WHEN,
            "hash": "0" * 64,
        }
        for name in names
    ]


@pytest.fixture
def transactions(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the namespaces that the store was written to, a transaction each."""
    seen: list[str] = []
    write = backend.write

    def noting(scope: Scope, work: Callable[[Any], Any]) -> Any:
        seen.append(scope.namespace)
        return write(scope, work)

    monkeypatch.setattr(backend, "write", noting)
    return seen


def stored(backend: Backend, names: list[str]) -> list[str]:
    """Return which of the memories are there."""
    return [name for name in names if backend.get_memory(Scope("default", name.split("-")[0]), name)]


def test_memories_of_a_namespace_go_together(
    backend: Backend, transactions: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of several users, mixed as an export has them, take a transaction for each so many of one."""
    monkeypatch.setattr(memory_batches, "BATCH", 4)
    names = [f"{user}-{number}" for number in range(9) for user in ("anna", "ben")]

    tally, reports = bring_in(backend, lines(names))

    assert (tally.memories, reports) == (18, [])
    assert Counter(transactions) == {"anna": 3, "ben": 3}
    assert stored(backend, names) == names
    again, _ = bring_in(backend, lines(names))
    assert (again.memories, again.different) == (0, 0)
    check_store(backend)


@pytest.mark.parametrize(("name", "bound"), [("MOST_HELD", 4), ("MOST_CHARACTERS", 4 * len('"v"'))])
def test_what_is_held_is_bounded(
    backend: Backend, transactions: list[str], monkeypatch: pytest.MonkeyPatch, name: str, bound: int
) -> None:
    """By number and by size, over all namespaces together."""
    monkeypatch.setattr(memory_batches, name, bound)
    names = [f"user{number % 3}-{number}" for number in range(10)]
    tally, _ = bring_in(backend, lines(names))
    assert tally.memories == 10
    assert Counter(transactions) == {"user0": 3, "user1": 2, "user2": 3}
    assert stored(backend, names) == names


def test_one_id_twice_is_stored_once(backend: Backend, transactions: list[str]) -> None:
    """In one transaction too, the first counts."""
    tally, _ = bring_in(backend, [*lines(["anna-1"]), *lines(["anna-1"], value="other")])
    assert (tally.memories, tally.different, transactions) == (1, 1, ["anna"])
    found = backend.get_memory(Scope("default", "anna"), "anna-1")
    assert found is not None
    assert found.value == '"v"'


def test_an_interrupted_import_of_memories_is_completed(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a store that went away did not take is taken by the repeat."""
    monkeypatch.setattr(memory_batches, "BATCH", 4)
    monkeypatch.setattr(patience, "PAUSES", ())
    names = [f"anna-{number}" for number in range(10)]
    write = backend.write
    calls = iter((True, False, True, True))

    def failing(scope: Scope, work: Callable[[Any], Any]) -> Any:
        if next(calls, True):
            return write(scope, work)
        raise ServiceUnavailable

    monkeypatch.setattr(backend, "write", failing)
    with pytest.raises(ServiceUnavailable):
        bring_in(backend, lines(names))
    assert len(stored(backend, names)) == 4
    tally, _ = bring_in(backend, lines(names))
    assert tally.memories == 6
    assert stored(backend, names) == names
