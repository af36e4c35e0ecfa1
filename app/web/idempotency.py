"""``Idempotency-Key``: the first success is kept in the step of its effect and replayed.

A request whose key is held by another one waits until that one is done. Within a worker process that is
decided here; between processes the store decides, which lets only one of two equal keys commit and
runs the other again, so that it finds the answer. Nothing marks a key as taken before its answer is
stored: a key whose worker died is free.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from ..domain import timestamps
from ..domain.errors import Detail, IdempotencyConflict, IdempotencyKeyReused, InvalidParameter
from ..domain.records import IdempotencyRecord, Scope, Timestamp
from ..services.results import Result
from ..waiting import blocking

if TYPE_CHECKING:
    from ..stores import Store, Transaction

R = TypeVar("R", Result, Result | None)

LONGEST_KEY = 255

LONGEST_WAIT = 60.0
"""Seconds that a repeat waits at most while the first still runs; a request's budget is usually less."""


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request that carries an Idempotency-Key: where it applies, and what it asks.

    One that ``is_new`` is known to be no repeat: its result takes the place of an earlier one.
    """

    request: str
    fingerprint: str
    is_new: bool = False

    @classmethod
    def of(cls, key: str, place: tuple[str, ...], content: bytes) -> KeyedRequest:
        """Build from the key, (project, bound namespace, method, path) and the query and body as sent."""
        if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
            raise InvalidParameter(
                "Idempotency-Key must be 1 to 255 printable ASCII characters.",
                Detail("Idempotency-Key", "is not well formed"),
            )
        where = "\0".join((*place, key)).encode()
        return cls(hashlib.sha256(where).hexdigest(), hashlib.sha256(content).hexdigest())


class RunningKeys:
    """The keys whose requests run in this process: one request of each key at a time."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running: set[str] = set()

    @contextmanager
    def hold(self, request: str, longest: float = LONGEST_WAIT) -> Iterator[None]:
        """Hold the key of a request; raises IdempotencyConflict when it is not free in time."""
        with blocking(longest) as seconds, self._changed:
            if not self._changed.wait_for(lambda: request not in self._running, seconds):
                raise IdempotencyConflict(
                    "The first request with this Idempotency-Key is still being worked on. Repeat it "
                    "shortly: its answer is then replayed."
                )
            self._running.add(request)
        try:
            yield
        finally:
            with self._changed:
                self._running.remove(request)
                self._changed.notify_all()


RUNNING_KEYS = RunningKeys()
"""The only instance: the store decides between processes."""


def write_once(
    store: Store,
    scope: Scope,
    work: Callable[[Transaction], R],
    keyed: KeyedRequest,
    keep_hours: int,
) -> R:
    """Run ``work`` in one transaction, or return the result that this key already has.

    What comes to no result yet is not recorded.

    Raises IdempotencyConflict while the first request runs, IdempotencyKeyReused when that was another one.
    """
    expires = _hours_from_now(keep_hours)

    def once(tx: Transaction) -> R:
        if keyed.is_new:
            tx.forget_idempotency(keyed.request)
        earlier = tx.find_idempotency(keyed.request)
        if earlier is not None:
            return _replay(earlier, keyed)
        result = work(tx)
        if result is not None:
            tx.save_idempotency(
                IdempotencyRecord(keyed.request, keyed.fingerprint, result.body, result.etag, expires)
            )
        return result

    with RUNNING_KEYS.hold(keyed.request):
        return store.write(scope, once)


def find_replay(store: Store, scope: Scope, keyed: KeyedRequest) -> Result | None:
    """Return the answer that this key already got, if any."""
    earlier = store.find_idempotency(scope, keyed.request)
    return None if earlier is None else _replay(earlier, keyed)


def _replay(earlier: IdempotencyRecord, keyed: KeyedRequest) -> Result:
    if earlier.fingerprint != keyed.fingerprint:
        raise IdempotencyKeyReused(
            "This Idempotency-Key was used for a different request; use a new one for each request.",
            Detail("Idempotency-Key", "was used for another request"),
        )
    return Result(earlier.body, earlier.etag, replayed=True)


def _hours_from_now(hours: int) -> Timestamp:
    return timestamps.format_time(datetime.now(UTC) + timedelta(hours=hours))
