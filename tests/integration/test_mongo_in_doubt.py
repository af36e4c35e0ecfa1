"""Transactions that the server was left with on MongoDB: none keeps its locks from the next request."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from app.domain.errors import DuplicateId, ServiceUnavailable
from app.stores import Backend, Transaction
from tests.integration.mongo_dialogue import TIMEOUT, append, current, open_store
from tests.integration.mongo_server import Server
from tests.records import SCOPE, memory

pytestmark = pytest.mark.mongodb


@pytest.fixture
def backend(server: Server) -> Backend:
    """Give a migrated store with one empty dialogue ``d`` and a short time limit."""
    return open_store(server)


def refuse(tx: Transaction) -> None:
    """Save the dialogue, then refuse."""
    found = tx.lock_dialogue("d")
    assert found is not None
    tx.save_dialogue(replace(found, rev=found.rev + 1))
    raise DuplicateId("taken")


@pytest.mark.parametrize("labels", [[], ["UnknownTransactionCommitResult"]])
def test_a_commit_that_never_works_frees_the_dialogue_soon(
    server: Server, backend: Backend, labels: list[str]
) -> None:
    """The next request is not kept waiting by locks that the server would hold for a minute."""
    with (
        server.failing("commitTransaction", times=0, errorCode=14031, errorLabels=labels),
        pytest.raises(ServiceUnavailable),
    ):
        append(backend, "lost or not")
    append(backend, "next")
    assert current(backend).total in (1, 2)


def test_an_abort_that_never_works_frees_the_dialogue_soon(server: Server, backend: Backend) -> None:
    """What the driver keeps to itself, a failed abort, is tried again in the background."""
    with (
        server.failing("abortTransaction", times=0, errorCode=91),
        pytest.raises(DuplicateId),
    ):
        backend.write(SCOPE, refuse)
    append(backend, "next")
    assert current(backend).total == 1


def test_a_statement_that_comes_too_late_takes_no_locks(server: Server, backend: Backend) -> None:
    """What the server gets to only after its request was given up does not begin a transaction."""
    late = round((TIMEOUT + 0.3) * 1000)
    backend.write(SCOPE, lambda tx: tx.insert_memory(memory(id="m")))
    with (
        server.failing("find", times=0, blockConnection=True, blockTimeMS=late),
        pytest.raises(ServiceUnavailable),
    ):
        backend.write(SCOPE, save_memory)
    time.sleep(0.6)
    backend.write(SCOPE, save_memory)


def save_memory(tx: Transaction) -> None:
    """Read the memory by the first command of the transaction, and save it."""
    assert tx.lock_memory("m") is not None
    tx.save_memory(memory(id="m"))


def test_a_save_that_comes_too_late_is_not_made(server: Server, backend: Backend) -> None:
    """What the server gets to only after its request was given up changes nothing."""
    late = round((TIMEOUT + 0.3) * 1000)
    with (
        server.failing("update", times=0, blockConnection=True, blockTimeMS=late),
        pytest.raises(ServiceUnavailable),
    ):
        append(backend, "late")
    time.sleep(0.6)
    append(backend, "next")
    assert current(backend).total == 1
