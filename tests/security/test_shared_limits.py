"""Rate limits that workers count together, in Redis or MongoDB, and what happens while that is away."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import fakeredis
import pymongo
import pytest
import redis
from limits import parse
from limits.errors import StorageError

from app.settings import Settings
from app.stores import Backend
from app.web.rate_limits import (
    PAUSE_SECONDS,
    STORE_SECONDS,
    Limit,
    Limits,
    SharedCounter,
    SharedStore,
    open_limits,
    open_storage,
)
from tests.contract.conftest import make_key
from tests.ports import free_port
from tests.security.test_limits import count

REDIS_SECONDS = 10

AT = 1_800_000_042.25
"""A moment 42.25 seconds into a minute."""


class Failing:
    """A storage that fails until it is told to work."""

    def __init__(self) -> None:
        self.asked = 0
        self.works = False

    def incr(self, _key: str, _seconds: int) -> int:
        """Count, or fail as the library does."""
        self.asked += 1
        if not self.works:
            raise StorageError(ConnectionError("redis://user:secret@host refused"))
        return self.asked


def test_a_failing_shared_store_lets_requests_pass(caplog: pytest.LogCaptureFixture) -> None:
    """While the store is away requests pass uncounted, one line is logged, and it is asked again later."""
    clock = [1000.0]
    storage = Failing()
    store = SharedStore(storage, lambda: clock[0])
    limit = Limit("key", parse("1/minute"), SharedCounter(store, "key", 60), lambda: AT)

    with caplog.at_level(logging.WARNING):
        assert [count(limit) for _ in range(50)] == [None] * 50

    assert storage.asked == 1
    assert len(caplog.messages) == 1
    assert "ConnectionError" in caplog.text
    assert "secret" not in caplog.text
    clock[0] += PAUSE_SECONDS + 0.1
    storage.works = True
    assert str(count(limit)) == '"key";r=0;t=18'


def test_threads_that_fail_together_log_once(caplog: pytest.LogCaptureFixture) -> None:
    """A second thread that finds the store away in the same moment logs nothing more."""
    store = SharedStore(Failing(), lambda: 1000.0)

    store._pause(StorageError(ConnectionError()))
    store._pause(StorageError(ConnectionError()))

    assert len(caplog.messages) == 1


def test_requests_pass_without_the_shared_store(client: Callable[..., Any], sqlite_backend: Backend) -> None:
    """With a shared store that is not there, requests are answered, in bounded time, without headers."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        for url in (f"redis://127.0.0.1:{port}/0", f"mongodb://127.0.0.1:{port}/limits"):
            send = client(rate_limit="1/day", rate_limit_store=url)
            key = make_key(sqlite_backend)
            begun = time.monotonic()
            responses = [send(key) for _ in range(5)]
            assert time.monotonic() - begun < 4 * STORE_SECONDS + 1
            assert [response.status_code for response in responses] == [200] * 5
            assert "RateLimit" not in responses[-1].headers


@contextmanager
def serving_redis(port: int) -> Iterator[str]:
    """Run a Redis server without a disk and give its address."""
    options = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
    with subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL) as process:
        until = time.monotonic() + REDIS_SECONDS
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.02)
        yield f"redis://127.0.0.1:{port}/0"
        process.terminate()


needs_redis = pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")


@pytest.fixture(params=["imitation", pytest.param("server", marks=needs_redis)])
def redis_url(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Give the address of a Redis: an imitation behind every connection, and a server where there is one."""
    if request.param == "server":
        with serving_redis(free_port()) as url:
            yield url
        return
    server = fakeredis.FakeServer()
    monkeypatch.setattr("redis.from_url", lambda _url, **_: fakeredis.FakeRedis(server=server))
    yield "redis://localhost/0"


@pytest.fixture
def mongodb_url() -> Iterator[str]:
    """Return the address of a database of its own on the server that MONGODB_URI names."""
    server = os.environ.get("MONGODB_URI")
    if not server:
        pytest.skip("MONGODB_URI names no MongoDB server")
    name = "test_" + secrets.token_hex(6)
    url = urlunsplit(urlsplit(server)._replace(path="/" + name))
    yield url
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        client.drop_database(name)


def count_together(url: str) -> list[str]:
    """Count for one key in two workers in turn and return how it stands each time."""
    limit = parse("3/minute")
    workers = [
        Limit("key", limit, SharedCounter(SharedStore(open_storage(url)), "key", 60), lambda: AT)
        for _ in range(2)
    ]
    return [str(count(workers[number % 2])) for number in range(4)]


ALTERNATELY = ['"key";r=2;t=18', '"key";r=1;t=18', '"key";r=0;t=18', '"key";r=0;t=18']


def test_workers_count_together_in_redis(redis_url: str) -> None:
    """Two workers that share Redis share each quota."""
    assert count_together(redis_url) == ALTERNATELY


@needs_redis
def test_counts_in_redis_expire() -> None:
    """What is counted is forgotten by Redis itself when its window is over."""
    with serving_redis(free_port()) as url:
        count_together(url)
        client = redis.from_url(url)
        keys = client.keys("*")
        assert len(keys) == 1
        assert 0 < client.ttl(keys[0]) <= 60
        client.close()


@needs_redis
def test_a_redis_that_goes_away_and_comes_back(
    client: Callable[..., Any], sqlite_backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    """While Redis is away requests pass uncounted and one line says so; afterwards they are counted again."""
    port, key = free_port(), make_key(sqlite_backend)
    with serving_redis(port) as url:
        send = client(rate_limit="1/day", address_rate_limit="0", rate_limit_store=url)
        assert [send(key).status_code for _ in range(2)] == [200, 429]
    with caplog.at_level(logging.WARNING):
        assert [send(key).status_code for _ in range(5)] == [200] * 5
    assert [message for message in caplog.messages if "requests pass uncounted" in message] != []
    assert len(caplog.messages) == 1
    with serving_redis(port):
        time.sleep(PAUSE_SECONDS + 0.1)
        assert [send(key).status_code for _ in range(2)] == [200, 429]


@pytest.mark.mongodb
def test_workers_count_together_in_mongodb(mongodb_url: str) -> None:
    """Two workers that share a MongoDB database share each quota."""
    assert count_together(mongodb_url) == ALTERNATELY


def test_the_settings_choose_where_to_count(redis_url: str) -> None:
    """Named limits are counted in the named store, others not at all."""
    opened = open_limits(Settings(rate_limit="5/minute", address_rate_limit="0", rate_limit_store=redis_url))

    assert opened.address is None
    assert opened.key is not None
    state = count(opened.key)
    assert state is not None
    assert state.remaining == 4
    assert Limits().policy == ""
