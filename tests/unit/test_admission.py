"""Whose turn it is among requests with large bodies: no owner, and no key, keeps the others waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from app.server.admission import LargeBodies, Turns
from app.server.connection import Connections
from tests.unit.test_request_buffer import buffered
from tests.unit.test_worker import Client

if TYPE_CHECKING:
    from app.server.connection import Connection


def asking(owner: str, key: str = "", *, body: int = 0) -> Connection:
    """Return the connection of a request that names a key."""
    head = f"POST / HTTP/1.1\r\nAuthorization: {key}\r\nContent-Length: {body}\r\n\r\n".encode()
    return cast("Connection", Client(owner=owner, buffer=buffered(head + bytes(body))))


def in_turn(turns: Turns) -> list[Connection]:
    """Return who waits, in the order of their turns."""
    found = []
    while conn := turns.first():
        found.append(conn)
        turns.remove(conn)
    return found


def test_owners_take_turns_and_their_keys_within() -> None:
    """Who sends ten at once, or names ten keys, has one turn between two of another owner."""
    turns = Turns()
    greedy = [asking("greedy", f"key {number}") for number in range(3)]
    same = [asking("greedy", "key 0") for _ in range(2)]
    others = [asking("other", "a"), asking("other", "a"), asking("third")]
    for conn in (*greedy, *same, *others):
        turns.add(conn)
    assert in_turn(turns) == [
        *(greedy[0], others[0], others[2]),
        *(greedy[1], others[1], greedy[2]),
        *same,
    ]
    assert not turns._owners
    assert not turns._places


def test_who_waits_keeps_its_place() -> None:
    """Looking at a request again gives it no other place, and who has gone has none."""
    turns = Turns()
    first, second, third = asking("a"), asking("a"), asking("a")
    for conn in (first, second, third, first):
        turns.add(conn)
    turns.remove(second)
    turns.remove(second)
    assert in_turn(turns) == [first, third]


def test_nobody_passes_those_who_wait() -> None:
    """A place that is free belongs to who waits for it, also when another asks first."""
    bodies = LargeBodies(1)
    held, waiting, newcomer = (asking(name) for name in ("held", "waiting", "newcomer"))
    assert bodies.admit(held, whole=True)
    assert not bodies.admit(waiting, whole=True)
    bodies.dismiss(held)
    assert not bodies.admit(newcomer, whole=True)
    assert bodies.admit_next() is waiting
    assert bodies.admit(waiting, whole=True)
    assert bodies.admit_next() is None


def test_bodies_that_are_there_go_before_those_to_come() -> None:
    """A thread waits for the rest of a body while no whole one waits for a thread."""
    bodies = LargeBodies(3)
    coming, next_one, whole = asking("a"), asking("a"), asking("b")
    assert bodies.admit(coming, whole=False)
    assert not bodies.admit(next_one, whole=False)
    bodies.dismiss(coming)
    assert not bodies.admit(whole, whole=False)
    assert bodies.admit(whole, whole=True)
    assert bodies.admit_next() is next_one
    assert bodies.admit_next() is None


def queued(connections: Connections, *conns: Connection) -> None:
    """Have whole requests wait for a thread."""
    for conn in conns:
        connections.add(conn)
        assert not connections._large.admit(conn, whole=True)
        connections.queue(conn)


def test_who_is_gone_leaves_its_place_to_the_next() -> None:
    """One that is dropped between its turn and its thread, or while it waits, blocks nobody."""
    bodies = LargeBodies(1)
    connections = Connections(bodies)
    handled, first, second, third = (asking(name) for name in "hfst")
    assert bodies.admit(handled, whole=True)
    queued(connections, first, second, third)
    bodies.dismiss(handled)
    connections.resume_large()
    assert cast("Client", first).closed == ["QUEUED", "PIPELINED"]
    connections.drop(second)
    assert cast("Client", third).closed == ["QUEUED"]
    connections.drop(first)
    assert cast("Client", third).closed == ["QUEUED", "PIPELINED"]


def test_one_place_wakes_one_request() -> None:
    """However many wait, a thread that is done with a large body costs no more than the next one's turn."""
    bodies = LargeBodies(1)
    connections = Connections(bodies)
    handled = asking("a")
    assert bodies.admit(handled, whole=True)
    waiting = [asking("a") for _ in range(50)]
    queued(connections, *waiting)
    bodies.dismiss(handled)
    connections.resume_large()
    assert [cast("Client", one).closed[1:] for one in waiting] == [["PIPELINED"], *[[]] * 49]
