"""The fixtures of the client's tests, and what tests of adapters need besides."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest
from fixtures import client, own_server, server
from live import LiveServer

from colloquy_client import AsyncColloquy, Retries

__all__ = ["anyio_backend", "client", "connect", "example", "own_server", "server"]

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
PATIENT = Retries(repeats=60, longest_wait=1)


class Example(Protocol):
    """Runs an example as a program of its own and returns what it printed."""

    def __call__(self, name: str, *arguments: str) -> str: ...


@pytest.fixture
def anyio_backend() -> str:
    """Run asynchronous tests on asyncio, as the frameworks do."""
    return "asyncio"


@pytest.fixture
def connect() -> Callable[[LiveServer], AsyncColloquy]:
    """Give patient asynchronous clients of a server, in a namespace of the test's own."""
    namespace = f"test {uuid.uuid4()}"
    return lambda server: AsyncColloquy(server.url, server.key, namespace, retries=PATIENT)


@pytest.fixture
def example(server: LiveServer) -> Example:
    """Give a function that runs an example of the documentation."""

    def run(name: str, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, EXAMPLES / f"{name}.py", *arguments],
            env=server.environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


async def restart(server: LiveServer) -> None:
    """Kill the server with SIGKILL and start it again, while the test's other tasks go on."""
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)
