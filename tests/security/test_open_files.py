"""Connections that a stranger holds leave enough files open for the store, however few there may be."""

from __future__ import annotations

import contextlib
import resource
from pathlib import Path

import pytest

from app.cli.serve import server_command
from app.server.tuning import FILES_OF_A_THREAD, OTHER_FILES, fit_connections
from tests.security import server as servers
from tests.security.corpus import get

THREADS = 8
RESERVED = OTHER_FILES + FILES_OF_A_THREAD * THREADS
INFINITE = resource.RLIM_INFINITY


def test_idle_connections_take_no_files_from_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """150 clients that stay, of 96 open files: another's requests are all answered."""
    limited = ["sh", "-c", 'ulimit -n 96 && exec "$@"', "sh", *server_command()]
    monkeypatch.setattr(servers, "server_command", lambda: limited)
    with (
        servers.serving(f"sqlite:///{tmp_path}/store.db", tmp_path, workers="1") as server,
        contextlib.ExitStack() as held,
    ):
        for _ in range(150):
            client = held.enter_context(server.connect(20))
            client.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 200")
        assert {_status(server) for _ in range(40)} == {b"HTTP/1.1 200"}


def _status(server: servers.Server) -> bytes:
    with server.connect(20) as client:
        client.sendall(get("/dialogue").replace(b"@KEY@", server.key.encode()))
        return client.recv(12)


@pytest.mark.parametrize(
    ("soft", "hard", "most", "raised"),
    [
        (INFINITE, INFINITE, 1000, None),
        (5000, 5000, 1000, None),
        (1024, 524_288, 1000, 1000 + RESERVED),
        (1024, INFINITE, 1000, 1000 + RESERVED),
        (256, 1024, 1024 - RESERVED, 1024),
        (64, 64, THREADS, 64),
    ],
)
def test_so_many_connections_fit(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, most: int, raised: int | None
) -> None:
    """The limit is raised as far as it may be, and connections leave the files that threads need."""
    changes: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: changes.append(limits))
    assert fit_connections(1000, THREADS) == most
    assert changes == ([] if raised is None else [(raised, hard)])
