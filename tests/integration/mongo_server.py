"""The MongoDB server of the tests: a database of one's own, a record of commands, fail points."""

from __future__ import annotations

import fcntl
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pymongo
import pytest
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from app.stores import Backend
from app.stores.mongo import open_mongo

FAIL_POINTS = Path(tempfile.gettempdir()) / "colloquy-fail-points.lock"
"""Whoever holds this may switch the fail point for commands: a server has only one."""

HOUSEKEEPING = {"hello", "endSessions", "configureFailPoint", "killCursors"}


class Recorder(CommandListener):
    """Remembers the commands that a client sends; counts the documents it gets and the cursors it ends."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []
        self.documents = 0
        self.killed = 0

    def started(self, event: CommandStartedEvent) -> None:
        """Keep the command."""
        self.killed += len(event.command.get("cursors", ()))
        if event.command_name not in HOUSEKEEPING:
            self.commands.append(dict(event.command))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Count the documents that came."""
        cursor = event.reply.get("cursor", {})
        self.documents += len(cursor.get("firstBatch", cursor.get("nextBatch", ())))

    def failed(self, event: CommandFailedEvent) -> None:
        """Expect nothing of it."""

    def names(self) -> list[str]:
        """Return what kinds of commands were sent."""
        return [next(iter(command)) for command in self.commands]


class Server:
    """A database of its own, and a client that can be watched and made to fail."""

    def __init__(self, uri: str) -> None:
        self.name = "test_" + secrets.token_hex(6)
        self.url = urlunsplit(urlsplit(uri)._replace(path="/" + self.name))
        self.recorder = Recorder()
        self.client = self.connect(event_listeners=[self.recorder])
        self.admin: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(self.url)
        self.database = self.admin[self.name]

    def connect(self, **options: Any) -> pymongo.MongoClient[dict[str, Any]]:
        """Return another client, whose commands the fail points of this test meet."""
        return pymongo.MongoClient(self.url, appname=self.name, connect=False, **options)

    def open(self, **options: Any) -> Backend:
        """Return a store over the watched client."""
        return open_mongo(self.url, client=self.client, **options)

    @contextmanager
    def failing(self, *commands: str, times: int = 1, **data: Any) -> Iterator[None]:
        """Make the next commands of this test's clients fail; others' are not touched."""
        mode: Any = {"times": times} if times else "alwaysOn"
        point = {"failCommands": list(commands), "appName": self.name, **data}
        with FAIL_POINTS.open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.admin.admin.command({"configureFailPoint": "failCommand", "mode": mode, "data": point})
            try:
                yield
            finally:
                self.admin.admin.command({"configureFailPoint": "failCommand", "mode": "off"})

    def drop(self) -> None:
        """Remove the database."""
        self.client.close()
        self.admin.drop_database(self.name)
        self.admin.close()


def start() -> Iterator[Server]:
    """Give a database on the server that MONGODB_URI names; skip without one."""
    uri = os.environ.get("MONGODB_URI")
    if not uri:
        pytest.skip("MONGODB_URI names no MongoDB server")
    server = Server(uri)
    yield server
    server.drop()
