"""Rate limits: for an address before its key is looked up, for the key after that, and said in headers."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import re
import secrets
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import fakeredis
import pymongo
import pytest
import redis
from flask import Flask
from limits import parse
from limits.errors import StorageError
from werkzeug.test import TestResponse

from app import connect, create_app, limits
from app.domain import Rights
from app.errors import RateLimitExceeded
from app.limits import (
    MOST_IDENTITIES,
    PAUSE_SECONDS,
    STORE_SECONDS,
    Limit,
    Limits,
    LocalTally,
    SharedStore,
    SharedTally,
    network_of,
    open_limits,
    open_storage,
)
from app.settings import Settings, SettingsError
from app.stores import Backend
from tests.contract.conftest import application, check_envelope, make_key
from tests.contract.spec import specification
from tests.security.tenancy import operations
from tests.server import free_port

REDIS_SECONDS = 10

AT = 1_800_000_042.25
"""A moment 42.25 seconds into a minute."""


@pytest.fixture
def client(sqlite_backend: Backend) -> Callable[..., Any]:
    """Return a way to connect the application with settings and to send a request."""

    def open_client(**settings: Any) -> Callable[..., TestResponse]:
        connect(application(), Settings(**settings), sqlite_backend)
        flask_client = application().test_client()

        def send(key: str, method: str = "GET", path: str = "/dialogue", **options: Any) -> TestResponse:
            headers = {"Authorization": f"Bearer {key}"} | options.pop("headers", {})
            response: TestResponse = flask_client.open(path, method=method, headers=headers, **options)
            return response

        return send

    return open_client


def read_items(value: str) -> dict[str, dict[str, int]]:
    """Return a list of structured fields: names and their parameters."""
    items = {}
    for item in value.split(", "):
        name, *parameters = item.split(";")
        assert re.fullmatch(r'"[a-z]+"', name)
        items[name.strip('"')] = {key: int(number) for key, number in (p.split("=") for p in parameters)}
    return items


def seconds_left(window: int) -> int:
    """Recompute the seconds until the window that we are in ends."""
    return math.ceil(window - time.time() % window)


def test_headers_count_down(client: Callable[..., Any], sqlite_backend: Backend) -> None:
    """Each limited answer says what is in force, what remains and when it is renewed."""
    send = client(rate_limit="3/day", address_rate_limit="50/2 hour")
    key = make_key(sqlite_backend)

    for left in (2, 1, 0):
        response = send(key)
        day, two_hours = seconds_left(86_400), seconds_left(7_200)
        assert response.status_code == 200
        assert read_items(response.headers["RateLimit-Policy"]) == {
            "address": {"q": 50, "w": 7_200},
            "key": {"q": 3, "w": 86_400},
        }
        items = read_items(response.headers["RateLimit"])
        assert items["key"]["r"] == left
        assert items["address"]["r"] == 47 + left
        assert abs(items["key"]["t"] - day) <= 1
        assert abs(items["address"]["t"] - two_hours) <= 1


def test_one_too_many_is_429(client: Callable[..., Any], sqlite_backend: Backend) -> None:
    """A key that has used its quota up is refused until its window ends; others are not."""
    send = client(rate_limit="2/day")
    key, other = make_key(sqlite_backend), make_key(sqlite_backend)
    for _ in range(2):
        assert send(key).status_code == 200

    refused = send(key)
    error = refused.get_json()["error"]

    check_envelope(refused)
    assert (refused.status_code, error["code"]) == (429, "RATE_LIMIT_EXCEEDED")
    assert error["type"] == "rate_limit_exceeded"
    assert abs(int(refused.headers["Retry-After"]) - seconds_left(86_400)) <= 1
    assert read_items(refused.headers["RateLimit"])["key"] == {
        "r": 0,
        "t": int(refused.headers["Retry-After"]),
    }
    assert send(other).status_code == 200


@pytest.mark.parametrize(("second", "words"), [(59.5, "1 second."), (0.0, "60 seconds.")])
def test_the_message_speaks_plainly(second: float, words: str) -> None:
    """The refusal says who asked too often and when to come back, in good English."""
    limit = Limit("key", parse("1/minute"), LocalTally(), lambda: 60_000 + second)
    limit.take("a")
    standing = limit.take("a")

    assert standing is not None
    with pytest.raises(RateLimitExceeded, match=f"by this key. Try again in {words}"):
        standing.require()


def test_an_address_is_counted_before_its_key(client: Callable[..., Any], sqlite_backend: Backend) -> None:
    """An address over its limit is refused whatever key it shows, and no key is looked up for it."""
    send = client(address_rate_limit="2/day")
    key = make_key(sqlite_backend)
    for _ in range(2):
        assert send("colloquy_wrong").status_code == 401

    refused = send(key)

    assert refused.status_code == 429
    assert read_items(refused.headers["RateLimit"]) == {
        "address": {"r": 0, "t": int(refused.headers["Retry-After"])}
    }


def test_refused_keys_show_the_address_alone(client: Callable[..., Any]) -> None:
    """A 401 says how the address stands, and nothing of any key."""
    response = client()("colloquy_wrong")

    assert list(read_items(response.headers["RateLimit"])) == ["address"]


def test_rights_are_checked_before_the_rate(client: Callable[..., Any], sqlite_backend: Backend) -> None:
    """A write by a read-only key stays 403 when the key is over its limit too, and is not counted."""
    send = client(rate_limit="1/day")
    key = make_key(sqlite_backend, rights=Rights.READ)

    assert send(key, "POST").status_code == 403
    assert send(key).status_code == 200
    assert send(key, "POST").status_code == 403
    assert send(key).status_code == 429


def test_the_rate_is_checked_before_the_body(client: Callable[..., Any], sqlite_backend: Backend) -> None:
    """The body of a request over the limit is not looked at."""
    send = client(rate_limit="1/day")
    key = make_key(sqlite_backend)
    send(key)

    for body in (b"{" * 100, b"x" * (9 * 1024 * 1024)):
        assert send(key, "POST", data=body).status_code == 429


@pytest.mark.parametrize("path", ["/health", "/ready", "/docs", "/openapi.yaml", "/openapi.json", "/nowhere"])
def test_what_needs_no_key_is_not_limited(client: Callable[..., Any], path: str) -> None:
    """Health, documentation, unknown routes, preflights: none is counted or refused."""
    send = client(address_rate_limit="1/day", rate_limit="1/day")
    for _ in range(3):
        assert send("k", path=path).status_code != 429
        assert send("k", "OPTIONS").status_code == 200
    assert "RateLimit" not in send("k", path=path).headers


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.id)
def test_every_secured_operation_is_limited(client: Callable[..., Any], operation: Any) -> None:
    """No operation that needs a key escapes the limit of the address."""
    send = client(address_rate_limit="1/day")
    path = re.sub(r"\{\w+\}", "x", operation.path)

    assert [send("k", operation.method, path).status_code for _ in range(2)] == [401, 429]


def test_an_empty_id_is_limited_too(client: Callable[..., Any], sqlite_backend: Backend) -> None:
    """The 400 for an empty id costs a key look-up, so it counts like any request."""
    send = client(rate_limit="1/day")
    key = make_key(sqlite_backend)

    assert [send(key, "POST", "/dialogue//end").status_code for _ in range(2)] == [400, 429]


def test_zero_switches_limits_off(client: Callable[..., Any], sqlite_backend: Backend) -> None:
    """Without limits nothing is refused and no header speaks of any."""
    send = client(rate_limit="0", address_rate_limit="0")
    key = make_key(sqlite_backend)

    response = send(key)

    assert response.status_code == 200
    assert "RateLimit" not in response.headers
    assert "RateLimit-Policy" not in response.headers


def test_windows_begin_at_multiples_of_their_length() -> None:
    """A new window gives the whole quota again, at a moment that every worker computes alike."""
    moments = iter([AT, AT + 17.5, AT + 17.75, AT + 18])
    limit = Limit("key", parse("2/minute"), LocalTally(), lambda: next(moments))

    standings = [limit.take("a") for _ in range(4)]

    assert [str(one) for one in standings] == [
        '"key";r=1;t=18',
        '"key";r=0;t=1',
        '"key";r=1;t=60',
        '"key";r=0;t=60',
    ]


def test_a_worker_counts_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of addresses makes a worker forget and start over, never grow."""
    monkeypatch.setattr(limits, "MOST_IDENTITIES", 100)
    tally = LocalTally()

    for number in range(1000):
        tally.add(f"address {number}", 1)

    assert len(tally._counts) <= 100
    assert MOST_IDENTITIES > 1000


