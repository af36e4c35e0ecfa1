"""Parts of the worker that no client can bring about at will."""

from __future__ import annotations

import logging
import math
import selectors
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import pytest
from gunicorn.config import Config

from app import waiting
from app.server import eviction
from app.server import worker as worker_module
from app.server.admission import LargeBodies
from app.server.connection import BUFFERED_BYTES, TRANSFER_SECONDS, Connection, Connections, Phase
from app.server.eviction import rank_buffered, rank_idle
from app.server.request_buffer import RequestBuffer
from app.server.worker import Worker
from tests.unit.test_request_buffer import buffered


@dataclass(eq=False)
class Client:
    """Stands in for a connection."""

    buffered_bytes: int = 0
    deadline: float = 1.0
    since: float = 0.0
    network: str = "a"
    owner: str = "a"
    is_idle: bool = False
    is_closing: bool = False
    fresh: bool = False
    arrived: bool = False
    pace: float = 0.0
    phase: Phase = Phase.RECEIVING
    buffer: RequestBuffer = field(default_factory=partial(buffered, b"GET"))
    closed: list[str] = field(default_factory=list)
    counted: int = 0

    def is_fresh(self, _now: float, _grace: float) -> bool:
        """Whether it has just connected."""
        return self.fresh

    def has_arrived(self) -> bool:
        """Whether a request has come."""
        return self.arrived

    def progress(self, _now: float) -> float:
        """How fast it takes its response."""
        return self.pace

    def keeps_pace(self, _now: float) -> bool:
        """Whether that is fast enough."""
        return self.pace >= 1

    def wait(self, phase: Phase | None) -> None:
        """Note what it waits for, or that it is no longer watched."""
        self.closed.append("unwatched" if phase is None else phase.name)

    def close(self) -> None:
        """Note that it is closed."""
        self.closed.append("closed")


def crowd(*clients: Client) -> Connections:
    """Return connections with these clients."""
    connections = Connections(LargeBodies(8))
    for client in clients:
        connections.add(cast("Connection", client))
        if client.deadline < math.inf:
            connections.count(cast("Connection", client), client.buffered_bytes)
    return connections


def gone(*clients: Client) -> list[bool]:
    """Return which of them are closed, and were unwatched before that."""
    return [client.closed == ["unwatched", "closed"] for client in clients]


PIECE = BUFFERED_BYTES // 4


def test_memory_is_freed_by_the_owner_who_holds_most() -> None:
    """Who holds much in many small responses goes before who holds one that is larger than each of them."""
    many = [Client(PIECE, owner="many", pace=pace) for pace in (0.3, 0.1, 0.2)]
    large = Client(PIECE * 2, owner="large")
    connections = crowd(*many, large)
    connections.drop_excess()
    assert gone(*many, large) == [False, True, False, False]
    connections.drop_excess()
    assert len(connections) == 3


def test_who_takes_its_response_keeps_it() -> None:
    """A reader that keeps pace is spared while there is another, however much it holds."""
    reader, stalled = Client(PIECE * 4, owner="reader", pace=1.0), Client(PIECE, owner="stalled", pace=0.9)
    connections = crowd(reader, stalled)
    connections.drop_excess()
    assert gone(reader, stalled) == [False, True]
    connections.count(cast("Connection", reader), reader.buffered_bytes + 1)
    connections.drop_excess()
    assert gone(reader) == [True]


def test_of_each_owner_the_slowest_goes_until_another_holds_more() -> None:
    """Buffers are freed in one pass: two of the larger owner, then of both in turn, readers in time last."""
    first = [Client(5 - pace, owner="first", pace=pace / 10) for pace in range(3)]
    second = [Client(6, owner="second", pace=pace / 10) for pace in range(2)]
    in_time = Client(100, owner="first", pace=1.0)
    crowd(*first, *second, in_time)
    ranked = list(rank_buffered(cast("list[Connection]", [in_time, *second, *first]), now=0.0))
    assert ranked == [*first, *second, in_time]
    held_by_second = [Client(50, owner="second", pace=pace / 10) for pace in range(3)]
    crowd(*held_by_second)
    ranked = list(rank_buffered(cast("list[Connection]", [in_time, *held_by_second, *first]), now=0.0))
    assert ranked[:2] == [held_by_second[0], first[0]]


def test_what_is_buffered_is_counted_and_not_added_up() -> None:
    """Below the limit nothing is looked through; what a thread takes, or is gone, counts no more."""
    clients = [Client(PIECE * 2) for _ in range(3)]
    connections = crowd(*clients)
    connections.take(cast("Connection", clients[0]))
    connections._all = cast("Any", None)
    connections.drop_excess()
    assert connections._buffered == PIECE * 4
    assert clients[0].deadline == math.inf


@pytest.mark.parametrize("phase", [Phase.RECEIVING, Phase.PIPELINED])
def test_a_large_request_waits_as_long_behind_another(phase: Phase) -> None:
    """Its turn may be as far off, whether it came on its own or right behind another request."""
    client = Client(phase=phase)
    crowd(client).queue(cast("Connection", client))
    assert client.closed == ["QUEUED"]
    assert client.deadline == client.since + TRANSFER_SECONDS


def test_what_a_thread_has_is_never_dropped() -> None:
    """Neither memory nor room is taken from a request that is being answered."""
    answered = Client(2 * BUFFERED_BYTES, math.inf)
    connections = crowd(answered)
    connections.drop_excess()
    assert not connections.make_room()
    assert gone(answered) == [False]


