"""Long imports are drafted in a second process, and come out as if they were not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import closing
from multiprocessing import Pipe, active_children
from threading import Thread

import orjson
import pytest

from app.search.tokens import index_text
from app.stores import Backend
from app.transfer import drafting
from app.transfer.conversation import Conversation
from app.transfer.drafting import (
    BATCH_BYTES,
    LARGE_BYTES,
    MOST_BATCHES,
    PROCESSORS,
    START_BYTES,
    Done,
    Drafting,
    draft_batches,
    with_tokens,
)
from app.transfer.drafts import Drafted
from app.transfer.intake import Choices, Intake
from app.transfer.loader import StoreLoader
from app.transfer.tally import Tally
from tests.integration.importing import bring_in, check_store, document, drafter, texts
from tests.integration.test_growth import chat, node
from tests.server import ROOT

LIMIT = 120.0
"""How many seconds a process may take to start or to end on a busy machine."""

PARENT = """
import os, signal
from multiprocessing import active_children
from app.transfer.drafting import Drafting
from tests.integration.importing import drafter

if __name__ == "__main__":
    second = Drafting(drafter(), None)
    print(len(active_children()), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


AFFINITY = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from multiprocessing import active_children
from app.transfer import drafting
from tests.integration.importing import drafter
second = drafting.Drafting(drafter(), None)
print(drafting.PROCESSORS, len(active_children()))
"""

NO_JSON = "It cannot be written as JSON: "


def conversation(name: str, said: object = "How are you?") -> Conversation:
    """Return a dialogue of one message."""
    return Conversation({"id": name}, [{"id": "m", "role": "user", "content": said}])


def test_a_second_process_drafts_as_this_one_does() -> None:
    """What comes back is the same in the same order, and tokens; bad, large and deep ones are among them."""
    deep: object = []
    for _ in range(300):
        deep = [deep]
    many = [
        conversation(f"d{number}", "a text " * 1000) for number in range(MOST_BATCHES * BATCH_BYTES // 2000)
    ]
    bad = [conversation("bad", 7), conversation("large", "x" * LARGE_BYTES)]
    memory = Conversation({}, memories=[{"id": "f", "value": {"likes": "tea"}, "namespace": "n"}])
    wanted = [*many[:90], *bad, memory, *many[90:]]
    expected: list[Done] = [("", one, with_tokens(drafter().prepare(one))) for one in wanted]
    expected[91] = ("", bad[1], drafter().prepare(bad[1]))
    wanted.insert(95, conversation("deep", deep))
    expected.insert(95, ("", wanted[95], Drafted([], problem=f"{NO_JSON}Recursion limit reached.")))
    with closing(Drafting(drafter(), None)) as second:
        [process] = active_children()
        os.kill(process.pid or 0, signal.SIGINT)  # Ctrl-C reaches every process of a terminal
        done: list[Done] = []
        for one in wanted:
            done += second.add("", one)
        assert second.holds(many[-1].dialogue["id"])
        assert len(done) < len(wanted)
        assert process.is_alive()
        done += second.drain()
        assert done == expected
        assert not second.holds(many[-1].dialogue["id"])

        list(second.add("a place", many[0]))
        process.kill()
        process.join()
        assert list(second.drain()) == [("a place", many[0], drafter().prepare(many[0]))]
        assert [one[-1] for one in second.add("a place", many[1])] == [drafter().prepare(many[1])]
    assert active_children() == []


def test_the_second_process_makes_tokens() -> None:
    """It drafts batch after batch until the pipe is closed; what is drafted elsewhere has no tokens."""
    found = [conversation("d", "some words"), conversation("bad", 7)]
    alone = [drafter().prepare(one) for one in found]
    ours, theirs = Pipe()
    loop = Thread(target=draft_batches, args=(theirs, drafter()))
    loop.start()
    with ours, theirs:
        for batch in (found, found[::-1]):
            ours.send_bytes(orjson.dumps(batch))
            assert ours.poll(LIMIT)
            drafted = ours.recv()
            assert drafted == [with_tokens(drafter().prepare(one)) for one in batch]
        ours.close()
        loop.join(LIMIT)
        assert not loop.is_alive()

    [_, good] = drafted
    assert good.record.tokens == {"m": index_text(good.record.messages[0].terms, "d/m")}
    assert alone[0].record is not None
    assert alone[0].record.tokens == {}


@pytest.mark.skipif(PROCESSORS < 2, reason="one processor has one process")
def test_an_import_goes_on_where_the_second_process_has_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be it for taking a batch or for drafting it: it ends, and the batch is drafted here, without tokens."""
    found = conversation("d")

    def lack(*_: object) -> None:
        raise MemoryError

    for target in ("multiprocessing.connection.Connection.recv_bytes", "app.transfer.drafting.with_tokens"):
        with monkeypatch.context() as patched:
            patched.setattr(target, lack)
            second = Drafting(drafter(), None)
        with closing(second):
            done = [*second.add("", found), *second.drain()]
            assert done == [("", found, drafter().prepare(found))]
            assert active_children() == []


@pytest.mark.parametrize(
    ("said", "reason"),
    [(2**65, "Integer exceeds 64-bit range"), ({1: 2}, "Dict key must be str")],
    ids=["integer", "key"],
)
def test_what_cannot_be_written_says_why(said: object, reason: str) -> None:
    """It is not always that something nests too deep."""
    [(_, _, drafted)] = Drafting(drafter()).add("", conversation("d", said))
    assert drafted == Drafted([], problem=f"{NO_JSON}{reason}.")


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system binds no process to processors")
def test_an_import_on_one_processor_keeps_to_one_process() -> None:
    """Also where the machine has more, which it may not use."""
    command = [sys.executable, "-c", AFFINITY]
    found = subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT)
    assert found.stdout == "1 0\n"


