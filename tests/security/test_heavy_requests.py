"""Heavy requests: few of a key run at once, some wait, the rest are told to come back."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from app import waiting
from app.domain.errors import RateLimitExceeded
from app.domain.limits import MEBIBYTE
from app.opening import open_embedder
from app.services import fork
from app.settings import Settings
from app.stores import Backend
from app.web.heavy_requests import HeavyRequests, Place
from app.web.parts import parts_of
from app.web.rests import SHARED_SECONDS, Rests
from app.wiring import connect
from tests import chat_endpoint
from tests.contract.conftest import application, check_envelope, make_key

SECONDS = 10.0


def is_empty(heavy: HeavyRequests) -> bool:
    """Whether none runs or waits, and nothing is left of those that did."""
    return not (heavy._waiting or heavy._returning or heavy._running or heavy._aside)


def await_true(condition: Callable[[], object]) -> None:
    """Wait until something is so, and fail if it does not become so."""
    until = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


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
        await_true(lambda: heavy.present("a") == 4)
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
        await_true(lambda: heavy.present("a") == 2)
        third = pool.submit(heavy.enter, "c")
        await_true(lambda: heavy.present("c"))
        heavy.leave("b")
        third.result(timeout=5)
        assert not another.done()
        heavy.leave("a")
        another.result(timeout=5)
    heavy.leave("a")
    heavy.leave("c")
    assert is_empty(heavy)


def test_who_waits_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request waits for its turn for half of the time that it has: the rest is for its work."""
    heavy = HeavyRequests(threads=4)
    heavy.enter("a")
    waiting.begin_request(1000.0)
    waits: list[float] = []
    whole = HeavyRequests._wait

    def wait(heavy: HeavyRequests, turn: threading.Event, key: str, queue: Any, seconds: float) -> None:
        waits.append(seconds)
        whole(heavy, turn, key, queue, 0.01)

    monkeypatch.setattr(HeavyRequests, "_wait", wait)
    try:
        with pytest.raises(RateLimitExceeded):
            heavy.enter("a")
        assert waits == [pytest.approx(500, abs=5)]
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


def test_who_waits_for_a_model_lends_its_place() -> None:
    """Others of the key run meanwhile; who comes back first goes on first, and before who has not begun."""
    heavy = HeavyRequests(threads=8)
    entered: list[str] = []
    answered = {name: threading.Event() for name in ("first", "second")}

    def lend(name: str) -> None:
        place = Place(heavy, "a", waits=True)
        with place.aside():
            assert answered[name].wait(SECONDS)
        entered.append(name)
        place.leave()
        place.leave()

    def begin() -> None:
        heavy.enter("a")
        entered.append("later")
        heavy.leave("a")

    with ThreadPoolExecutor(3) as pool:
        going = [pool.submit(lend, name) for name in answered]
        await_true(lambda: heavy._aside["a"] == 2)
        heavy.enter("a")
        going.append(pool.submit(begin))
        await_true(lambda: heavy._waiting)
        answered["first"].set()
        await_true(lambda: len(heavy._returning) == 1)
        answered["second"].set()
        await_true(lambda: len(heavy._returning) == 2)
        assert heavy.present("a") == 4
        heavy.leave("a")
        for one in going:
            one.result(SECONDS)
    assert entered == ["first", "second", "later"]
    assert is_empty(heavy)


def test_who_lends_its_place_still_counts() -> None:
    """Waiting for a model is no way to have more requests present; a turn that does not come ends one."""
    heavy = HeavyRequests(threads=8)
    place = Place(heavy, "a", waits=True)

    def fill() -> None:
        with place.aside(), ThreadPoolExecutor(3) as pool:
            heavy.enter("a")
            heavy.enter("b")
            assert heavy.present("a") == 2
            refused = [pool.submit(heavy.enter, "a", waits=False) for _ in range(3)]
            assert all(isinstance(one.exception(), RateLimitExceeded) for one in refused)

    waiting.begin_request(1)
    try:
        with pytest.raises(RateLimitExceeded):
            fill()
    finally:
        waiting.end_request()
    place.leave()
    assert heavy._running == {"a": 1, "b": 1}
    heavy.leave("a")
    heavy.leave("b")
    assert is_empty(heavy)


