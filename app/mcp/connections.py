"""Connections of MCP over HTTP: how many there are, and how long each may take to send and to read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

HEAD_SECONDS: Final = 20.0
"""How long a client may take to send the head of a request, from when it connects or was answered."""

TRANSFER_SECONDS: Final = 60.0
"""How long a body may take from when the application asks for it, and a client to read an answer."""

MOST_CONNECTIONS: Final = 500
"""Beyond so many, the client that has kept the server waiting for longest is closed for a new one."""


class _Flow(FlowControl):
    """uvicorn's own, which also tells when the application asks for a body."""

    def __init__(self, transport: asyncio.Transport, on_ask: Callable[[], None]) -> None:
        super().__init__(transport)
        self._on_ask = on_ask

    def resume_reading(self) -> None:
        """Read on: uvicorn calls this whenever the application receives."""
        super().resume_reading()
        self._on_ask()


class BoundedProtocol(H11Protocol):
    """uvicorn's own, which by itself waits for requests without an end.

    It builds on the insides of uvicorn: ``flow``, ``cycle``, the request at hand, and
    ``on_response_complete``.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.cycle: RequestResponseCycle | None = None  # type: ignore[assignment]  # uvicorn begins with None
        self.deadline: asyncio.TimerHandle | None = None
        """When the connection is closed, whatever was sent or read; None while the client waits."""
        self.since = 0.0
        """From when the deadline runs, by the loop's clock."""
        self._asked: RequestResponseCycle | None = None
        self._timed: tuple[RequestResponseCycle | None, float | None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn's
        """Take a client, for whom another one may have to go."""
        super().connection_made(transport)
        self.flow = _Flow(transport, self._ask)
        self._time()
        if len(self.connections) > MOST_CONNECTIONS:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        """Take what has come."""
        super().data_received(data)
        self._time()

    def on_response_complete(self) -> None:
        """Wait for the client to read the answer, and for its next request."""
        super().on_response_complete()
        self._time()

    def pause_writing(self) -> None:
        """Wait for the client to read, with all answers to what it has sent meanwhile."""
        super().pause_writing()
        self._time()

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        super().resume_writing()
        self._time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self.stop_timing()
        super().connection_lost(exc)

    def _ask(self) -> None:
        """Wait for the client to send the body of the request at hand."""
        self._asked = self.cycle
        self._time()

    def _time(self) -> None:
        """Set another deadline if the client is to do something else than before."""
        timed = (self.cycle, self._limit())
        if timed != self._timed:
            self.stop_timing()
            self._timed = timed
            self.since = self.loop.time()
            if timed[1] is not None:
                self.deadline = self.loop.call_later(timed[1], self.transport.abort)

    def stop_timing(self) -> None:
        """Set no deadline any more."""
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None

    def _limit(self) -> float | None:
        """Return for how long the client may go on with what it does; None when it waits for the server.

        It also waits for the server with a body that nobody asks for yet, which uvicorn then stops reading.
        """
        if self.flow.write_paused or self.transport.is_closing():  # whoever works, the rest is to be read
            return TRANSFER_SECONDS
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            return TRANSFER_SECONDS if cycle.more_body and cycle is self._asked else None
        return TRANSFER_SECONDS if self.transport.get_write_buffer_size() else HEAD_SECONDS

    def _make_room(self) -> None:
        """Close the connection whose client is awaited for longest: this one if all others wait."""
        waiting = [one for one in self.connections if isinstance(one, BoundedProtocol) and one.deadline]
        first = min(waiting, key=lambda one: one.since)
        first.stop_timing()
        first.transport.abort()
