"""A store that kills its own process after the operation that a request names.

The header ``X-Stop-After: N`` means the N-th operation of that request, commits included. What was
reached is written to the file that ``STOP_NOTE`` names, because nobody else can tell.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast

from flask import g, has_request_context, request

from app.domain.records import Scope
from app.stores import Backend, Transaction

T = TypeVar("T")

HEADER = "X-Stop-After"
NOTE = "STOP_NOTE"
COMMIT = "commit"


class Countdown:
    """Counts the operations of one request, and stops at the one that it names."""

    def __init__(self, last: int) -> None:
        self._left = last

    def pass_by(self, name: str) -> None:
        """Count an operation that was done."""
        self._left -= 1
        if self._left == 0:
            stop(name)


def stop(name: str) -> NoReturn:
    """Note where, and die without a last word."""
    Path(os.environ[NOTE]).write_text(name, encoding="ascii")
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


class StoppingTransaction:
    """A transaction each of whose operations is counted once it is done."""

    def __init__(self, tx: Transaction, countdown: Countdown) -> None:
        self._tx = tx
        self._countdown = countdown

    def __getattr__(self, name: str) -> Any:
        """Return the operation, wrapped."""
        operation = getattr(self._tx, name)
        if not callable(operation):
            return operation

        def counted(*arguments: Any, **options: Any) -> Any:
            result = operation(*arguments, **options)
            self._countdown.pass_by(name)
            return result

        return counted


class StoppingBackend:
    """A store whose writes are counted; everything else is the store's own."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __getattr__(self, name: str) -> Any:
        """Return what the store has."""
        return getattr(self._backend, name)

    def write(self, scope: Scope, work: Callable[[Transaction], T]) -> T:
        """Run ``work`` on a transaction that is counted, and count the commit."""
        countdown = _countdown()

        def watched(tx: Transaction) -> T:
            return work(cast("Transaction", StoppingTransaction(tx, countdown)))

        result = self._backend.write(scope, watched)
        countdown.pass_by(COMMIT)
        return result


def _countdown() -> Countdown:
    """Return the countdown of the request at hand, which may write more than once."""
    if not has_request_context():
        return Countdown(0)
    if "countdown" not in g:
        g.countdown = Countdown(int(request.headers.get(HEADER, "0")))
    return cast("Countdown", g.countdown)
