"""Heavy requests: few of a key run at once, some wait, the rest are told to come back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from app import waiting
from app.domain.errors import RateLimitExceeded
from app.domain.limits import MEBIBYTE
from app.stores import Backend
from app.web.heavy_requests import HeavyRequests
from app.web.parts import parts_of
from tests.contract.conftest import application, check_envelope, make_key


def is_empty(heavy: HeavyRequests) -> bool:
    """Whether none runs or waits, and nothing is left of those that did."""
    return not heavy._waiting and not heavy._running


def test_one_of_a_key_runs_and_some_wait() -> None:
    """With eight threads one of a key runs, three wait, and the fifth is refused; a turn passes on."""
    heavy = HeavyRequests(threads=8)
    entered = threading.Semaphore(0)

    def enter() -> None:
        heavy.enter("a")
        entered.release()

    enter()
    with ThreadPoolExecutor(3) as pool:
        waiting_ones = [pool.submit(enter) for _ in range(3)]
        while heavy.present("a") < 4:
            threading.Event().wait(0.01)
        with pytest.raises(RateLimitExceeded) as refused:
            heavy.enter("a")
        assert refused.value.headers == {"Retry-After": "1"}
        assert not any(one.done() for one in waiting_ones)
        for _ in waiting_ones:
            assert entered.acquire(timeout=5)
            assert heavy._running["a"] == 1
            heavy.leave("a")
    heavy.leave("a")
    assert is_empty(heavy)


def test_threads_remain_for_light_requests() -> None:
    """However many keys there are, two of eight threads run heavy requests; the next key has its turn."""
    heavy = HeavyRequests(threads=8)
    heavy.enter("a")
    heavy.enter("b")
    with pytest.raises(RateLimitExceeded):
        heavy.enter("c", waits=False)
    with ThreadPoolExecutor(2) as pool:
        another = pool.submit(heavy.enter, "a")
        while heavy.present("a") < 2:
            threading.Event().wait(0.01)
        third = pool.submit(heavy.enter, "c")
        while not heavy.present("c"):
            threading.Event().wait(0.01)
        heavy.leave("b")
        third.result(timeout=5)
        assert not another.done()
        heavy.leave("a")
        another.result(timeout=5)
    heavy.leave("a")
    heavy.leave("c")
    assert is_empty(heavy)


def test_who_waits_too_long_is_refused() -> None:
    """A request waits for its turn no longer than it may take."""
    heavy = HeavyRequests(threads=4)
    heavy.enter("a")
    waiting.begin_request(0.05)
    try:
        with pytest.raises(RateLimitExceeded):
            heavy.enter("a")
    finally:
        waiting.end_request()
    heavy.leave("a")
    assert is_empty(heavy)


def test_who_waits_takes_no_thread_where_others_stand_in() -> None:
    """Then as many of a key may wait as four times the threads, and the next one is told to come back."""
    heavy, away = HeavyRequests(threads=2), threading.Semaphore(0)

    @contextmanager
    def stand_in() -> Iterator[None]:
        away.release()
        yield

    def enter() -> None:
        waiting.enable_stand_ins(stand_in)
        heavy.enter("a")
        heavy.leave("a")

    heavy.enter("a")
    with ThreadPoolExecutor(8) as pool:
        waiting_ones = [pool.submit(enter) for _ in range(7)]
        assert all(away.acquire(timeout=5) for _ in waiting_ones)
        with pytest.raises(RateLimitExceeded):
            pool.submit(enter).result()
        heavy.leave("a")
    assert is_empty(heavy)


def test_reads_are_heavy_while_a_key_is_answered_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than 8 MiB in the last seconds, of which 4 MiB are forgotten in each; nobody else's count."""
    now = 100.0
    monkeypatch.setattr("app.web.heavy_requests.time.monotonic", lambda: now)
    heavy = HeavyRequests(threads=8)
    for _ in range(3):
        assert not heavy.is_answered_much("a")
        heavy.count_answer("a", 4 * MEBIBYTE)
    assert heavy.is_answered_much("a")
    assert not heavy.is_answered_much("b")
    now = 101.0
    assert not heavy.is_answered_much("a")
    heavy.count_answer("a", 1000 * MEBIBYTE)
    now = 102.9
    assert heavy.is_answered_much("a")
    now = 104.0
    assert not heavy.is_answered_much("a")
    now = 110.0
    heavy.count_answer("b", 1)
    assert list(heavy._answered) == ["b"]


def test_large_lists_of_a_key_go_one_at_a_time(client: Callable[..., Any], sqlite_backend: Backend) -> None:
    """Once it was answered much, a key's reads wait for each other; its writes and those of others do not."""
    send = client()
    key, other = make_key(sqlite_backend), make_key(sqlite_backend)
    message = {"role": "user", "content": "x" * 3 * MEBIBYTE}
    assert send(key, "POST", "/dialogue", json={"id": "d", "messages": [message]}).status_code == 200
    for _ in range(4):
        assert send(key, "GET", "/messages?dialogueId=d").status_code == 200
    heavy = parts_of(application()).heavy_requests
    [name] = heavy._answered
    heavy.enter(name)
    try:
        with ThreadPoolExecutor(1) as pool:
            headers = {"Authorization": f"Bearer {key}"}
            listing = pool.submit(application().test_client().get, "/messages?dialogueId=d", headers=headers)
            while heavy.present(name) < 2:
                threading.Event().wait(0.01)
            assert send(key, "POST", "/dialogue", json={"id": "e"}).status_code == 200
            assert send(other, "GET", "/dialogue/d").status_code == 200
            assert not listing.done()
            heavy.leave(name)
            assert listing.result().status_code == 200
    finally:
        assert is_empty(heavy)


def test_every_answer_gives_the_turn_back(client: Callable[..., Any], sqlite_backend: Backend) -> None:
    """Searches one after the other are all answered, failed ones too."""
    send = client(threads=2)
    key = make_key(sqlite_backend)
    for _ in range(3):
        for body in ({"query": "a", "object": "message"}, {"query": 1}):
            answer = send(key, "POST", "/search", json=body)
            assert answer.status_code in (200, 400)
            if answer.status_code == 400:
                check_envelope(answer)