def test_counting_is_exact_between_threads() -> None:
    """Requests that arrive at once are each counted."""
    tally = LocalTally()
    threads = [threading.Thread(target=lambda: [tally.add("a", 1) for _ in range(500)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert tally.add("a", 1) == 8 * 500 + 1


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        (None, "unknown"),
        ("", "unknown"),
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.7:51234", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("[2001:db8:1:2:ffff::1]:51234", "2001:db8:1:2::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("not:an:address" + "x" * 100, "not:an:address" + "x" * 50),
    ],
)
def test_addresses_are_counted_by_subscriber(address: str | None, counted: str) -> None:
    """IPv6 counts by /64, ports do not matter, and nonsense from a proxy stays short."""
    assert network_of(address) == counted


# --- Who the address is: trusted proxies. ---


def proxied(backend: Backend, proxies: int) -> Flask:
    """Return an application behind a number of proxies that takes one request a day from each address."""
    return create_app(Settings(trusted_proxies=proxies, address_rate_limit="1/day"), backend)


def test_forwarded_addresses_are_not_believed_by_default(sqlite_backend: Backend) -> None:
    """Nobody escapes the limit by writing an address into a header."""
    client = proxied(sqlite_backend, 0).test_client()
    spoofs = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Forwarded-Host")

    statuses = [
        client.get("/stats", headers=dict.fromkeys(spoofs, f"192.0.2.{number}")).status_code
        for number in range(3)
    ]

    assert statuses == [401, 429, 429]


def test_one_trusted_proxy_says_who_asks(sqlite_backend: Backend) -> None:
    """Behind one proxy its entry, the last, counts; what the client wrote before it does not."""
    client = proxied(sqlite_backend, 1).test_client()

    def ask(forwarded: str) -> int:
        return client.get("/stats", headers={"X-Forwarded-For": forwarded}).status_code

    assert ask("192.0.2.1") == 401
    assert ask("192.0.2.2") == 401
    assert ask("198.51.100.1, 192.0.2.1") == 429
    assert ask("198.51.100.2, 192.0.2.2") == 429


# --- Counting together. ---


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
    limit = Limit("key", parse("1/minute"), SharedTally(store, "key", 60), lambda: AT)

    with caplog.at_level(logging.WARNING):
        assert [limit.take("a") for _ in range(50)] == [None] * 50

    assert storage.asked == 1
    assert len(caplog.messages) == 1
    assert "ConnectionError" in caplog.text
    assert "secret" not in caplog.text
    clock[0] += PAUSE_SECONDS + 0.1
    storage.works = True
    assert str(limit.take("a")) == '"key";r=0;t=18'


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
        Limit("key", limit, SharedTally(SharedStore(open_storage(url)), "key", 60), lambda: AT)
        for _ in range(2)
    ]
    return [str(workers[number % 2].take("a")) for number in range(4)]


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
    standing = opened.key.take("a")
    assert standing is not None
    assert standing.remaining == 4
    assert Limits().policy == ""