def crowd_of_many(*clients: Client) -> Connections:
    """Return these clients among as many others, of an address each, as keep all within their shares."""
    others = [Client(since=9.0, network=str(number)) for number in range(20)]
    return crowd(*clients, *others)


def test_room_is_made_by_those_who_lose_least() -> None:
    """First goes a connection that is over, then who has waited longest between requests, then at all."""
    late, early = Client(since=2.0, network="b"), Client(since=1.0, network="c")
    newly_idle, long_idle = Client(since=8.0, is_idle=True), Client(since=7.0, is_idle=True)
    over = Client(since=9.0, is_closing=True)
    connections = crowd_of_many(late, early, newly_idle, long_idle, over)
    for expected in (over, long_idle, newly_idle, early, late):
        assert connections.make_room()
        assert gone(expected) == [True]


def test_room_is_made_by_the_address_that_holds_more_than_its_share() -> None:
    """Who has a quarter of the connections loses even busy ones before others lose idle ones."""
    greedy = [Client(since=5.0, network="greedy") for _ in range(9)]
    idle = Client(is_idle=True)
    connections = crowd_of_many(*greedy, idle)
    assert connections.make_room()
    assert gone(idle) == [False]
    assert sum(gone(*greedy)) == 1


def test_who_has_just_come_is_not_sent_away() -> None:
    """A client that was just accepted, and one whose request has arrived, stay when room is made."""
    fresh, arrived = Client(is_idle=True, fresh=True), Client(is_idle=True, arrived=True)
    slow = Client(since=9.0)
    connections = crowd(fresh, arrived, slow)
    assert connections.make_room()
    assert gone(fresh, arrived, slow) == [False, False, True]
    assert connections.make_room()
    assert gone(fresh, arrived) == [True, False]
    assert not connections.make_room()


def test_room_is_made_for_many_by_looking_through_all_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was chosen and has asked something since, is served or is gone stays; then all are seen again."""
    looked: list[float] = []

    def rank(waiting: Any, now: float) -> list[Connection]:
        looked.append(now)
        return rank_idle(waiting, now)

    monkeypatch.setattr(eviction, "rank_idle", rank)
    monkeypatch.setattr(eviction, "CHOSEN", 7)
    clients = [Client(since=float(number), network=str(number), is_idle=True) for number in range(8)]
    connections = crowd(*clients)
    assert connections.make_room()
    waits_anew, served, arrived, left = clients[1:5]
    waits_anew.since = 100.0
    connections.take(cast("Connection", served))
    arrived.arrived = True
    connections.drop(cast("Connection", left))
    assert connections.make_room()
    assert connections.make_room()
    assert gone(*clients) == [True, False, False, False, True, True, True, False]
    assert len(looked) == 1
    arrived.arrived = False
    assert connections.make_room()
    assert len(looked) == 2
    assert gone(arrived, clients[7]) == [True, False]
    connections.spared.forget()
    assert connections.make_room()
    assert len(looked) == 3
    assert gone(waits_anew, served, clients[7]) == [False, False, True]


def test_what_was_loaded_is_left_out_of_garbage_collection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the application is there, and before requests make objects that come and go."""
    done: list[str] = []
    worker = Worker(1, 1, [], None, 30, Config(), logging.getLogger("worker"))
    worker.tmp.close()
    monkeypatch.setattr(worker_module, "keep_loaded", lambda: done.append("kept"))
    monkeypatch.setattr(worker.threads, "start", lambda: done.append("serving"))
    worker.alive = False
    worker.poller = selectors.DefaultSelector()
    worker.method_queue.init()
    try:
        worker.run()
    finally:
        worker.method_queue.close()
        worker.poller.close()
    assert done == ["kept", "serving"]


def test_a_thread_that_fails_gives_the_lead_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """When serving fails for a reason nobody foresaw, the others finish and the worker is replaced."""
    worker = Worker(1, 1, [], None, 30, Config(), logging.getLogger("worker"))

    def fail(*_: Any) -> None:
        raise KeyError("nobody foresaw this")

    monkeypatch.setattr(worker, "_poll", fail)
    monkeypatch.setattr(waiting._thread, "stand_in", None)
    worker._run_thread()
    worker.tmp.close()
    assert not waiting.is_leader()
    assert not worker.alive
    assert not worker.leadership.locked()
    assert "it is replaced" in caplog.text


@pytest.mark.parametrize(
    ("phase", "status"), [(Phase.QUEUED, "503 Service Unavailable"), (Phase.RECEIVING, "408 Request Timeout")]
)
def test_who_waits_too_long_is_told_whose_fault_it_is(
    monkeypatch: pytest.MonkeyPatch, phase: Phase, status: str
) -> None:
    """A large request that came in time and found no thread is not one that came too slowly."""
    worker = Worker(1, 1, [], None, 30, Config(), logging.getLogger("worker"))
    worker.tmp.close()
    worker.alive = True
    late = Client(deadline=1.0, phase=phase)
    worker.connections.add(cast("Connection", late))
    told: list[str] = []
    monkeypatch.setattr(worker.connections, "reject", lambda _conn, status, _message: told.append(status))
    worker._expire(now=2.0)
    assert told == [status]


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
