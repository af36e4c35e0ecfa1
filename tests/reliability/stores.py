"""The stores that the proofs run on: a SQLite file, and a MongoDB server that may be killed."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import pymongo

from app.domain import timestamps
from app.domain.records import Project
from app.services.keys import Grant, create_key
from app.stores import Backend
from app.stores.mongo import open_mongo
from app.stores.sqlite import open_sqlite
from tests.reliability.own_server import TO_KILL
from tests.reliability.report import say

LIFETIME_SECONDS = 2.0
"""After how long that instance frees what the open transaction of a killed client holds."""


class Home(Protocol):
    """Where a store lives during a proof."""

    name: str
    url: str
    folder: Path

    def open(self) -> Backend:
        """Open the store from this process."""

    @property
    def can_be_killed(self) -> bool:
        """Whether the store is a server of its own that may be killed."""

    def free_locks_after(self, seconds: float) -> None:
        """Set after how long the store frees what the open transaction of a killed client holds."""

    def kill(self) -> None:
        """SIGKILL to the store's server."""

    def revive(self) -> None:
        """Start the store's server again, on the same data."""


class SqliteHome:
    """A file in a folder of its own."""

    name = "sqlite"
    can_be_killed = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / "colloquy.db"
        self.url = f"sqlite:///{self._path}"

    def open(self) -> Backend:
        """See ``Home``."""
        return open_sqlite(self._path)

    def free_locks_after(self, seconds: float) -> None:
        """See ``Home``: a file is free at once."""

    def kill(self) -> None:
        """See ``Home``: the file dies with the server."""

    def revive(self) -> None:
        """See ``Home``."""


class MongoHome:
    """A database of its own on a MongoDB server."""

    name = "mongodb"

    def __init__(self, folder: Path, uri: str, *, own: bool) -> None:
        self.folder = folder
        self.can_be_killed = own
        self._uri = uri
        self._database = "proof_" + secrets.token_hex(6)
        self.url = urlunsplit(urlsplit(uri)._replace(path="/" + self._database))
        self.free_locks_after(LIFETIME_SECONDS)

    def open(self) -> Backend:
        """See ``Home``."""
        return open_mongo(self.url)

    def kill(self) -> None:
        """See ``Home``."""
        TO_KILL.run("kill9")

    def revive(self) -> None:
        """See ``Home``."""
        TO_KILL.run("up")
        self.free_locks_after(LIFETIME_SECONDS)

    def drop(self) -> None:
        """Remove the database."""
        with self._client() as client:
            client.drop_database(self._database)

    def free_locks_after(self, seconds: float) -> None:
        """See ``Home``: by default it is a minute. Only a server of our own is tuned."""
        if self.can_be_killed:
            with self._client() as client:
                client.admin.command("setParameter", 1, transactionLifetimeLimitSeconds=seconds)

    @contextmanager
    def _client(self) -> Iterator[pymongo.MongoClient[dict[str, Any]]]:
        client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(self._uri)
        try:
            yield client
        finally:
            client.close()


@contextmanager
def sqlite_home() -> Iterator[Home | None]:
    """Give an empty store in a file, which goes with its folder."""
    with tempfile.TemporaryDirectory(prefix="colloquy-proof-") as folder:
        yield SqliteHome(Path(folder))


@contextmanager
def mongo_home(*, to_kill: bool = False) -> Iterator[Home | None]:
    """Give an empty database where MONGODB_URI says, else on an instance of our own, else None.

    What is ``to_kill`` is an instance of our own wherever that can be; nobody else's server is killed.
    """
    there = os.environ.get("MONGODB_URI")
    started = TO_KILL.start() if to_kill or not there else None
    own, uri = started is not None, started or there
    if not uri:
        yield None
        return
    try:
        with tempfile.TemporaryDirectory(prefix="colloquy-proof-") as folder:
            home = MongoHome(Path(folder), uri, own=own)
            try:
                yield home
            finally:
                with contextlib.suppress(pymongo.errors.PyMongoError):
                    home.drop()
    finally:
        if own:
            TO_KILL.run("down")


@contextmanager
def open_home(name: str, *, to_kill: bool = False) -> Iterator[Home | None]:
    """Give an empty store of a kind; None, and a line that says so, where there is none."""
    with sqlite_home() if name == "sqlite" else mongo_home(to_kill=to_kill) as home:
        if home is None:
            say(f"{name}: LEFT OUT, there is no MongoDB server: neither MONGODB_URI nor a local one")
        yield home


KINDS = ("sqlite", "mongodb")


def grant(home: Home, project: str) -> str:
    """Make a project and return a key of it; the store is closed again before anything is killed."""
    backend = home.open()
    try:
        backend.migrate()
        backend.create_project(Project(project, immutable=False, created=timestamps.now()))
        text, key = create_key(Grant(project))
        backend.create_key(key)
    finally:
        backend.close()
    return text