@pytest.mark.parametrize("text", ["lots", "5", "-1/minute", "0/minute", "5/minute;1/second", "5/fortnight"])
def test_bad_rates_are_refused(text: str) -> None:
    """A rate that is none is refused at start-up, with an example of a good one."""
    with pytest.raises(SettingsError, match=r"COLLOQUY_RATE_LIMIT must be .* 6000/minute"):
        Settings.from_environment({"COLLOQUY_RATE_LIMIT": text})


@pytest.mark.parametrize("text", ["6000/minute", "50/10 seconds", "100 per hour", "0"])
def test_good_rates_are_taken(text: str) -> None:
    """The forms that the documentation shows are understood."""
    assert Settings.from_environment({"COLLOQUY_ADDRESS_RATE_LIMIT": text}).address_rate_limit == text


def test_stores_of_other_kinds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only Redis and MongoDB can be counted in, and Redis only when its package is installed."""
    name = "COLLOQUY_RATE_LIMIT_STORE"
    assert Settings.from_environment({name: "redis://host/0"}).rate_limit_store == "redis://host/0"
    with pytest.raises(SettingsError, match="redis://HOST/DATABASE or mongodb://"):
        Settings.from_environment({name: "memcached://host"})
    monkeypatch.setattr("app.settings.find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=re.escape("colloquy[redis]")):
        Settings.from_environment({name: "redis://host/0"})


def test_the_headers_are_as_described(client: Callable[..., Any], sqlite_backend: Backend) -> None:
    """RateLimit and RateLimit-Policy have the form that ``openapi.yaml`` gives them."""
    described = specification()["components"]["headers"]
    for settings in ({}, {"rate_limit": "0"}, {"address_rate_limit": "0"}):
        headers = client(**settings)(make_key(sqlite_backend)).headers
        for name, key in (("RateLimit", "RateLimit"), ("RateLimit-Policy", "RateLimitPolicy")):
            assert re.fullmatch(described[key]["schema"]["pattern"], headers[name])
            assert re.fullmatch(described[key]["schema"]["pattern"], described[key]["example"])
