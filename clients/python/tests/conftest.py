"""The fixtures of the client's tests."""

from __future__ import annotations

from fixtures import client, own_server, server

__all__ = ["client", "own_server", "server"]