def test_a_slow_endpoint_for_embeddings_keeps_no_search_waiting(
    sqlite_backend: Backend,
) -> None:
    """While one search waits for the vector of its query, others of its key are answered."""
    asked, answers = threading.Event(), threading.Event()

    def answer(handler: BaseHTTPRequestHandler, _number: int) -> None:
        asked.set()
        answers.wait(SECONDS)
        body = json.dumps({"data": [{"index": 0, "embedding": [3, 4]}]}).encode()
        chat_endpoint.send(handler, 200, body)

    with chat_endpoint.endpoint(answer) as stub, ThreadPoolExecutor(1) as pool:
        settings = Settings(
            threads=8,
            embedder="endpoint",
            embedder_url=f"http://127.0.0.1:{stub.server_address[1]}/v1",
            embedder_model="m",
            embedder_dimensions=2,
        )
        connect(application(), settings, sqlite_backend, None, open_embedder(settings))
        headers = {"Authorization": f"Bearer {make_key(sqlite_backend)}"}

        def search(mode: str) -> int:
            body = {"query": "a", "object": "message", "mode": mode}
            sent: int = application().test_client().post("/search", json=body, headers=headers).status_code
            return sent

        by_meaning = pool.submit(search, "meaning")
        assert asked.wait(SECONDS)
        assert search("keyword") == 200
        assert not by_meaning.done()
        answers.set()
        assert by_meaning.result(SECONDS) == 200
    assert is_empty(parts_of(application()).heavy_requests)


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


@pytest.fixture
def remembering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget nothing of what keys were answered and that others ask, however slow the machine is."""
    monkeypatch.setattr("app.web.heavy_requests.FORGOTTEN_BYTES", 0)
    monkeypatch.setattr("app.web.rests.SHARED_SECONDS", SECONDS)


@pytest.mark.usefixtures("remembering")
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
            await_true(lambda: heavy.present(name) == 2)
            assert send(key, "POST", "/dialogue", json={"id": "e"}).status_code == 200
            assert send(other, "GET", "/dialogue/d").status_code == 200
            assert not listing.done()
            heavy.leave(name)
            assert listing.result().status_code == 200
    finally:
        assert is_empty(heavy)


def test_large_reads_of_a_key_rest_while_others_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next begins as much later as the last took, at most a second; who is alone does not rest."""
    now = 100.0
    slept: list[float] = []
    monkeypatch.setattr("app.web.rests.time.monotonic", lambda: now)
    monkeypatch.setattr("app.web.rests.time.sleep", slept.append)
    rests = Rests()
    rests.note_key("a")
    now += SHARED_SECONDS
    rests.note_key("a")
    rests.begin("a", 0.5)
    rests.wait("a")
    assert not slept
    rests.note_key("b")
    rests.note_key("a")
    for took in (0.5, 7.0):
        rests.begin("a", took)
        rests.wait("a")
    rests.wait("b")
    assert slept == [0.5, 1.0]
    now += 0.75
    rests.note_key("b")
    rests.begin("b", 0.25)
    rests.wait("a")
    assert slept == [0.5, 1.0, 0.25]
    now += 0.25
    rests.begin("b", 0.25)
    assert list(rests._until) == ["b"], "what is over is forgotten"


def test_a_long_work_rests_in_steps_while_others_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """For as long as it has worked since, at most ten milliseconds; who is alone goes on."""
    now = 100.0
    slept: list[float] = []
    monkeypatch.setattr("app.web.rests.time.monotonic", lambda: now)
    monkeypatch.setattr("app.web.rests.time.sleep", slept.append)
    rests = Rests()
    rest = rests.in_steps()
    now += 0.004
    rest()
    assert not slept
    rests.note_key("a")
    for worked in (0.004, 0.001, 0.002, 0.5):
        now += worked
        rest()
    assert slept == [pytest.approx(0.004), pytest.approx(0.003), 0.01]
    now += SHARED_SECONDS
    rest()
    assert len(slept) == 3


