"""Rate limits: for an address before its key is looked up, for the key after that, and said in headers."""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from flask import Flask
from limits import parse

from app.domain.addresses import network_of
from app.domain.errors import RateLimitExceeded
from app.domain.records import Rights
from app.settings import Settings, SettingsError
from app.stores import Backend
from app.web import rate_limits
from app.web.rate_limits import (
    MOST_IDENTITIES,
    Limit,
    LocalCounter,
    RateLimitState,
)
from app.wiring import create_app
from tests.contract.conftest import check_envelope, make_key
from tests.contract.spec import specification
from tests.security.tenancy import operations

AT = 1_800_000_042.25
"""A moment 42.25 seconds into a minute."""


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


def count(limit: Limit) -> RateLimitState | None:
    """Count a request and return what remains, below 0 for one too many; None when it was not counted."""
    states: list[RateLimitState] = []
    with suppress(RateLimitExceeded):
        limit.count("a", states)
    return states[0] if states else None


@pytest.mark.parametrize(("second", "words"), [(59.5, "1 second."), (0.0, "60 seconds.")])
def test_the_message_speaks_plainly(second: float, words: str) -> None:
    """The refusal says who asked too often and when to come back, in good English."""
    limit = Limit("key", parse("1/minute"), LocalCounter(), lambda: 60_000 + second)
    limit.count("a", [])

    with pytest.raises(RateLimitExceeded, match=f"by this key. Try again in {words}"):
        limit.count("a", [])


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
    limit = Limit("key", parse("2/minute"), LocalCounter(), lambda: next(moments))

    states = [count(limit) for _ in range(4)]

    assert [str(one) for one in states] == [
        '"key";r=1;t=18',
        '"key";r=0;t=1',
        '"key";r=1;t=60',
        '"key";r=0;t=60',
    ]


def test_a_worker_counts_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of addresses makes a worker forget and start over, never grow."""
    monkeypatch.setattr(rate_limits, "MOST_IDENTITIES", 100)
    counter = LocalCounter()

    for number in range(1000):
        counter.add(f"address {number}", 1)

    assert len(counter._counts) <= 100
    assert MOST_IDENTITIES > 1000


def test_counting_is_exact_between_threads() -> None:
    """Requests that arrive at once are each counted."""
    counter = LocalCounter()
    threads = [threading.Thread(target=lambda: [counter.add("a", 1) for _ in range(500)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert counter.add("a", 1) == 8 * 500 + 1


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
    monkeypatch.setattr("app.settings.values.find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=re.escape("pip install -e '.[redis]'")):
        Settings.from_environment({name: "redis://host/0"})


def test_the_headers_are_as_described(client: Callable[..., Any], sqlite_backend: Backend) -> None:
    """RateLimit and RateLimit-Policy have the form that ``openapi.yaml`` gives them."""
    described = specification()["components"]["headers"]
    for settings in ({}, {"rate_limit": "0"}, {"address_rate_limit": "0"}):
        headers = client(**settings)(make_key(sqlite_backend)).headers
        for name, key in (("RateLimit", "RateLimit"), ("RateLimit-Policy", "RateLimitPolicy")):
            assert re.fullmatch(described[key]["schema"]["pattern"], headers[name])
            assert re.fullmatch(described[key]["schema"]["pattern"], described[key]["example"])
