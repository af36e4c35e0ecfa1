"""A MongoDB store that is known to be away: one request looks for it, and the others are refused at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from pymongo import MongoClient
from pymongo.errors import AutoReconnect, NotPrimaryError, PyMongoError, ServerSelectionTimeoutError

from app.domain.errors import ServiceUnavailable
from app.stores.mongo.commit import transact
from app.stores.mongo.database import Document, MongoDatabase
from app.stores.mongo.presence import LOOK_SECONDS, Presence
from app.stores.mongo.striped_locks import StripedLocks
from app.waiting import at_most
from tests.ports import free_port

PATIENCE = 20.0

ENOUGH = 5.0
"""After how many seconds without a primary the store is taken for away here."""


class Store:
    """Answers or fails when it is asked, at once or when it is let."""

    def __init__(self) -> None:
        self.asked = 0
        self.failure: PyMongoError | None = ServerSelectionTimeoutError("nobody there")
        self.reached = threading.Event()
        self.let = threading.Event()
        self.let.set()

    def __call__(self) -> None:
        """Be asked."""
        self.asked += 1
        self.reached.set()
        assert self.let.wait(PATIENCE)
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def store() -> Store:
    """Give a store that is away."""
    return Store()


@pytest.fixture
def presence(store: Store) -> Presence:
    """Give what knows that it is away."""
    found = Presence(store, ENOUGH)
    found.note(ServerSelectionTimeoutError("waited in vain"), ENOUGH)
    return found


@contextmanager
def looking(presence: Presence, store: Store) -> Iterator[None]:
    """Have another thread look for the store, which says nothing before the end."""
    refused: list[Exception] = []

    def look() -> None:
        try:
            presence.require(1)
        except ServiceUnavailable as error:
            refused.append(error)

    store.let.clear()
    thread = threading.Thread(target=look)
    thread.start()
    assert store.reached.wait(PATIENCE)
    yield
    store.let.set()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert len(refused) == (store.failure is not None)


def test_a_store_that_answers_is_not_asked(store: Store) -> None:
    """The usual case costs nothing; a failure of another kind, or after little time, does not change that."""
    presence = Presence(store, ENOUGH)
    presence.note(AutoReconnect("closed"), ENOUGH)
    presence.note(ServerSelectionTimeoutError("had half a second"), 0.5)
    assert presence.require(1) == 0
    assert store.asked == 0


def test_a_store_that_is_away_is_asked_by_each_request_alone(presence: Presence, store: Store) -> None:
    """Whoever comes when nobody looks, looks."""
    for times in (1, 2):
        with pytest.raises(ServiceUnavailable):
            presence.require(1)
        assert store.asked == times


def test_while_one_looks_the_others_are_refused(presence: Presence, store: Store) -> None:
    """They do not ask the store."""
    with looking(presence, store):
        for _ in range(3):
            with pytest.raises(ServiceUnavailable):
                presence.require(1)
    assert store.asked == 1


def test_a_store_that_is_back_is_asked_once(presence: Presence, store: Store) -> None:
    """Who looked goes on, and so do those who come later."""
    store.failure = None
    assert 0 < presence.require(1) < PATIENCE
    assert presence.require(1) == 0
    assert store.asked == 1


def test_a_store_that_refuses_is_there(presence: Presence, store: Store) -> None:
    """The request's own commands find out what is wrong with it."""
    store.failure = NotPrimaryError("stepping down")
    presence.require(1)
    assert presence.require(1) == 0


def test_who_waits_for_the_one_that_looks_goes_on_with_it(
    presence: Presence, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was found counts for both."""
    monkeypatch.setattr("app.stores.mongo.presence.WAIT_SECONDS", PATIENCE)
    store.failure = None
    waited: list[float] = []
    thread = threading.Thread(target=lambda: waited.append(presence.require(PATIENCE)))
    with looking(presence, store):
        thread.start()
    thread.join(PATIENCE)
    assert waited
    assert store.asked == 1


@pytest.fixture
def nobody() -> Iterator[MongoDatabase]:
    """Give a database where nobody answers."""
    with MongoClient[Document]("127.0.0.1", free_port(), connect=False) as client:
        yield MongoDatabase("mongodb://nobody/test", timeout=2 * LOOK_SECONDS, pool_size=1, client=client)


def read(db: MongoDatabase) -> None:
    """Read outside a transaction."""
    with db.bounded():
        db.meta.find_one({})


def write(db: MongoDatabase) -> None:
    """Read in a transaction."""
    transact(db, StripedLocks(), lambda session, _locks: db.meta.find_one({}, session=session))


CALLS = pytest.mark.parametrize("call", [read, write])


@CALLS
def test_the_first_to_wait_in_vain_tells_the_others(
    nobody: MongoDatabase, call: Callable[[MongoDatabase], None]
) -> None:
    """A command waits for as long as it may; who comes next looks."""
    with pytest.raises(ServiceUnavailable):
        call(nobody)
    with pytest.raises(ServiceUnavailable):
        nobody.presence.require(0.1)


@CALLS
def test_who_has_little_time_tells_nothing(
    nobody: MongoDatabase, call: Callable[[MongoDatabase], None]
) -> None:
    """The last use of a key is noted within a moment or not at all; requests go on waiting for a primary."""
    with at_most(0.1), pytest.raises(ServiceUnavailable):
        call(nobody)
    assert nobody.presence.require(0.1) == 0
