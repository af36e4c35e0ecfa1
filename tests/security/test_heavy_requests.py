"""Heavy requests: few of a key run at once, some wait, the rest are told to come back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app import waiting
from app.domain.errors import RateLimitExceeded
from app.stores import Backend
from app.web.heavy_requests import HeavyRequests
from tests.contract.conftest import check_envelope, make_key


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
        while heavy._present["a"] < 4:
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
    assert not heavy._present
    assert not heavy._running


def test_threads_remain_for_light_requests() -> None:
    """However many keys there are, heavy requests never hold the last two threads."""
    heavy = HeavyRequests(threads=4)
    heavy.enter("a")
    heavy.enter("b")
    with pytest.raises(RateLimitExceeded):
        heavy.enter("c")


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
    assert not heavy._present


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
