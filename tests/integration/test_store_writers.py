"""Writers that meet: in threads on every store with transactions."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from app.domain.errors import DuplicateId
from app.domain.list_queries import MessageListQuery
from app.stores import Backend, Transaction
from tests.records import SCOPE, dialogue, instant, message, project, stored

pytestmark = pytest.mark.transactions

WRITERS = 8


def together(count: int, act: Callable[[int], object]) -> list[object]:
    """Run ``act`` in several threads at the same moment; results or errors, in order."""
    gate = threading.Barrier(count)

    def start(number: int) -> object:
        gate.wait()
        try:
            return act(number)
        except Exception as error:  # noqa: BLE001 - the error is the result
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(start, range(count)))


def append(backend: Backend, name: str) -> int:
    """Append one message to the dialogue ``d`` as the services do; its seq."""

    def work(tx: Transaction) -> int:
        parent = tx.lock_dialogue("d")
        assert parent is not None
        seq = parent.next_seq
        tx.save_dialogue(replace(parent, rev=parent.rev + 1, next_seq=seq + 1, total=parent.total + 1))
        tx.insert_messages([message(parent, seq, id=name, created=instant(0))])
        return seq

    return backend.write(SCOPE, work)


def test_concurrent_appends_lose_and_double_nothing(backend: Backend) -> None:
    """Every message has a seq of its own, and the counter is right."""
    parent = stored(backend, dialogue(id="d"))

    def act(writer: int) -> list[int]:
        return [append(backend, f"w{writer}-{number}") for number in range(5)]

    for result in together(WRITERS, act):
        assert isinstance(result, list)
    page = backend.list_messages(SCOPE, "d", MessageListQuery(parent.uid, 500))
    assert [one.seq for one in page.items] == list(range(WRITERS * 5))
    assert len({one.id for one in page.items}) == WRITERS * 5
    found = backend.get_dialogue(SCOPE, "d")
    assert found is not None
    assert (found.total, found.rev) == (WRITERS * 5, WRITERS * 5 + 1)


def test_one_of_several_creators_wins(backend: Backend) -> None:
    """The others see its dialogue when their work is run."""

    def act(writer: int) -> str:
        mine = dialogue(id="d", label=f"writer {writer}")

        def work(tx: Transaction) -> str:
            if tx.lock_dialogue("d") is not None:
                raise DuplicateId("taken")
            tx.insert_dialogue(mine)
            return mine.uid

        return backend.write(SCOPE, work)

    results = together(WRITERS, act)
    winners = [result for result in results if isinstance(result, str)]
    assert len(winners) == 1
    assert sum(isinstance(result, DuplicateId) for result in results) == WRITERS - 1
    found = backend.get_dialogue(SCOPE, "d")
    assert found is not None
    assert found.uid == winners[0]


def test_a_failing_writer_does_not_harm_the_others(backend: Backend) -> None:
    """Its work is undone, its error reaches it alone."""
    stored(backend, dialogue(id="d"))

    def act(writer: int) -> int:
        if writer % 2:
            return append(backend, f"w{writer}")

        def work(tx: Transaction) -> int:
            parent = tx.lock_dialogue("d")
            assert parent is not None
            tx.save_dialogue(replace(parent, total=999, next_seq=999))
            raise LookupError(str(writer))

        return backend.write(SCOPE, work)

    results = together(WRITERS, act)
    for writer, result in enumerate(results):
        if writer % 2:
            assert isinstance(result, int)
        else:
            assert isinstance(result, LookupError)
            assert str(result) == str(writer)
    found = backend.get_dialogue(SCOPE, "d")
    assert found is not None
    assert found.total == WRITERS // 2


def test_one_of_several_equal_projects_is_created(backend: Backend) -> None:
    """The others are told that the name is taken."""
    results = together(WRITERS, lambda _: backend.create_project(project()))
    assert sorted(results, key=bool) == [False] * (WRITERS - 1) + [True]
