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
"""How many keys are remembered."""

MOST_ASKED: Final = 4
"""How many keys the API is asked about at a time."""

MOST_UNASKED: Final = 64
"""How many more may wait to be asked about: strangers fill this, and not the server."""

MOST_RUNNING: Final = 8
"""How many requests of one key are read and answered at a time."""

MOST_PRESENT: Final = 32
"""How many of one key may be there, most of them waiting, before the next is told to come back."""


class Keys:
    """What is known of the callers' keys, which are kept as hashes only."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._asking = asyncio.Semaphore(MOST_ASKED)
        self._unasked = 0
        self._known: dict[bytes, float] = {}
        self._present: Counter[bytes] = Counter()
        self._running: dict[bytes, asyncio.Semaphore] = {}

    async def check(self, key: str) -> HTTPStatus:
        """Return OK, UNAUTHORIZED where the API does not know a key, SERVICE_UNAVAILABLE if it cannot say."""
        name = _name(key)
        if self._known.get(name, 0.0) > time.monotonic():
            return HTTPStatus.OK
        status = await self._wait_and_ask(key)
        if status is HTTPStatus.OK:
            if len(self._known) >= MOST_KNOWN:
                del self._known[min(self._known, key=self._known.__getitem__)]
            self._known[name] = time.monotonic() + KNOWN_SECONDS
        return status

    async def _wait_and_ask(self, key: str) -> HTTPStatus:
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
            status, _ = self._transport.send("GET", "/key", None, headers)
        except ApiError:
            return HTTPStatus.SERVICE_UNAVAILABLE
        if status in {HTTPStatus.OK, HTTPStatus.UNAUTHORIZED}:
            return HTTPStatus(status)
        return HTTPStatus.SERVICE_UNAVAILABLE

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
