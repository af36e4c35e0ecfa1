"""Running work in a transaction until it is committed, again after each passing failure."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TypeVar

import pymongo
from pymongo.client_session import ClientSession
from pymongo.errors import DuplicateKeyError, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference

from ...telemetry.measures import STORE_RETRIES
from .database import DURABLE, MongoDatabase, in_snapshot
from .failures import release, unavailable
from .in_doubt import ABORT_SECONDS
from .striped_locks import LockHolder, StripedLocks

T = TypeVar("T")
Attempt = Callable[[ClientSession], T]

SNAPSHOT = ReadConcern("snapshot")

CLASHES = 8
"""How often work may meet a key that another writer took, before that counts as a failure."""

FIRST_PAUSE = 0.004
LONGEST_PAUSE = 0.1


ONE_WRITER = threading.Lock()
"""What stands in for transactions on mongomock."""


class WriteConflict(Exception):
    """A document that this transaction has read was changed by another: the work has to run again."""


def transact(
    db: MongoDatabase, locks: StripedLocks, work: Callable[[ClientSession | None, LockHolder | None], T]
) -> T:
    """Run work in a transaction until it is committed, within the time limit; see ``commit``.

    On mongomock it runs once and alone, without a session and without locks.
    """
    if not db.transactional:
        with ONE_WRITER:
            try:
                return work(None, None)
            except (PyMongoError, WriteConflict) as error:
                raise unavailable(error) from error
    with db.waiting(db.timeout) as seconds:
        deadline = time.monotonic() + seconds
        with locks.holder(deadline) as held:
            return commit(db, held, deadline, lambda session: work(session, held))


def commit(db: MongoDatabase, locks: LockHolder, deadline: float, attempt: Attempt[T]) -> T:
    """Run ``attempt`` in a transaction until it is committed.

    It is repeated after a transient error until ``deadline`` (monotonic seconds), and after a write
    conflict CLASHES times. Raises ServiceUnavailable after that, and what ``attempt`` raises.
    """
    seconds = deadline - time.monotonic()
    clashes = 0
    pauses = _pauses()
    while True:
        try:
            return _once(db, deadline, attempt)
        except (PyMongoError, WriteConflict) as error:
            pause = next(pauses)
            clashes += isinstance(error, DuplicateKeyError | WriteConflict)
            late = time.monotonic() + pause >= deadline
            if late or clashes > CLASHES or not _is_passing(error):
                raise db.failed(error, seconds) from error
            release(error)
        STORE_RETRIES.add()
        time.sleep(pause)
        locks.acquire_again()


def _pauses() -> Iterator[float]:
    """Yield pauses that grow to LONGEST_PAUSE, each shortened at random so that writers part."""
    longest = FIRST_PAUSE
    while True:
        yield random.uniform(0, longest)  # noqa: S311 - spreads load, guards nothing
        longest = min(longest * 2, LONGEST_PAUSE)


def _is_passing(error: Exception) -> bool:
    if isinstance(error, DuplicateKeyError | WriteConflict):
        return True
    return isinstance(error, PyMongoError) and error.has_error_label("TransientTransactionError")


def _once(db: MongoDatabase, deadline: float, attempt: Attempt[T]) -> T:
    session = db.client.start_session(causal_consistency=False)
    session.start_transaction(SNAPSHOT, DURABLE, ReadPreference.PRIMARY)
    try:
        with _until(deadline):
            result = attempt(session)
            _commit(session, deadline)
    except BaseException as error:
        with pymongo.timeout(ABORT_SECONDS):
            if db.in_doubt.abort(session, error):
                _end(session)
        raise
    session.end_session()
    return result


@contextmanager
def read_snapshot(db: MongoDatabase) -> Iterator[None]:
    """Let the reads of this thread inside be of one moment; the server allows a minute for them.

    Raises ServiceUnavailable when the store is away.
    """
    with db.bounded():
        session = db.client.start_session(causal_consistency=False)
    with session.bind():
        session.start_transaction(SNAPSHOT, read_preference=ReadPreference.PRIMARY)
        outside = in_snapshot.set(True)
        try:
            yield
        finally:
            in_snapshot.reset(outside)
        with db.bounded():
            session.commit_transaction()


def _until(deadline: float) -> AbstractContextManager[object]:
    """Hold commands to what is left of the time; a moment stays, so that one can fail properly."""
    return pymongo.timeout(max(0.001, deadline - time.monotonic()))


def _commit(session: ClientSession, deadline: float) -> None:
    """Commit, and ask again while it is unknown whether that worked: repeating it is harmless."""
    pauses = _pauses()
    while True:
        try:
            session.commit_transaction()
        except PyMongoError as error:
            pause = next(pauses)
            unknown = error.has_error_label("UnknownTransactionCommitResult")
            if not unknown or time.monotonic() + pause >= deadline:
                raise
            time.sleep(pause)
        else:
            return


def _end(session: ClientSession) -> None:
    """Give the session back; the driver may abort once more, which is harmless."""
    with suppress(PyMongoError):
        session.end_session()