@pytest.mark.skipif(PROCESSORS < 2, reason="one processor has one process")
@pytest.mark.parametrize(
    ("input_bytes", "processes"), [(0, 0), (START_BYTES - 1, 0), (START_BYTES, 1), (None, 1)]
)
def test_a_small_import_keeps_to_one_process(input_bytes: int | None, processes: int) -> None:
    """Of what comes through a pipe nobody knows how much it will be."""
    with closing(Drafting(drafter(), input_bytes)):
        assert len(active_children()) == processes


def test_an_import_goes_on_where_no_process_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then everything is drafted here, and it is tried once."""
    tried = []

    def refuse(*_: object) -> None:
        tried.append(1)
        raise BlockingIOError

    monkeypatch.setattr(drafting, "_SecondProcess", refuse)
    alone = Drafting(drafter(), None)
    for _ in range(2):
        assert len(list(alone.add("", conversation("d")))) == 1
    assert len(tried) == 1


def test_a_killed_import_leaves_no_process() -> None:
    """The second process ends by itself when the first is gone: until then it holds the output open."""
    command = [sys.executable, "-c", PARENT]
    found = subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT)
    assert found.returncode == -signal.SIGKILL, found.stderr
    assert found.stdout == "1\n"


def test_branches_are_kept_to_what_is_on_its_way(sqlite_backend: Backend) -> None:
    """A later export of a dialogue that the second process still has keeps its path, and adds a thread."""
    old = [node("a", None), node("b", "a")]
    new = [node("b2", "a"), node("c2", "b2")]
    tally = Tally(lambda _: None)
    bring_in(sqlite_backend, [])
    with closing(Drafting(drafter(), None)) as second:
        loader = StoreLoader(sqlite_backend, "default", second, tally)
        exports = document(chat("b", *old), chat("c2", *old, *new))
        Intake(loader, drafter(), tally, Choices()).run([exports], lambda: None)

    assert (tally.bad, tally.dialogues, tally.messages) == (0, 2, 4)
    assert texts(sqlite_backend, "c") == ["a", "b"]
    assert texts(sqlite_backend, "c:b2") == ["a", "b2", "c2"]
    check_store(sqlite_backend)
