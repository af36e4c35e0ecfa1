"""Ports for the servers of tests and measurements."""

from __future__ import annotations

import secrets
import socket
from contextlib import suppress

FIRST, BEHIND = 10_000, 32_768
"""Ports that no system gives to clients by itself: Linux begins with 32,768, others further behind."""


def free_port() -> int:
    """Return a port of the loopback address that nobody uses at the moment.

    One that the system chooses may be that of another program's connection before a server listens there.
    """
    while True:
        port = FIRST + secrets.randbelow(BEHIND - FIRST)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
