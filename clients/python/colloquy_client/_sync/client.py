"""The client: where it connects, and the conversations that it gives."""

from __future__ import annotations

import copy
import os
import ssl
from types import TracebackType

import httpx

from colloquy_client._sync.dialogue import Dialogue
from colloquy_client._sync.operations import Operations
from colloquy_client.connections import Connections, Options
from colloquy_client.errors import ColloquyError
from colloquy_client.requests import new_id
from colloquy_client.retries import Retries

DEFAULT_URL = "http://127.0.0.1:8080"


class Colloquy(Operations):
    """A Colloquy server. ``url`` and ``key`` come from ``COLLOQUY_URL`` and ``COLLOQUY_KEY`` if left out.

    ``namespace`` is meant wherever none is given. ``timeout`` is in seconds; ``verify`` is False, or an SSL
    context for a certificate authority or client certificate of your own. ``transport`` replaces httpx's own,
    for tests and proxies. Connections are reused and stay open until the client is closed.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        namespace: str | None = None,
        *,
        timeout: float | httpx.Timeout = 30.0,
        retries: Retries | None = None,
        verify: ssl.SSLContext | bool = True,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        url = url or os.environ.get("COLLOQUY_URL") or DEFAULT_URL
        key = key or os.environ.get("COLLOQUY_KEY")
        if not key:
            raise ColloquyError("there is no key: give key=, or set COLLOQUY_KEY")
        options = Options(url, key, timeout, verify)
        super().__init__(Connections(options, transport), namespace, retries or Retries())

    def dialogue(self, id: str | None = None, *, namespace: str | None = None) -> Dialogue:
        """Return a conversation by its id, new or not; without an id, one that is certainly new."""
        return Dialogue(self, id or new_id(), self.choose_namespace(namespace))

    def in_namespace(self, namespace: str | None) -> Colloquy:
        """Return this client with another namespace (None: the default one), over the same connections."""
        other = copy.copy(self)
        other.namespace = namespace
        return other

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def __enter__(self) -> Colloquy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