@pytest.mark.usefixtures("remembering")
def test_a_large_body_is_parsed_with_rests_while_others_ask(
    client: Callable[..., Any], sqlite_backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of a megabyte rests once another key has asked, whatever becomes of it; a smaller one does not."""
    send = client()
    key, other = make_key(sqlite_backend), make_key(sqlite_backend)
    slept: list[float] = []
    monkeypatch.setattr("app.web.rests.STEP_SECONDS", 0.0)
    monkeypatch.setattr("app.web.rests.time.sleep", slept.append)
    assert send(other, "GET", "/dialogue/none").status_code == 404
    state = {f"key{n}": "x" * 1000 for n in range(2000)}
    few = dict(list(state.items())[:900])
    assert send(key, "POST", "/dialogue", json={"id": "small", "state": few}).status_code == 200
    assert not slept
    assert send(key, "POST", "/dialogue", json={"id": "large", "state": state}).status_code == 413
    assert len(slept) == 5


@pytest.mark.usefixtures("remembering")
def test_a_large_list_leaves_a_rest_behind(client: Callable[..., Any], sqlite_backend: Backend) -> None:
    """It does once the key was answered much, where another key has asked; all are answered."""
    send = client()
    key, other = make_key(sqlite_backend), make_key(sqlite_backend)
    message = {"role": "user", "content": "x" * 3 * MEBIBYTE}
    assert send(key, "POST", "/dialogue", json={"id": "d", "messages": [message]}).status_code == 200
    heavy = parts_of(application()).heavy_requests

    def read() -> object:
        assert send(other, "GET", "/key").status_code == 200
        assert send(key, "GET", "/messages?dialogueId=d").status_code == 200
        return heavy.rests._until

    assert not read(), "it is not heavy yet"
    await_true(read)
    assert heavy.rests._until.keys() == heavy._answered.keys()
    assert is_empty(heavy)


@pytest.mark.parametrize("parent", ["long", "large"])
def test_long_forks_of_a_key_go_one_at_a_time(
    client: Callable[..., Any], sqlite_backend: Backend, monkeypatch: pytest.MonkeyPatch, parent: str
) -> None:
    """They wait for each other and for other heavy requests; short forks and other creations do not."""
    monkeypatch.setattr(fork, "LONG_FORK", 2)
    monkeypatch.setattr(fork, "LONG_FORK_BYTES", 1000)
    send = client()
    key = make_key(sqlite_backend)
    for dialogue, count, text in (("short", 2, "x"), ("long", 3, "x"), ("large", 2, "x" * 1000)):
        messages = [{"id": f"m{n}", "role": "user", "content": text} for n in range(count)]
        assert send(key, "POST", "/dialogue", json={"id": dialogue, "messages": messages}).status_code == 200
    heavy = parts_of(application()).heavy_requests
    [record] = sqlite_backend.list_keys(None)
    heavy.enter(record.id)
    try:
        with ThreadPoolExecutor(1) as pool:
            body = {"threadOf": parent, "forkAt": "m1"}
            headers = {"Authorization": f"Bearer {key}"}
            forking = pool.submit(application().test_client().post, "/dialogue", json=body, headers=headers)
            await_true(lambda: heavy.present(record.id) == 2)
            for light in ({"threadOf": "short", "forkAt": "m1"}, {"threadOf": parent}, {"id": "other"}):
                assert send(key, "POST", "/dialogue", json=light).status_code == 200
            missing = {"threadOf": "missing", "forkAt": "m1"}
            assert send(key, "POST", "/dialogue", json=missing).status_code == 404
            assert not forking.done()
            heavy.leave(record.id)
            assert forking.result().get_json()["totalMessages"] == 2
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
