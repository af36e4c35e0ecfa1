"""In-doubt transactions: those whose end the server did not confirm.

A server keeps an open transaction and its locks for a minute (by default) after its client gave up.
Whoever writes to the same dialogue in that minute is refused, although the server has recovered. So a
transaction that a request could neither commit nor abort in its time is ended in the background. Either
end is right: the request was answered 503, and its effect is stored as a whole or not at all.

A server that does not know a transaction (yet) has not ended it: the statement that begins it may still
be on its way, and would take locks that nobody releases. So the session begins a later transaction,
after which a server refuses whatever belongs to an earlier one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import pymongo
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.errors import InvalidOperation, OperationFailure, PyMongoError

from ...telemetry.measures import IN_DOUBT

ABORT_SECONDS: Final = 0.4
"""How long giving up may take beyond a request's time limit."""

TRY_SECONDS: Final = 1.0
PAUSES: Final = (0.02, 0.05, 0.1, 0.2, 0.5)
"""Seconds between rounds of tries; the last is repeated."""

LIFETIME_SECONDS: Final = 90.0
"""After how long the server has ended a transaction by itself."""

NO_SUCH_TRANSACTION: Final = 251


End = Callable[[ClientSession, float], bool]
"""Tries for so many seconds to end a session's transaction; whether it is over."""


@dataclass(frozen=True, slots=True, eq=False)
class _Open:
    """A session whose transaction may be open on the server."""

    session: ClientSession
    end: End
    deadline: float

    def is_over(self) -> bool:
        """Whether the transaction has ended, after one more try."""
        return self.deadline < time.monotonic() or self.end(self.session, TRY_SECONDS)


class InDoubtTransactions:
    """Ends the transactions that requests left open, in a thread that runs while there is one.

    ``rows`` is any collection: it is read to begin a later transaction on a session.
    """

    def __init__(self, client: MongoClient[dict[str, Any]], rows: Collection[dict[str, Any]]) -> None:
        self._client = client
        self._rows = rows
        self._mutex = threading.Lock()
        self._open: list[_Open] = []
        self._running = False

    def abort(self, session: ClientSession, error: BaseException) -> bool:
        """Abort after ``error``; whether the session is over. If not, it is ended in the background."""
        if _is_ended(error):
            return True
        if session.in_transaction:
            if self._abort(session, ABORT_SECONDS):
                return True
            self._end_later(session, self._abort)
            return False
        if not isinstance(error, PyMongoError):
            return True
        self._end_later(session, _commit)
        return False

    def _end_later(self, session: ClientSession, end: End) -> None:
        """Let the thread end a session's transaction; start the thread if it does not run."""
        IN_DOUBT.add()
        with self._mutex:
            self._open.append(_Open(session, end, time.monotonic() + LIFETIME_SECONDS))
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="in-doubt", daemon=True).start()

    def _run(self) -> None:
        rounds = 0
        while True:
            time.sleep(PAUSES[min(rounds, len(PAUSES) - 1)])
            rounds += 1
            with self._mutex:
                waiting = list(self._open)
            ended = [one for one in waiting if one.is_over()]
            for one in ended:
                # The driver may abort once more, which is harmless, and fails when the client is closed.
                with suppress(PyMongoError), pymongo.timeout(TRY_SECONDS):
                    one.session.end_session()
            with self._mutex:
                self._open = [one for one in self._open if one not in ended]
                if not self._open:
                    self._running = False
                    return

    def _abort(self, session: ClientSession, seconds: float) -> bool:
        """Abort; whether that worked, which the driver's own method does not tell."""
        try:
            with pymongo.timeout(seconds):
                if not (session.in_transaction and self._is_aborted(session)):
                    self._begin_later(session)
        except InvalidOperation:
            return True
        except PyMongoError:
            return False
        return True

    def _is_aborted(self, session: ClientSession) -> bool:
        """Ask the server to abort; False when it knows of no such transaction."""
        try:
            self._client.admin.command("abortTransaction", session=session)
        except OperationFailure as error:
            if error.code != NO_SUCH_TRANSACTION:
                raise
            return False
        # Else the driver aborts once more at the session's end: a command that the server refuses.
        session._transaction.reset()  # noqa: SLF001  # there is no public way to tell it
        return True

    def _begin_later(self, session: ClientSession) -> None:
        """Begin a later transaction on the session, so that no statement can begin the earlier one."""
        if session.in_transaction:
            session.abort_transaction()
        with session.start_transaction():
            self._rows.find_one({}, ["_id"], session=session)


def _commit(session: ClientSession, seconds: float) -> bool:
    """Ask for a commit again; whether its outcome is known now."""
    try:
        with pymongo.timeout(seconds):
            session.commit_transaction()
    except InvalidOperation:
        return True
    except PyMongoError as error:
        return _is_ended(error)
    return True


def _is_ended(error: BaseException) -> bool:
    """Whether the server itself said that the transaction is over."""
    return isinstance(error, OperationFailure) and (
        error.code == NO_SUCH_TRANSACTION or error.has_error_label("TransientTransactionError")
    )
