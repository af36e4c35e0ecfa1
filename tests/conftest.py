"""Fixtures that every kind of test shares: the stores.

``backend`` gives each test a fresh, migrated store of each kind:

* ``sqlite``: a file of its own.
* ``mongomock``: MongoDB's calls over an imitation in memory. It has no transactions, so tests
  marked ``transactions`` (atomicity, concurrency, durability) are skipped there.
* ``mongodb``: a database of its own on the server that ``MONGODB_URI`` names; skipped without.
"""

from __future__ import annotations

import gc
import importlib
import os
import secrets
import tempfile
from collections import Counter
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import hypothesis
import pytest

from app.stores import Backend
from tests.mongo_databases import databases_at

pytest_plugins = ["tests.clock", "tests.leaks"]

STORES = ("sqlite", "mongomock", "mongodb")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker for what mongomock cannot do, and leave examples the time they take."""
    config.addinivalue_line("markers", "transactions: needs real transactions; not run on mongomock")
    # How long an example takes says more of what else the machine does.
    hypothesis.settings.register_profile("untimed", deadline=None)
    hypothesis.settings.load_profile("untimed")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for cycles neither while tests are collected, nor among what stays of them until the end.

    By default that is a third of the time to collect. The controller of workers comes here, too.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(10_000)
        gc.enable()


def pytest_sessionfinish() -> None:
    """Drop the databases of tests: a worker may end without running what was registered for its end."""
    if server := os.environ.get("MONGODB_URI"):
        databases_at(server).close()


@pytest.fixture(params=STORES)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Give a fresh, migrated store of each kind."""
    kind: str = request.param
    if kind == "mongomock" and request.node.get_closest_marker("transactions"):
        pytest.skip("mongomock has no transactions")
    yield from open_backend(kind, tmp_path)


@pytest.fixture
def sqlite_backend(tmp_path: Path) -> Iterator[Backend]:
    """Give a fresh, migrated SQLite store, for what only that store can show."""
    yield from open_backend("sqlite", tmp_path)


def open_backend(kind: str, folder: Path) -> Iterator[Backend]:
    """Open, migrate and afterwards remove a store of the given kind."""
    if kind == "mongodb":
        yield from _open_mongodb()
        return
    store = _open_sqlite(folder / "store.db") if kind == "sqlite" else _open_mongomock()
    store.migrate()
    yield cast("Backend", store)
    store.close()


def _open_sqlite(path: Path) -> Any:
    path.write_bytes(_migrated_file())
    return importlib.import_module("app.stores.sqlite").open_sqlite(path)


@cache
def _migrated_file() -> bytes:
    """Return a migrated store without data: a copy takes a quarter of the time that migrating takes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "store.db")
        store = importlib.import_module("app.stores.sqlite").open_sqlite(path)
        store.migrate()
        store.close()
        return path.read_bytes()


def _open_mongomock() -> Any:
    mongomock = pytest.importorskip("mongomock")
    url = f"mongodb://localhost/test_{secrets.token_hex(6)}"
    return importlib.import_module("app.stores.mongo").open_mongo(url, client=mongomock.MongoClient(url))


def _open_mongodb() -> Iterator[Backend]:
    server = os.environ.get("MONGODB_URI")
    if not server:
        pytest.skip("MONGODB_URI names no MongoDB server")
    databases = databases_at(server)
    url = databases.take()
    store = importlib.import_module("app.stores.mongo").open_mongo(url)
    store.migrate()
    # By the store's own client: it costs more to connect than to empty a database.
    database = store._db.client[urlsplit(url).path[1:]]
    databases.note(database)
    yield store
    databases.give_back(database)
    store.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say why tests were skipped, a line for each reason: pytest's own list has one for each test."""
    reports = terminalreporter.stats.get("skipped", ())
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in reports)
    for reason, count in reasons.most_common():
        terminalreporter.line(f"{count:,} skipped: {reason}")
