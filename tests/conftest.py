"""Fixtures that every kind of test shares: the stores.

``backend`` gives each test a fresh, migrated store of each kind:

* ``sqlite``: a file of its own.
* ``mongomock``: MongoDB's calls over an imitation in memory. It has no transactions, so tests
  marked ``transactions`` (atomicity, concurrency, durability) are skipped there.
* ``mongodb``: a database of its own on the server that ``MONGODB_URI`` names; skipped without.
"""

from __future__ import annotations

import importlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

import hypothesis
import pytest

from app.stores import Backend

pytest_plugins = ["tests.clock", "tests.leaks"]

STORES = ("sqlite", "mongomock", "mongodb")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker for what mongomock cannot do, and leave examples the time they take."""
    config.addinivalue_line("markers", "transactions: needs real transactions; not run on mongomock")
    # How long an example takes says more of what else the machine does.
    hypothesis.settings.register_profile("untimed", deadline=None)
    hypothesis.settings.load_profile("untimed")


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
    if kind == "sqlite":
        store = importlib.import_module("app.stores.sqlite").open_sqlite(folder / "store.db")
        drop = None
    else:
        store, drop = _open_mongo(kind)
    store.migrate()
    yield cast("Backend", store)
    store.close()
    if drop is not None:
        drop()


def _open_mongo(kind: str) -> tuple[Any, Any]:
    try:
        open_mongo = importlib.import_module("app.stores.mongo").open_mongo
    except (ImportError, AttributeError):
        pytest.skip("the MongoDB store is not installed")
    name = "test_" + secrets.token_hex(6)
    if kind == "mongomock":
        mongomock = pytest.importorskip("mongomock")
        url = f"mongodb://localhost/{name}"
        return open_mongo(url, client=mongomock.MongoClient(url)), None
    server = os.environ.get("MONGODB_URI")
    if not server:
        pytest.skip("MONGODB_URI names no MongoDB server")
    url = urlunsplit(urlsplit(server)._replace(path="/" + name))

    def drop() -> None:
        pymongo = importlib.import_module("pymongo")
        with pymongo.MongoClient(url) as client:
            client.drop_database(name)

    return open_mongo(url), drop
