"""``Idempotency-Key``: the first success is kept in the step of its effect and replayed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from app import clock
from app.domain import IdempotencyRecord, Scope, Timestamp
from app.errors import Detail, IdempotencyKeyReused, InvalidParameter
from app.services.wire import Answer

if TYPE_CHECKING:
    from app.stores import Store, Transaction

LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request that carries an Idempotency-Key: where it applies, and what it asks."""

    request: str
    fingerprint: str

    @classmethod
    def of(cls, key: str, place: tuple[str, str, str], content: bytes) -> KeyedRequest:
        """Build from the key, (project, method, path) and the query and body as sent."""
        if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
            raise InvalidParameter(
                "Idempotency-Key must be 1 to 255 printable ASCII characters.",
                Detail("Idempotency-Key", "is not well formed"),
            )
        where = "\0".join((*place, key)).encode()
        return cls(hashlib.sha256(where).hexdigest(), hashlib.sha256(content).hexdigest())


def commit(
    store: Store,
    scope: Scope,
    work: Callable[[Transaction], Answer],
    keyed: KeyedRequest | None,
    keep_hours: int,
) -> Answer:
    """Run ``work`` in one transaction, or replay the answer that this key already got."""
    if keyed is None:
        return store.write(scope, work)
    expires = _hours_from_now(keep_hours)

    def once(tx: Transaction) -> Answer:
        earlier = tx.find_idempotency(keyed.request)
        if earlier is not None:
            return _replay(earlier, keyed)
        answer = work(tx)
        tx.save_idempotency(
            IdempotencyRecord(keyed.request, keyed.fingerprint, answer.body, answer.etag, expires)
        )
        return answer

    return store.write(scope, once)


def _replay(earlier: IdempotencyRecord, keyed: KeyedRequest) -> Answer:
    if earlier.fingerprint != keyed.fingerprint:
        raise IdempotencyKeyReused(
            "This Idempotency-Key was used for a different request; use a new one for each request.",
            Detail("Idempotency-Key", "was used for another request"),
        )
    return Answer(earlier.body, earlier.etag, replayed=True)


def _hours_from_now(hours: int) -> Timestamp:
    return clock.format_time(datetime.now(UTC) + timedelta(hours=hours))
