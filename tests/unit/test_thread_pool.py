"""The threads of a worker: who waits for another request is stood in for, and nobody stays too long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

import pytest

from app.server.admission import LargeBodies
from app.server.thread_pool import ThreadPool
from tests.unit.test_worker import Client

SECONDS = 10


class Threads:
    """Threads that take tasks one after the other, as those of a worker do."""

    def __init__(self, size: int) -> None:
        self.pool = ThreadPool(size, self._run)
        self.idle = 0
        self._tasks: list[Callable[[], None]] = []
        self._changed = threading.Condition()
        self.pool.start()

    def _run(self) -> None:
        while True:
            self.pool.rest()
            with self._changed:
                self.idle += 1
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._tasks)
                self.idle -= 1
                task = self._tasks.pop()
            task()

    def do(self, *tasks: Callable[[], None]) -> None:
        """Have a thread do each task."""
        with self._changed:
            self._tasks += tasks
            self._changed.notify_all()

    def await_idle(self, count: int) -> bool:
        """Return whether so many threads wait for a task before long."""
        with self._changed:
            return self._changed.wait_for(lambda: self.idle == count, SECONDS)


def eventually(condition: Callable[[], bool]) -> bool:
    """Return whether something becomes true before long."""
    until = time.monotonic() + SECONDS
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    return condition()


def test_who_waits_is_stood_in_for_until_he_comes_back() -> None:
    """As many threads as before take tasks meanwhile, and no more afterwards: others rest until needed."""
    threads, away = Threads(2), threading.Semaphore(0)
    go_on, go_on_again = threading.Event(), threading.Event()

    def wait(event: threading.Event) -> None:
        with threads.pool.stand_in():
            away.release()
            event.wait(SECONDS)

    assert threads.await_idle(2)
    threads.do(*[partial(wait, go_on)] * 5)
    assert all(away.acquire(timeout=SECONDS) for _ in range(5))
    assert threads.await_idle(2)
    go_on.set()
    assert eventually(lambda: threads.pool._resting == 5)
    assert (threads.pool._serving, threads.idle) == (2, 2)
    threads.do(partial(wait, go_on_again))
    assert eventually(lambda: threads.pool._resting == 4 and threads.idle == 2)
    go_on_again.set()
    assert eventually(lambda: threads.pool._resting == 5)


def test_a_machine_without_threads_goes_on_with_those_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits is not stood in for, and is counted back all the same."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    pool = ThreadPool(1, lambda: None)
    with pytest.raises(RuntimeError):
        pool.start()
    with pool.stand_in():
        pass
    pool.rest()
    assert pool._serving == 0


@pytest.mark.parametrize(("threads", "readers", "all_of_them"), [(1, 0, 1), (2, 0, 1), (3, 1, 2), (8, 4, 5)])
def test_large_bodies_leave_threads_for_others(threads: int, readers: int, all_of_them: int) -> None:
    """Bodies that are still to come hold half of the threads at most; one that is there finds another."""
    bodies = LargeBodies(threads)
    coming = [Client() for _ in range(threads)]
    assert sum(bodies.admit(one, whole=False) for one in coming) == min(readers, all_of_them)  # type: ignore[arg-type]  # any object can be counted
    there = [Client() for _ in range(threads)]
    admitted = [one for one in there if bodies.admit(one, whole=True)]  # type: ignore[arg-type]  # any object can be counted
    assert len(admitted) == all_of_them - min(readers, all_of_them)
    for one in (*coming, *there):
        bodies.forget(one)  # type: ignore[arg-type]  # any object can be counted
    assert bodies.admit(there[0], whole=True)  # type: ignore[arg-type]  # any object can be counted
    assert bodies.dismiss(there[0])  # type: ignore[arg-type]  # any object can be counted
    assert not bodies.dismiss(there[0])  # type: ignore[arg-type]  # any object can be counted
