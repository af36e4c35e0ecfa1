"""Importing over HTTP into a running server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from werkzeug.serving import make_server

from app.domain import timestamps
from app.domain.records import Project, Scope, Status
from app.services.keys import Grant, create_key
from app.settings import Settings
from app.stores import Backend
from app.transfer.drafting import Drafting
from app.transfer.http import Client, ServerAway
from app.transfer.http_loader import HttpLoader
from app.transfer.intake import Choices, Intake
from app.transfer.loader import StoreLoader
from app.transfer.origin import ORIGIN, ORIGIN_MESSAGE
from app.transfer.remote import Remote
from app.transfer.tally import Tally
from app.wiring import connect
from tests.conftest import open_backend
from tests.contract.conftest import application
from tests.integration.importing import bring_in, check_store, document, drafter, export_all, texts
from tests.integration.samples import CHATGPT, CLAUDE
from tests.integration.test_formats import said_in
from tests.integration.test_transfer import EXPORTED, conversation


class Server:
    """A running application that can be told to fail its next requests."""

    def __init__(self, backend: Backend) -> None:
        backend.create_project(Project("default", immutable=False, created=timestamps.now()))
        self.key, key = create_key(Grant("default"))
        backend.create_key(key)
        self.failures: list[str] = []
        self._application = application()
        connect(self._application, Settings(), backend)
        self.server = make_server("127.0.0.1", 0, self._answer, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def _answer(self, environ: Any, start_response: Any) -> Any:
        if self.failures:
            start_response(self.failures.pop(), [("Retry-After", "0"), ("Content-Length", "0")])
            return [b""]
        return self._application(environ, start_response)

    def take(self, *lines: Any, key: str | None = None, update: bool = False) -> tuple[Tally, list[str]]:
        """Import lines and return the counts and the reports."""
        reports: list[str] = []
        tally = Tally(reports.append)
        loader = HttpLoader(Client(self.url, key or self.key, pause=0), drafter(), tally, update=update)
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


def test_a_branch_comes_over_http(server: Server, sqlite_backend: Backend) -> None:
    """A tree comes as the same threads as straight into the store, and no run adds to another."""
    server.take(*CHATGPT.values)
    threads = CHATGPT.threads
    over_http = {name: said_in(sqlite_backend, name, thread=name in threads) for name in CHATGPT.expected}
    again, _ = server.take(*CHATGPT.values)
    direct, reports = bring_in(sqlite_backend, CHATGPT.values)

    assert over_http == CHATGPT.expected
    assert (again.dialogues, again.messages, again.different) == (0, 0, 0)
    assert (direct.dialogues, direct.messages, direct.different, reports) == (0, 0, 0, [])
    check_store(sqlite_backend)


def test_what_changed_is_taken_over_or_counted_over_http(server: Server, sqlite_backend: Backend) -> None:
    """As straight into the store: counted, unless asked for or known to be newer."""
    server.take(conversation("b", 2) | {"title": "Old"})
    changed = conversation("b", 2) | {"title": "New", "tags": ["y"]}
    changed["messages"][0]["content"] = "edited"
    counted, _ = server.take(changed)
    updated, _ = server.take(changed, update=True)
    server.take(EXPORTED | {"status": "active", "endedAt": None, "archivedAt": None})
    newer, _ = server.take(EXPORTED | {"modified": "2999-02-02T00:00:00.000Z", "label": "Later"})
    stored = sqlite_backend.get_dialogue(Scope("default", "anna"), "whole")

    assert (counted.different, counted.updated, counted.bad) == (2, 0, 0)
    assert (updated.different, updated.updated) == (1, 1)
    assert newer.updated == 1
    assert stored is not None
    assert (stored.status, stored.label) == (Status.ARCHIVED, "Later")


def test_conversations_that_begin_alike_stay_apart_over_http(server: Server) -> None:
    """Without ids the beginning names a conversation; another that goes on differently is one of its own."""
    one = {"messages": [{"role": role, "content": role} for role in ("user", "assistant", "user")]}
    other = {"messages": [*one["messages"][:2], {"role": "user", "content": "else"}]}
    tally, reports = server.take(one, other, one)

    assert (tally.dialogues, tally.unchanged, reports) == (2, 1, [])


def test_memories_come_over_http(server: Server, sqlite_backend: Backend) -> None:
    """What is remembered beside conversations is stored once, and counted when it differs."""
    project = CLAUDE.values[1]
    first, _ = server.take(project)
    again, _ = server.take(project, project | {"name": "Ocean"})

    assert (first.memories, again.memories, again.different) == (2, 0, 1)
    assert sqlite_backend.get_memory(Scope("default"), "project-1") is not None


@pytest.fixture
def other_backend(tmp_path: Path) -> Iterator[Backend]:
    """Give a second, empty store."""
    folder = tmp_path / "other"
    folder.mkdir()
    yield from open_backend("sqlite", folder)


def bring_over(server: Server, backend: Backend) -> tuple[Tally, list[str]]:
    """Import all that a server has into a store."""
    bring_in(backend, [])
    reports: list[str] = []
    tally = Tally(reports.append)
    intake = Intake(StoreLoader(backend, "default", Drafting(drafter()), tally), drafter(), tally, Choices())
    Remote(Client(server.url, server.key, pause=0), tally).run(intake, lambda: None)
    return tally, reports


def by_time(lines: list[bytes]) -> list[Any]:
    """Return exported dialogues by id, their messages in the order in which the API lists them.

    How they lie in their store, which no request can say, is left out.
    """
    found = sorted(map(orjson.loads, lines), key=lambda one: str(one["id"]))
    for one in found:
        one["messages"].sort(key=lambda message: message["created"])
        for item, names in [(one, ORIGIN), *((message, ORIGIN_MESSAGE) for message in one["messages"])]:
            for name in names:
                del item[name]
    return found


def test_a_running_service_is_brought_over(
    server: Server, sqlite_backend: Backend, other_backend: Backend
) -> None:
    """All namespaces, statuses, states, threads and memories come as they were; later, what is new."""
    bring_in(sqlite_backend, [EXPORTED, conversation("c", 250), *CHATGPT.values, *CLAUDE.values])
    tally, reports = bring_over(server, other_backend)
    exported = [by_time(export_all(backend)) for backend in (sqlite_backend, other_backend)]
    again, _ = bring_over(server, other_backend)
    bring_in(sqlite_backend, [conversation("c", 260)])
    more, _ = bring_over(server, other_backend)

    assert (tally.dialogues, reports) == (len(exported[0]), [])
    assert exported[0] == exported[1]
    assert (again.dialogues, again.messages, again.updated) == (0, 0, 0)
    assert (more.messages, more.dialogues) == (10, 0)
    assert other_backend.get_memory(Scope("default"), "doc-1") is not None
    check_store(other_backend)


def test_dialogues_that_a_service_answered_are_a_format(sqlite_backend: Backend) -> None:
    """Lines of dialogues with their messages keep status, label, state and times, and what is unknown."""
    dialogue = {
        "id": "d",
        "projectId": "p",
        "status": "ended",
        "label": "L",
        "tags": ["t"],
        "metadata": {"a": 1},
        "state": {"s": 1},
        "totalMessages": 1,
        "threadCount": 0,
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-02T00:00:00.000Z",
        "owner": "anna",
        "messages": [
            {
                "id": "m",
                "dialogueId": "d",
                "role": "user",
                "content": "x",
                "created": "2026-01-01T00:00:00Z",
                "tokens": 3,
            }
        ],
    }
    bring_in(sqlite_backend, [dialogue, dialogue | {"id": "e", "status": "paused"}])
    stored, paused = (sqlite_backend.get_dialogue(Scope("default"), name) for name in "de")

    assert stored is not None
    assert paused is not None
    assert (stored.status, stored.label, stored.state) == (Status.ENDED, "L", '{"s":1}')
    assert (stored.ended_at, stored.modified) == (dialogue["modified"], dialogue["modified"])
    assert (stored.metadata, paused.status) == ('{"owner":"anna","a":1}', Status.ACTIVE)
