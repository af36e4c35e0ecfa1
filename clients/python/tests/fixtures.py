"""Fixtures: one server for all tests of a process, clients of it, and examples that are run as programs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from live import LiveServer, serving

from colloquy_client import Colloquy, Retries


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Give a server that many tests share."""
    with serving(tmp_path_factory.mktemp("server"), workers=2) as running:
        yield running


@pytest.fixture
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Give a server that a test may kill."""
    with serving(tmp_path_factory.mktemp("own")) as running:
        yield running


@pytest.fixture
def client(server: LiveServer) -> Iterator[Colloquy]:
    """Give a client in a namespace that nobody else uses."""
    with Colloquy(server.url, server.key, f"test {uuid.uuid4()}", retries=Retries(first_wait=0.01)) as made:
        yield made
