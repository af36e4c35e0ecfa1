"""Many writers of one dialogue, in several processes: none is lost, none fails for contention."""

from __future__ import annotations

import multiprocessing
import threading
import time
import zlib
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace

import pytest

from app.domain.errors import ServiceUnavailable
from app.domain.list_queries import MessageListQuery
from app.domain.records import IdempotencyRecord, JsonText, Timestamp
from app.stores import Backend, Transaction
from app.stores.mongo import open_mongo
from app.stores.mongo.striped_locks import COUNT, StripedLocks
from tests.integration.mongo_server import Server
from tests.records import SCOPE, dialogue, instant, message, stored

PROCESSES = 3
THREADS = 8
ROUNDS = 3
FOREVER = Timestamp("2999-01-01T00:00:00.000Z")


def append(backend: Backend, name: str) -> int:
    """Append one message to the dialogue ``d`` and count it in ``parent``; its seq."""

    def work(tx: Transaction) -> int:
        found = tx.lock_dialogue("d")
        parent = tx.lock_dialogue("parent")
        assert found is not None
        assert parent is not None
        seq = found.next_seq
        tx.save_dialogue(replace(found, rev=found.rev + 1, total=found.total + 1, next_seq=seq + 1))
        tx.save_dialogue(replace(parent, rev=parent.rev + 1))
        tx.insert_messages([message(found, seq, id=name, created=instant(0))])
        return seq

    return backend.write(SCOPE, work)


def append_from_threads(url: str, process: int) -> list[int]:
    """Append from several threads of a process of its own."""
    backend = open_mongo(url, timeout=30.0)

    def act(thread: int) -> list[int]:
        return [append(backend, f"{process}-{thread}-{number}") for number in range(ROUNDS)]

    with ThreadPoolExecutor(THREADS) as pool:
        seqs = [seq for some in pool.map(act, range(THREADS)) for seq in some]
    backend.close()
    return seqs


@pytest.mark.mongodb
def test_a_storm_of_appends_from_processes_loses_nothing(server: Server) -> None:
    """Every writer succeeds, every seq is given once, and the counters are right."""
    backend = server.open()
    backend.migrate()
    parent = stored(backend, dialogue(id="d"))
    stored(backend, dialogue(id="parent"))
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=fresh) as pool:
        results = list(pool.map(append_from_threads, [server.url] * PROCESSES, range(PROCESSES)))
    expected = PROCESSES * THREADS * ROUNDS
    assert sorted(seq for seqs in results for seq in seqs) == list(range(expected))
    page = backend.list_messages(SCOPE, "d", MessageListQuery(parent.uid, 500))
    assert [one.seq for one in page.items] == list(range(expected))
    for name in ("d", "parent"):
        found = backend.get_dialogue(SCOPE, name)
        assert found is not None
        assert found.rev == expected + 1


@pytest.mark.mongodb
def test_one_of_many_equal_requests_takes_effect(server: Server) -> None:
    """With one recorded answer for all of them; two stores stand for two processes."""
    stores = [open_mongo(server.url, timeout=30.0) for _ in range(2)]
    stores[0].migrate()
    stored(stores[0], dialogue(id="d"))
    stored(stores[0], dialogue(id="parent"))

    def act(writer: int) -> str:
        def work(tx: Transaction) -> str:
            earlier = tx.find_idempotency("digest")
            if earlier is not None:
                return earlier.body
            found = tx.lock_dialogue("d")
            assert found is not None
            tx.save_dialogue(replace(found, rev=found.rev + 1))
            answer = JsonText(f'"{writer}"')
            tx.save_idempotency(IdempotencyRecord("digest", "print", answer, None, FOREVER))
            return answer

        return stores[writer % 2].write(SCOPE, work)

    with ThreadPoolExecutor(16) as pool:
        answers = set(pool.map(act, range(16)))
    found = stores[0].get_dialogue(SCOPE, "d")
    assert len(answers) == 1
    assert found is not None
    assert found.rev == 2
    for store in stores:
        store.close()


def test_threads_that_queue_for_several_names_never_deadlock() -> None:
    """Whatever order they ask in, and again in order for a repetition."""
    locks = StripedLocks()
    names = [f"name-{number}" for number in range(6)]
    done: list[int] = []

    def act(number: int) -> None:
        for turn in range(30):
            with locks.holder(time.monotonic() + 20) as holder:
                for offset in range(3):
                    holder.acquire(names[(number * 5 + turn + offset * 2) % 6])
                holder.acquire_again()
        done.append(number)

    threads = [threading.Thread(target=act, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(done) == list(range(8))


def test_whoever_waits_too_long_in_the_queue_is_refused() -> None:
    """And holds nothing afterwards."""
    locks = StripedLocks()
    with locks.holder(time.monotonic() + 5) as holder:
        holder.acquire("d")
        holder.acquire("d")
        with (
            locks.holder(time.monotonic() + 0.05) as waiting,
            pytest.raises(ServiceUnavailable, match="same dialogue"),
        ):
            waiting.acquire("d")
    with locks.holder(time.monotonic()) as later:
        later.acquire("d")
    assert all(locks._locks[number].acquire(blocking=False) for number in range(COUNT))


def test_a_lower_lock_is_only_taken_when_it_is_free() -> None:
    """Whoever holds a higher one goes on without it instead of waiting."""
    locks = StripedLocks()
    low, high = sorted(("a", "b"), key=lambda name: zlib.crc32(name.encode()) % COUNT)
    with locks.holder(time.monotonic() + 5) as other, locks.holder(time.monotonic() + 5) as mine:
        other.acquire(low)
        mine.acquire(high)
        mine.acquire(low)
        assert len(mine._held) == 1
    with locks.holder(time.monotonic() + 5) as free:
        free.acquire(high)
        free.acquire(low)
        assert len(free._held) == 2
