"""Ending transactions whose end the server did not confirm.

A server keeps an open transaction, and the locks it holds, for a minute (by default) after its
client gave up. Whoever writes to the same dialogue meanwhile would be refused although the server
has long recovered. So what could not be committed or aborted in a request's time is tried again
beside it until the server says how it ended. Either end is right: the request was answered 503,
which leaves its effect wholly there or wholly not.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

import pymongo
from pymongo.errors import InvalidOperation, OperationFailure, PyMongoError

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pymongo.client_session import ClientSession

ABORT_SECONDS: Final = 0.4
"""How long giving up may take beyond a request's time limit."""

TRY_SECONDS: Final = 1.0
PAUSES: Final = (0.02, 0.05, 0.1, 0.2, 0.5)
"""Seconds between rounds of tries; the last is repeated."""

LIFETIME_SECONDS: Final = 90.0
"""After how long the server has ended a transaction by itself."""

NO_SUCH_TRANSACTION: Final = 251


class Settler:
    """Ends what requests had to leave open, in one thread that lives while there is something."""

    def __init__(self, client: MongoClient[dict[str, Any]]) -> None:
        self._client = client
        self._mutex = threading.Lock()
        self._open: list[tuple[float, ClientSession]] = []
        self._running = False

    def abort(self, session: ClientSession, error: BaseException) -> bool:
        """Abort after ``error``; whether the session is over. If not, it is the settler's now."""
        if _is_ended(error) or (session.in_transaction and self._abort(session, ABORT_SECONDS)):
            return True
        if not session.in_transaction and not isinstance(error, PyMongoError):
            return True
        with self._mutex:
            self._open.append((time.monotonic() + LIFETIME_SECONDS, session))
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="settler", daemon=True).start()
        return False

    def _run(self) -> None:
        rounds = 0
        while True:
            time.sleep(PAUSES[min(rounds, len(PAUSES) - 1)])
            rounds += 1
            with self._mutex:
                waiting = list(self._open)
            settled = [entry for entry in waiting if entry[0] < time.monotonic() or self._settle(entry[1])]
            for _, session in settled:
                with pymongo.timeout(TRY_SECONDS):
                    session.end_session()
            with self._mutex:
                self._open = [entry for entry in self._open if entry not in settled]
                if not self._open:
                    self._running = False
                    return

    def _settle(self, session: ClientSession) -> bool:
        return self._abort(session, TRY_SECONDS) if session.in_transaction else _commit(session)

    def _abort(self, session: ClientSession, seconds: float) -> bool:
        """Abort, and see that it worked: the driver's own method keeps a failure to itself."""
        try:
            with pymongo.timeout(seconds):
                self._client.admin.command("abortTransaction", session=session)
        except InvalidOperation:
            return True
        except OperationFailure as error:
            return error.code == NO_SUCH_TRANSACTION
        except PyMongoError:
            return False
        return True


def _commit(session: ClientSession) -> bool:
    """Ask for a commit again; whether its outcome is known now."""
    try:
        with pymongo.timeout(TRY_SECONDS):
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
