"""The threads of a worker: who waits for another request is stood in for, and nobody stays too long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

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
        while not self.pool.is_surplus():
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


def test_who_waits_is_stood_in_for_until_he_comes_back() -> None:
    """As many threads as before take tasks meanwhile, and afterwards no more than that."""
    threads, go_on = Threads(2), threading.Event()

    def wait() -> None:
        with threads.pool.stand_in():
            go_on.wait(SECONDS)

    assert threads.await_idle(2)
    threads.do(*[wait] * 5)
    assert threads.await_idle(2)
    go_on.set()
    until = time.monotonic() + SECONDS
    while threads.pool._count > 2 and time.monotonic() < until:
        threads.do(lambda: None)
        time.sleep(0.01)
    assert threads.pool._count == 2
    assert threads.await_idle(2)


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
    assert not pool.is_surplus()


@pytest.mark.parametrize(("threads", "readers", "all_of_them"), [(1, 0, 1), (2, 1, 1), (8, 4, 5)])
def test_large_bodies_leave_threads_for_others(threads: int, readers: int, all_of_them: int) -> None:
    """Bodies that are still to come hold half of the threads at most; one that is there finds another."""
    bodies = LargeBodies(threads)
    coming = [Client() for _ in range(threads)]
    assert sum(bodies.admit(one, whole=False) for one in coming) == min(readers, all_of_them)  # type: ignore[arg-type]
    there = [Client() for _ in range(threads)]
    admitted = [one for one in there if bodies.admit(one, whole=True)]  # type: ignore[arg-type]
    assert len(admitted) == all_of_them - min(readers, all_of_them)
    for one in (*coming, *there):
        bodies.dismiss(one)  # type: ignore[arg-type]
    assert bodies.admit(there[0], whole=True)  # type: ignore[arg-type]
    assert bodies.dismiss(there[0])  # type: ignore[arg-type]
    assert not bodies.dismiss(there[0])  # type: ignore[arg-type]
