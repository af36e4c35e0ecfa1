"""What several modules of these tests begin with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration import mongo_server
from tests.integration.mongo_server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    """Give a database of its own on the MongoDB server of the tests."""
    yield from mongo_server.start()
