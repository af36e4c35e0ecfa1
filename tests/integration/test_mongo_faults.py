"""The MongoDB store when the server fails: repeated while that helps, else refused in time."""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from app.domain.errors import DuplicateId, ServiceUnavailable
from app.stores import Backend, Transaction
from app.stores.mongo import open_mongo
from app.stores.mongo.striped_locks import LockHolder
from tests.integration.mongo_dialogue import TIMEOUT, append, current, open_store
from tests.integration.mongo_server import Server
from tests.records import SCOPE, dialogue, memory, message

pytestmark = pytest.mark.mongodb

SLACK = 1.0
"""How much later than its time limit a call may answer."""


@pytest.fixture
def backend(server: Server) -> Backend:
    """Give a migrated store with one empty dialogue ``d`` and a short time limit."""
    return open_store(server)


STEPS = ["find", "update", "insert"]


@pytest.mark.parametrize("step", STEPS)
def test_a_write_conflict_at_any_step_runs_the_work_again(
    server: Server, backend: Backend, step: str
) -> None:
    """The caller sees one success."""
    with server.failing(step, errorCode=112, errorLabels=["TransientTransactionError"]):
        assert append(backend) == 2
    assert current(backend).total == 1


def test_a_failure_that_passes_is_kept_by_nobody(server: Server, backend: Backend) -> None:
    """The driver's frames hold what they raised, and with it all that called them; ours let go of it."""
    gc.collect()
    gc.disable()
    try:
        with server.failing("update", errorCode=112, errorLabels=["TransientTransactionError"]):
            append(backend)
        assert not [one for one in gc.get_objects() if type(one) is LockHolder]
    finally:
        gc.enable()


@pytest.mark.parametrize("step", STEPS)
def test_a_dropped_connection_at_any_step_runs_the_work_again(
    server: Server, backend: Backend, step: str
) -> None:
    """Nothing is stored twice."""
    with server.failing(step, closeConnection=True):
        assert append(backend) == 2
    assert current(backend).total == 1


def test_a_dropped_connection_at_commit_is_settled(server: Server, backend: Backend) -> None:
    """The commit is asked for again, and the work is not run twice."""
    with server.failing("commitTransaction", times=2, closeConnection=True):
        assert append(backend) == 1
    assert current(backend).total == 1


def test_an_unknown_commit_is_asked_for_again(server: Server, backend: Backend) -> None:
    """Its effect is there once, whichever try brought it."""
    labels = ["UnknownTransactionCommitResult"]
    with server.failing("commitTransaction", times=3, errorCode=64, errorLabels=labels):
        assert append(backend) == 1
    assert current(backend).total == 1


def test_a_conflict_at_commit_runs_the_work_again(server: Server, backend: Backend) -> None:
    """A transaction that was not committed leaves nothing."""
    labels = ["TransientTransactionError"]
    with server.failing("commitTransaction", errorCode=251, errorLabels=labels):
        assert append(backend) == 2
    assert current(backend).total == 1


@pytest.mark.parametrize("step", STEPS)
def test_a_lasting_failure_is_refused(
    server: Server, backend: Backend, step: str, caplog: pytest.LogCaptureFixture
) -> None:
    """ServiceUnavailable, with nothing of the driver's text, which the log has; nothing is stored."""
    with (
        caplog.at_level(logging.ERROR),
        server.failing(step, errorCode=14031, errorLabels=[]),
        pytest.raises(ServiceUnavailable) as caught,
    ):
        append(backend)
    assert str(caught.value) == "The store does not answer. Try again shortly."
    assert "MongoDB failed" in caplog.text
    assert current(backend).total == 0
    append(backend)


def refuse_in_time(call: Callable[[], object]) -> None:
    """Expect a call to be refused within the time limit; the turn to make the server fail is had before."""
    start = time.monotonic()
    with pytest.raises(ServiceUnavailable):
        call()
    assert time.monotonic() - start < TIMEOUT + SLACK


@pytest.mark.parametrize("step", ["update", "commitTransaction"])
def test_retries_end_with_the_time_limit(server: Server, backend: Backend, step: str) -> None:
    """A failure that looks passing for ever is refused in time, and the next request succeeds."""
    label = "TransientTransactionError" if step == "update" else "UnknownTransactionCommitResult"
    with server.failing(step, times=0, errorCode=112, errorLabels=[label]):
        refuse_in_time(lambda: append(backend, "late"))
    append(backend, "next")
    current(backend)


