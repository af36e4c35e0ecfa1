"""Connections to a server, kept open for the next request, and made by the same options everywhere."""

from __future__ import annotations

import asyncio
import ssl
import weakref
from dataclasses import dataclass, field
from typing import Any

import httpx

VERSION = "0.1.0"


@dataclass(frozen=True)
class Options:
    """Where to connect to and how. ``timeout`` is in seconds, for connecting and for each answer."""

    url: str
    key: str = field(repr=False)
    timeout: float | httpx.Timeout = 30.0
    verify: ssl.SSLContext | bool = True

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of an httpx client."""
        headers = {"Authorization": f"Bearer {self.key}", "User-Agent": f"colloquy-client/{VERSION}"}
        return {"base_url": self.url, "headers": headers, "timeout": self.timeout, "verify": self.verify}


class Connections:
    """The connections of a blocking client. They may be used by several threads."""

    def __init__(self, options: Options, transport: httpx.BaseTransport | None = None) -> None:
        self._client = httpx.Client(**options.arguments(), transport=transport)
        weakref.finalize(self, self._client.close)

    def current(self) -> httpx.Client:
        """Return the client to send with."""
        return self._client

    def close(self) -> None:
        """Close them all."""
        self._client.close()


class AsyncConnections:
    """The connections of an asynchronous client.

    A connection belongs to the event loop that opened it, and programs run several, one after the other
    (``asyncio.run`` makes a new one each time): each loop has its own.
    """

    def __init__(self, options: Options, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._options = options
        self._transport = transport
        self._clients: dict[asyncio.AbstractEventLoop, httpx.AsyncClient] = {}

    def current(self) -> httpx.AsyncClient:
        """Return the client of the running loop."""
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            self._clients = {each: open_ for each, open_ in self._clients.items() if not each.is_closed()}
            client = httpx.AsyncClient(**self._options.arguments(), transport=self._transport)
            self._clients[loop] = client
        return client

    async def aclose(self) -> None:
        """Close those of the running loop; those of loops that have ended are gone with them."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()
