"""Rate limits: how many requests an address, and then a key, may make in a window of time.

Windows are fixed and begin at whole multiples of their length, so that workers agree on them without
asking and one step counts a request. A client that saves up can spend two quotas around a boundary.

Each worker counts for itself unless a store to count in together is named. The library ``limits``
reads the rates and speaks to Redis and MongoDB. Its own counter in memory starts a thread for about
every request and walks all it has counted each time; a dictionary for each window needs neither.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MongoDBStorage, storage_from_string

from ..domain.errors import RateLimitExceeded
from ..telemetry.measures import RATE_LIMITED, UNCOUNTED
from ..waiting import blocking

if TYPE_CHECKING:
    from ..settings import Settings

OFF = "0"
"""The setting that means: no limit."""

MOST_IDENTITIES = 100_000
"""How many keys or addresses a worker counts in one window before it forgets them and starts over."""

STORE_SECONDS = 0.25
"""How long one attempt to reach the shared store may take; the drivers make at most two."""

PAUSE_SECONDS = 5.0
"""For how long nobody asks a shared store that has failed."""

log = logging.getLogger(__name__)


class RateLimitState(NamedTuple):
    """How much of a limit remains after a request.

    ``remaining`` below 0 means that this request was one too many; ``reset`` is the number of
    seconds until the window ends.
    """

    name: str
    remaining: int
    reset: int

    def refusal(self) -> RateLimitExceeded:
        """Return the error for a request that was one too many."""
        unit = "second" if self.reset == 1 else "seconds"
        return RateLimitExceeded(
            f"Too many requests by this {self.name}. Try again in {self.reset} {unit}.",
            headers={"Retry-After": str(self.reset)},
        )

    def __str__(self) -> str:
        return f'"{self.name}";r={max(0, self.remaining)};t={self.reset}'


class RequestCounter(Protocol):
    """Counts requests by who made them."""

    def add(self, identity: str, window: int) -> int | None:
        """Count one request in a window and return how many there are now; None: not counted."""


class LocalCounter:
    """Counts in this process, in bounded memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._window = 0
        self._counts: dict[str, int] = {}

    def add(self, identity: str, window: int) -> int:
        """See ``RequestCounter``."""
        with self._lock:
            if window != self._window or len(self._counts) >= MOST_IDENTITIES:
                self._window = window
                self._counts = {}
            count = self._counts.get(identity, 0) + 1
            self._counts[identity] = count
            return count


class _LateMongo(MongoDBStorage):
    """The library's storage, which would never make its index if the server was away at first."""

    def _init_mongo_client(self, uri: str | None, **options: Any) -> Any:
        client: Any = super()._init_mongo_client(uri, **options)
        try:
            client.admin.command("ping")
        except self.base_exceptions:
            client.close()
            raise
        return client

    def __del__(self) -> None:
        # The library's own would connect first if it never had.
        if self._storage is not None:
            self._storage.close()


def open_storage(url: str) -> Any:
    """Return the library's storage for a URL; it connects on first use and gives up within the bound."""
    if url.startswith("mongodb"):
        milliseconds = round(STORE_SECONDS * 1000)
        database = urlsplit(url).path.strip("/") or "colloquy"
        bounds = dict.fromkeys(("timeoutMS", "serverSelectionTimeoutMS", "connectTimeoutMS"), milliseconds)
        names = {"counter_collection_name": "rate_limits", "window_collection_name": "rate_limit_windows"}
        return _LateMongo(url, database, wrap_exceptions=True, **names, **bounds)  # type: ignore[arg-type]  # mypy tries each ** on every parameter
    return storage_from_string(
        url,
        wrap_exceptions=True,
        key_prefix="colloquy",
        socket_timeout=STORE_SECONDS,
        socket_connect_timeout=STORE_SECONDS,
    )


class SharedStore:
    """The store that workers count in together. While it fails, nothing is counted and all pass."""

    def __init__(self, storage: Any, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._storage = storage
        self._monotonic = monotonic
        self._paused_until = -math.inf

    def increment(self, key: str, seconds: int) -> int | None:
        """Count one; None when the store does not answer, or did not a moment ago."""
        if self._monotonic() < self._paused_until:
            UNCOUNTED.add()
            return None
        try:
            with blocking():
                count: int = self._storage.incr(key, seconds)
        except StorageError as error:
            self._pause(error)
            UNCOUNTED.add()
            return None
        return count

    def _pause(self, error: StorageError) -> None:
        now = self._monotonic()
        if now >= self._paused_until:
            self._paused_until = now + PAUSE_SECONDS
            log.warning(
                "the shared rate limiter fails (%s); requests pass uncounted for %g s",
                type(error.storage_error).__name__,
                PAUSE_SECONDS,
            )


class SharedCounter:
    """Counts one limit in the shared store."""

    def __init__(self, store: SharedStore, name: str, seconds: int) -> None:
        self._store = store
        self._name = name
        self._seconds = seconds

    def add(self, identity: str, window: int) -> int | None:
        """See ``RequestCounter``."""
        return self._store.increment(f"{self._name}:{window}:{identity}", self._seconds)


class Limit:
    """One limit: a quota of requests in a window of seconds, for each identity."""

    def __init__(
        self, name: str, rate: RateLimitItem, counter: RequestCounter, now: Callable[[], float] = time.time
    ) -> None:
        self.name = name
        self.quota = rate.amount
        self.seconds = rate.get_expiry()
        self.policy = f'"{name}";q={self.quota};w={self.seconds}'
        self._counter = counter
        self._now = now

    def count(self, identity: str, states: list[RateLimitState]) -> None:
        """Count one request and add what remains to ``states``, unless it could not be counted.

        Raises RateLimitExceeded when nothing remained for it.
        """
        now = self._now()
        window = int(now // self.seconds)
        count = self._counter.add(identity, window)
        if count is None:
            return
        reset = max(1, math.ceil((window + 1) * self.seconds - now))
        state = RateLimitState(self.name, self.quota - count, reset)
        states.append(state)
        if state.remaining < 0:
            RATE_LIMITED.add(self.name)
            raise state.refusal()


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits in force; None: none of that kind.

    ``policy`` is the header RateLimit-Policy, a structured field of the IETF's draft; the header RateLimit
    lists the states.
    """

    address: Limit | None = None
    key: Limit | None = None
    policy: str = field(init=False)

    def __post_init__(self) -> None:
        policies = (limit.policy for limit in (self.address, self.key) if limit is not None)
        object.__setattr__(self, "policy", ", ".join(policies))


def open_limits(settings: Settings) -> Limits:
    """Return the limits that the settings ask for; nothing is connected before its first use."""
    url = settings.rate_limit_store
    store = None if url is None else SharedStore(open_storage(url))
    return Limits(
        address=_open_limit("address", settings.address_rate_limit, store),
        key=_open_limit("key", settings.rate_limit, store),
    )


def _open_limit(name: str, text: str, store: SharedStore | None) -> Limit | None:
    if text == OFF:
        return None
    rate = parse(text)
    counter = LocalCounter() if store is None else SharedCounter(store, name, rate.get_expiry())
    return Limit(name, rate, counter)
