"""The keys of callers over HTTP: known to the API before a body is read, and few requests of each at once."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final

from .api import ApiError, Transport

KNOWN_SECONDS: Final = 60.0
"""How long a key that the API knew is let pass. The API looks each call's key up itself."""

MOST_KNOWN: Final = 1000
"""How many keys are remembered, also when they have to be looked up again."""

MOST_ASKED: Final = 4
"""How many keys the API is asked about at a time, of those that it knew and of others."""

MOST_UNASKED: Final = 64
"""How many keys may wait, those that are asked about included: strangers fill this, and not the server."""

MOST_RUNNING: Final = 8
"""How many requests of one key are read and answered at a time."""

MOST_PRESENT: Final = 32
"""How many of one key may be there, most of them waiting, before the next is told to come back."""


class _Line:
    """Keys that wait until the API is asked about them."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._asking = asyncio.Semaphore(MOST_ASKED)
        self._unasked = 0

    async def ask(self, key: str) -> HTTPStatus:
        """Return OK, UNAUTHORIZED where the API does not know a key, SERVICE_UNAVAILABLE if it cannot say."""
        if self._unasked >= MOST_UNASKED:
            return HTTPStatus.SERVICE_UNAVAILABLE
        self._unasked += 1
        try:
            async with self._asking:
                return await asyncio.to_thread(self._ask, key)
        finally:
            self._unasked -= 1

    def _ask(self, key: str) -> HTTPStatus:
        headers = {"Authorization": f"Bearer {key}"}
        try:
            status, _ = self._transport.send("GET", "/key", None, headers, is_patient=False)
        except ApiError:
            return HTTPStatus.SERVICE_UNAVAILABLE
        if status in {HTTPStatus.OK, HTTPStatus.UNAUTHORIZED}:
            return HTTPStatus(status)
        return HTTPStatus.SERVICE_UNAVAILABLE


class Keys:
    """What is known of the callers' keys, which are kept as hashes only."""

    def __init__(self, transport: Transport) -> None:
        self._strangers = _Line(transport)
        self._acquaintances = _Line(transport)
        """Keys that the API knew when it was last asked: strangers do not stand before them."""
        self._known: dict[bytes, float] = {}
        """Until when a key is let pass, in the order of their lookups."""
        self._present: Counter[bytes] = Counter()
        self._running: dict[bytes, asyncio.Semaphore] = {}

    async def check(self, key: str) -> HTTPStatus:
        """Return OK, UNAUTHORIZED where the API does not know a key, SERVICE_UNAVAILABLE if it cannot say."""
        name = _name(key)
        until = self._known.get(name)
        if until is not None and until > time.monotonic():
            return HTTPStatus.OK
        status = await (self._strangers if until is None else self._acquaintances).ask(key)
        if status is not HTTPStatus.SERVICE_UNAVAILABLE:
            self._known.pop(name, None)
        if status is HTTPStatus.OK:
            self._remember(name)
        return status

    def _remember(self, name: bytes) -> None:
        if len(self._known) >= MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[name] = time.monotonic() + KNOWN_SECONDS

    @asynccontextmanager
    async def turn(self, key: str) -> AsyncIterator[bool]:
        """Run the block in the key's turn; gives False at once where too many of its requests are there."""
        name = _name(key)
        if self._present[name] >= MOST_PRESENT:
            yield False
            return
        self._present[name] += 1
        try:
            async with self._running.setdefault(name, asyncio.Semaphore(MOST_RUNNING)):
                yield True
        finally:
            self._present[name] -= 1
            if not self._present[name]:
                del self._present[name], self._running[name]


def _name(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