@pytest.mark.parametrize("step", ["update", "insert", "commitTransaction", "find"])
def test_a_server_that_is_too_slow_is_refused_in_time(server: Server, backend: Backend, step: str) -> None:
    """Reads and writes alike; the dialogue is free for others afterwards."""
    call = backend.get_dialogue if step == "find" else lambda _, name: append(backend, name)
    with server.failing(step, times=0, blockConnection=True, blockTimeMS=4000):
        refuse_in_time(lambda: call(SCOPE, "d"))
    if step != "commitTransaction":
        append(backend, "next")
        current(backend)


def test_a_server_that_is_away_is_refused_in_time() -> None:
    """Reads, writes, readiness and start-up; closing works all the same."""
    store = open_mongo("mongodb://127.0.0.1:9/nothing", timeout=0.3)
    calls = [
        lambda: store.get_dialogue(SCOPE, "d"),
        lambda: store.write(SCOPE, lambda tx: tx.lock_dialogue("d")),
        store.check_ready,
        store.migrate,
        store.cursor_secret,
        store.sweep,
    ]
    for call in calls:
        start = time.monotonic()
        with pytest.raises(ServiceUnavailable):
            call()
        assert time.monotonic() - start < 5  # the driver itself would go on for 30 seconds
    store.close()


def test_a_read_survives_one_failure(server: Server, backend: Backend) -> None:
    """The driver repeats reads."""
    with server.failing("find", closeConnection=True):
        assert backend.get_dialogue(SCOPE, "d") is not None


def test_work_that_clashes_with_itself_is_refused(server: Server) -> None:
    """Repeating it a few times does not help, so it ends well before the time limit."""
    backend = open_store(server, timeout=20)
    runs = 0

    def work(tx: Transaction) -> None:
        nonlocal runs
        runs += 1
        tx.insert_dialogue(dialogue(id="d"))

    with pytest.raises(ServiceUnavailable):
        backend.write(SCOPE, work)
    assert runs == 9


def test_the_error_of_a_rule_is_not_retried(server: Server, backend: Backend) -> None:
    """The transaction is given up at once, and its locks with it."""
    server.recorder.commands.clear()

    def work(tx: Transaction) -> None:
        tx.lock_tombstone("m")
        raise DuplicateId("taken")

    with pytest.raises(DuplicateId):
        backend.write(SCOPE, work)
    # Ours says whether the lock is free, and the driver does not ask again.
    assert server.recorder.names() == ["findAndModify", "abortTransaction"]


def test_rows_that_are_gone_are_not_written(backend: Backend) -> None:
    """Saving or removing what is not there any more never creates it."""
    parent = current(backend)
    ghost = message(parent, 7)
    other = replace(parent, uid="other")
    for late in (
        lambda tx: tx.save_message(ghost),
        lambda tx: tx.remove_message(ghost),
        lambda tx: tx.remove_dialogue(other, purge=False),
        lambda tx: tx.save_memory(memory(id="ghost")),
    ):
        with pytest.raises(ServiceUnavailable):
            backend.write(SCOPE, late)
    assert current(backend) == parent
    assert backend.get_memory(SCOPE, "ghost") is None


def test_another_clients_open_transaction_is_waited_for(server: Server, backend: Backend) -> None:
    """Its lock conflicts until it ends; then the work succeeds."""
    with server.connect() as client, client.start_session() as session:
        session.start_transaction()
        client[server.name]["dialogues"].update_one({"id": "d"}, {"$inc": {"locks": 1}}, session=session)
        timer = threading.Timer(0.4, session.abort_transaction)
        timer.start()
        try:
            assert append(backend) > 1
        finally:
            timer.join()
    assert current(backend).total == 1


def test_a_lock_that_is_never_given_back_is_refused_in_time(server: Server, backend: Backend) -> None:
    """The second thread of the process too, which waits behind the first."""
    results: list[object] = []

    def write() -> None:
        start = time.monotonic()
        with pytest.raises(ServiceUnavailable):
            append(backend)
        results.append(time.monotonic() - start < TIMEOUT + SLACK)

    with server.connect() as client, client.start_session() as session:
        session.start_transaction()
        client[server.name]["dialogues"].update_one({"id": "d"}, {"$inc": {"locks": 1}}, session=session)
        threads = [threading.Thread(target=write) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        session.abort_transaction()
    assert results == [True, True, True]
