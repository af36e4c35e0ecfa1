"""The API in this process over a store of its own, for proofs that need no server."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from app.meaning.embedder import Embedder
from app.settings import Settings
from app.stores import Backend
from app.wiring import connect, create_app
from tests.conftest import open_backend
from tests.contract.conftest import Api, make_key
from tests.reliability.report import say

KINDS = ("sqlite", "mongodb")

UNLIMITED = Settings(rate_limit="0", address_rate_limit="0")
"""A proof sends more in a minute than one client should."""

UNDOCUMENTED = (AssertionError, jsonschema_rs.ValidationError)
"""What the client raises for an answer that it did not expect or that is not as described."""


class Harness:
    """A store, and the application over it."""

    def __init__(
        self, backend: Backend, settings: Settings = UNLIMITED, embedder: Embedder | None = None
    ) -> None:
        self.settings = settings
        self.backend = backend
        self.app = create_app(self.settings, backend)
        if embedder is not None:
            connect(self.app, settings, backend, embedder=embedder)
        self.key = make_key(backend)

    def client(self) -> Api:
        """Return a client that accepts only documented answers; each thread needs its own."""
        return Api(self.app, self.key)

    def reopen(self, backend: Backend) -> None:
        """Go on over another store of the same data."""
        self.backend = backend
        connect(self.app, self.settings, backend)


@contextmanager
def open_harness(
    kind: str, settings: Settings = UNLIMITED, embedder: Embedder | None = None
) -> Iterator[Harness | None]:
    """Give an empty store of a kind; None, and the reason on the screen, where there is none."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="colloquy-proof-"))
        opened = open_backend(kind, Path(folder))
        try:
            backend = next(opened)
        except pytest.skip.Exception as reason:
            say(f"{kind}: SKIPPED: {reason.msg}")
            yield None
            return
        stack.callback(next, opened, None)
        yield Harness(backend, settings, embedder)


def fields_of(answer: Any) -> dict[str, Any]:
    """Return the JSON object of an answer."""
    loaded: dict[str, Any] = answer.get_json()
    return loaded
