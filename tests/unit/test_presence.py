"""A MongoDB store that is known to be away: one request looks for it, and the others are refused at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pymongo import MongoClient
from pymongo.errors import AutoReconnect, NotPrimaryError, PyMongoError, ServerSelectionTimeoutError

from app.domain.errors import ServiceUnavailable
from app.stores.mongo.database import Document, MongoDatabase
from app.stores.mongo.presence import LOOK_SECONDS, Presence
from tests.ports import free_port

PATIENCE = 20.0


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
    found = Presence(store)
    found.note(ServerSelectionTimeoutError("waited in vain"))
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
    """The usual case costs nothing, and a failure of another kind does not change that."""
    presence = Presence(store)
    presence.note(AutoReconnect("closed"))
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


def test_the_first_to_wait_in_vain_tells_the_others() -> None:
    """A command waits for as long as it may; the next looks for less, and nobody waits for both."""
    client: MongoClient[Document] = MongoClient(
        "127.0.0.1", free_port(), connect=False, serverSelectionTimeoutMS=50
    )
    db = MongoDatabase("mongodb://nobody/test", timeout=2 * LOOK_SECONDS, pool_size=1, client=client)
    with client:
        for _ in range(2):
            with pytest.raises(ServiceUnavailable), db.bounded():
                db.meta.find_one({})
        with pytest.raises(ServiceUnavailable):
            db.presence.require(LOOK_SECONDS)
