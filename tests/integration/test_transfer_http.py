"""Importing over HTTP into a running server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.serving import make_server

from app.domain import timestamps
from app.domain.records import Project, Scope, Status
from app.services.keys import Grant, create_key
from app.settings import Settings
from app.stores import Backend
from app.transfer.http import Client, ServerAway
from app.transfer.http_loader import HttpLoader
from app.transfer.intake import Choices, Intake
from app.transfer.tally import Tally
from app.wiring import create_app
from tests.integration.importing import bring_in, check_store, document, drafter, texts
from tests.integration.test_transfer import EXPORTED, conversation


class Server:
    """A running application that can be told to fail its next requests."""

    def __init__(self, backend: Backend) -> None:
        backend.create_project(Project("default", immutable=False, created=timestamps.now()))
        self.key, key = create_key(Grant("default"))
        backend.create_key(key)
        self.failures: list[str] = []
        self._application = create_app(Settings(), backend)
        self.server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def _answer(self, environ: Any, start_response: Any) -> Any:
        if self.failures:
            start_response(self.failures.pop(), [("Retry-After", "0"), ("Content-Length", "0")])
            return [b""]
        return self._application(environ, start_response)

    def take(self, *lines: Any, key: str | None = None) -> tuple[Tally, list[str]]:
        """Import lines and return the counts and the reports."""
        reports: list[str] = []
        tally = Tally(reports.append)
        loader = HttpLoader(Client(self.url, key or self.key, pause=0), drafter(), tally)
        Intake(loader, drafter(), tally, Choices()).run([document(*lines)], lambda: None)
        return tally, reports


@pytest.fixture
def server(sqlite_backend: Backend) -> Iterator[Server]:
    """Run a server over a fresh store."""
    running = Server(sqlite_backend)
    thread = threading.Thread(target=running.server.serve_forever, daemon=True)
    thread.start()
    yield running
    running.server.shutdown()
    thread.join()
    running.server.server_close()


def test_it_stores_what_a_direct_import_stores(server: Server, sqlite_backend: Backend) -> None:
    """Long conversations go in batches; either way of importing finds what the other has done."""
    tally, reports = server.take(conversation("c", 60), EXPORTED)
    again, _ = server.take(conversation("c", 60), EXPORTED)
    direct, _ = bring_in(sqlite_backend, [conversation("c", 60), EXPORTED])
    whole = sqlite_backend.get_dialogue(Scope("default", "anna"), "whole")

    assert (tally.dialogues, tally.messages, reports) == (2, 64, [])
    assert (again.unchanged, direct.unchanged) == (2, 2)
    assert texts(sqlite_backend, "c") == [f"m{place}" for place in range(60)]
    assert whole is not None
    assert (whole.status, whole.created) == (Status.ARCHIVED, EXPORTED["created"])
    check_store(sqlite_backend)


def test_passing_failures_are_retried(server: Server, sqlite_backend: Backend) -> None:
    """429 and 5xx answers delay the import and neither lose nor double anything."""
    server.failures = ["503 Away", "429 Slow", "500 Oops"]
    tally, reports = server.take(conversation("c", 30))

    assert (tally.messages, reports) == (30, [])
    assert len(texts(sqlite_backend, "c")) == 30


def test_refused_conversations_are_bad_lines(server: Server) -> None:
    """A clash is reported; a thread may come before its parent, and outlive it."""
    thread = {"colloquy": 1, "status": "active", "messages": []}
    server.take(conversation("b", 1))
    tally, reports = server.take(
        thread | {"id": "t", "threadOf": "root"},
        thread | {"id": "left", "threadOf": "gone"},
        {"id": "b", "messages": [{"role": "user", "content": "another"}]},
        thread | {"id": "root"},
    )

    assert (tally.dialogues, tally.bad) == (3, 1)
    assert [report.split(":")[0] for report in reports] == ["test, line 3"]
    assert server.take(conversation("b", 40))[0].messages == 39


def test_a_key_or_server_that_will_not_do_stops_the_import(server: Server) -> None:
    """A refused key, a server that keeps failing and one that is not there end it with a reason."""
    with pytest.raises(ServerAway, match="API key"):
        server.take(conversation("c", 1), key="wrong")
    server.failures = ["503 Away"] * 6
    with pytest.raises(ServerAway, match="keeps answering 503"):
        server.take(conversation("c", 1))
    with pytest.raises(ServerAway, match="does not answer"):
        Client("http://127.0.0.1:1", "key", pause=0).send("GET", "/dialogue")
