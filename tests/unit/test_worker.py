"""Parts of the worker that no client can bring about at will."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from gunicorn.config import Config

from app import waiting
from app.server.connection import BUFFERED_BYTES, Connection, Connections, Phase
from app.server.worker import Worker


@dataclass(eq=False)
class Client:
    """Stands in for a connection."""

    buffered_bytes: int = 0
    deadline: float = 1.0
    phase: Phase = Phase.RECEIVING
    is_idle: bool = False
    closed: list[str] = field(default_factory=list)

    def wait(self, phase: Phase | None) -> None:
        """Note that it is no longer watched."""
        assert phase is None
        self.closed.append("unwatched")

    def close(self) -> None:
        """Note that it is closed."""
        self.closed.append("closed")


def crowd(*clients: Client) -> Connections:
    """Return connections with these clients."""
    connections = Connections()
    for client in clients:
        connections.add(cast("Connection", client))
    return connections


def gone(*clients: Client) -> list[bool]:
    """Return which of them are closed, and were unwatched before that."""
    return [client.closed == ["unwatched", "closed"] for client in clients]


def test_the_largest_go_when_too_much_is_held() -> None:
    """Small requests that are arriving stay when answers that nobody takes fill the memory."""
    small, large, larger = (
        Client(9, 1.0),
        Client(BUFFERED_BYTES // 2, 60.0),
        Client(BUFFERED_BYTES // 2 + 1, 61.0),
    )
    connections = crowd(small, large, larger)
    connections.drop_excess()
    assert gone(small, large, larger) == [False, False, True]
    connections.drop_excess()
    assert len(connections) == 2


def test_what_a_thread_has_is_never_dropped() -> None:
    """Neither memory nor room is taken from a request that is being answered."""
    answered = Client(2 * BUFFERED_BYTES, math.inf)
    connections = crowd(answered)
    connections.drop_excess()
    assert not connections.make_room()
    assert gone(answered) == [False]


def test_room_is_made_by_those_who_lose_least() -> None:
    """First goes a connection that is over, then an idle one, then the one whose time runs out first."""
    late, early = Client(deadline=20.0), Client(deadline=10.0)
    idle, over = Client(deadline=65.0, is_idle=True), Client(deadline=66.0, phase=Phase.CLOSING)
    connections = crowd(late, early, idle, over)
    for expected in (over, idle, early, late):
        assert connections.make_room()
        assert gone(expected) == [True]
    assert len(connections) == 0


def test_a_thread_that_fails_gives_the_lead_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """When serving fails for a reason nobody foresaw, the others finish and the worker is replaced."""
    worker = Worker(1, 1, [], None, 30, Config(), logging.getLogger("worker"))

    def fail(*_: Any) -> None:
        raise KeyError("nobody foresaw this")

    monkeypatch.setattr(worker, "_poll", fail)
    worker._run_thread()
    worker.tmp.close()
    assert not waiting.is_leader()
    assert not worker.alive
    assert not worker.leadership.locked()
    assert "it is replaced" in caplog.text


def test_a_worker_ends_after_as_many_requests_as_it_may_answer(caplog: pytest.LogCaptureFixture) -> None:
    """Gunicorn's max_requests holds here too: the last one's connection is closed."""
    caplog.set_level(logging.INFO)
    settings = Config()
    settings.set("max_requests", 2)
    worker = Worker(1, 1, [], None, 30, settings, logging.getLogger("worker"))
    kept = []
    for _ in range(2):
        worker._count_request()
        kept.append(worker.alive)
    worker.tmp.close()
    assert kept == [True, False]
    assert "Autorestarting" in caplog.text
