"""Vectors in files that processes share: each finds everything, whoever adds, removes and dies meanwhile."""

from __future__ import annotations

import gc
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.meaning import matrices as module
from app.meaning.files import HEADER, OLD_SECONDS, VectorFiles
from app.meaning.matrices import Matrices
from tests.server import ROOT
from tests.unit.test_meaning_matrices import PLACE, Vectors, nearest, pieces

LARGE = 10**9
RECORD = 8 + 2 * 4
"""The bytes of a vector of two numbers in a file."""


@pytest.fixture(autouse=True)
def short_tail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a process keep four vectors of two numbers to itself."""
    monkeypatch.setattr(module, "MOST_TAIL_BYTES", 4 * 8)


def vectors_to(count: int) -> Vectors:
    """Return items, the later the nearer; every third has two pieces."""
    made = {}
    for number in range(1, count + 1):
        nearness = number / (2 * count)
        made[number] = pieces(nearness, 0.0) if number % 3 == 0 else pieces(nearness)
    return Vectors(made)


def process(folder: Path, most_bytes: int = LARGE) -> Matrices:
    """Return what a worker process has."""
    return Matrices(files=VectorFiles(folder, most_bytes))


def sizes(folder: Path) -> list[int]:
    """Return the sizes of the files."""
    return [path.stat().st_size for path in folder.glob("*.vectors")]


def descending(count: int) -> list[int]:
    """Return the numbers of items, nearest first."""
    return list(range(count, 0, -1))


def test_what_one_process_has_read_another_need_not_read(tmp_path: Path) -> None:
    """It reads from the store what is behind the file; only this user may read the file."""
    vectors = vectors_to(10)
    assert nearest(process(tmp_path), vectors) == descending(10)
    assert vectors.asked == [0, 10]
    assert sizes(tmp_path) == [(1 + 13) * RECORD]
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}

    vectors.items[11] = pieces(0.9)
    assert nearest(process(tmp_path), vectors) == [11, *descending(10)]
    assert vectors.asked == [0, 10, 10]
    assert sizes(tmp_path) == [(1 + 13) * RECORD]


def test_processes_add_in_turn(tmp_path: Path) -> None:
    """Each knows what the other added, once, and what it itself keeps behind that."""
    vectors = vectors_to(40)
    later = dict(vectors.items)
    vectors.items = {}
    workers = [process(tmp_path), process(tmp_path)]
    for number in range(1, 41):
        vectors.items[number] = later[number]
        assert nearest(workers[number % 2], vectors) == descending(number)
        if number % 7 == 0:
            assert nearest(workers[0], vectors) == nearest(workers[1], vectors) == descending(number)
    assert (1 + 40) * RECORD < sizes(tmp_path)[0] <= (1 + 53) * RECORD
    assert nearest(process(tmp_path), vectors) == descending(40)


def test_what_is_gone_is_passed_over_and_removed_when_most_is(tmp_path: Path) -> None:
    """Then the file begins anew, for every process; until then each finds out for itself."""
    vectors = vectors_to(12)
    first, second = process(tmp_path), process(tmp_path)
    assert nearest(first, vectors) == nearest(second, vectors) == descending(12)

    del vectors.items[12]
    first.forget(PLACE, [12])
    assert nearest(first, vectors) == descending(11)
    assert nearest(second, vectors) == descending(12)
    for number in range(5, 12):
        del vectors.items[number]
    first.forget(PLACE, list(range(5, 12)))
    assert sizes(tmp_path) == []
    assert nearest(first, vectors) == nearest(second, vectors) == descending(4)
    assert sizes(tmp_path) == [(1 + 5) * RECORD]


def test_a_file_that_begins_anew_while_a_process_reads_is_read_again(tmp_path: Path) -> None:
    """Also when it was about to add the last of what it had read."""
    vectors = vectors_to(10)
    other = process(tmp_path)

    class Racing(Vectors):
        def vectors_after(self, seq: int, limit: int) -> Sequence[tuple[int, bytes]]:
            found = super().vectors_after(seq, limit)
            if seq == 10 and len(found) == 5:
                other.forget(PLACE, range(1, 9))
                self.items = {number: self.items[number] for number in self.items if number > 8}
            return found

    assert nearest(other, vectors) == descending(10)
    grown = Racing(vectors_to(15).items)
    assert nearest(process(tmp_path), grown) == [15, 14, 13, 12, 11, 10, 9]
    assert grown.asked == [10, 0, 15]


def test_a_scope_has_a_file_of_its_own(tmp_path: Path) -> None:
    """No other scope's search reads it."""
    vectors, others = vectors_to(6), Vectors({number: pieces(0.5) for number in range(20, 26)})
    worker = process(tmp_path)
    for _ in range(2):
        assert nearest(worker, vectors, ("acme", "anna")) == descending(6)
        assert set(nearest(worker, others, ("acme", "bob"))) == set(others.items)
    assert len(sizes(tmp_path)) == 2


def test_what_was_searched_longest_ago_makes_room(tmp_path: Path) -> None:
    """And is read again when it is searched again."""
    size = (1 + 13) * RECORD
    first, second = vectors_to(10), vectors_to(10)
    worker = process(tmp_path, size + 5)
    for place, vectors in (("a", first), ("b", second), ("a", first)):
        assert nearest(worker, vectors, place) == descending(10)
        assert sizes(tmp_path) == [size]
    assert (first.asked, second.asked) == ([0, 10, 0, 10], [0, 10])


def test_a_file_does_not_make_room_for_itself(tmp_path: Path) -> None:
    """What does not fit beside what it has is kept in memory, and other files give way."""
    vectors = vectors_to(10)
    worker = process(tmp_path, (1 + 16) * RECORD)
    assert nearest(worker, vectors, "a") == descending(10)
    for path in tmp_path.glob("*.vectors"):
        os.utime(path, (0, 0))
    (tmp_path / "other.vectors").write_bytes(b"12345")
    vectors.items |= {number: pieces(0.5 + number / 100) for number in range(11, 16)}
    assert nearest(worker, vectors, "a") == descending(15)
    assert sizes(tmp_path) == [(1 + 13) * RECORD]


def test_a_file_that_has_begun_anew_is_not_removed_for_what_was_in_the_old_one(tmp_path: Path) -> None:
    """By a process that finds out later than another that most of it is gone."""
    vectors = vectors_to(10)
    first, second = process(tmp_path), process(tmp_path)
    assert nearest(first, vectors) == nearest(second, vectors) == descending(10)
    first.forget(PLACE, range(5, 11))
    assert nearest(first, vectors) == descending(10)
    second.forget(PLACE, range(5, 11))
    assert sizes(tmp_path) == [(1 + 13) * RECORD]
    assert nearest(second, vectors) == descending(10)


@pytest.mark.parametrize("most_bytes", [0, LARGE])
def test_without_room_a_process_keeps_what_it_may(
    tmp_path: Path, most_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In memory, because of the bound, or since the disk is nearly full."""
    if most_bytes:
        monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=60))
    vectors = vectors_to(10)
    worker = process(tmp_path, most_bytes)
    for _ in range(2):
        assert nearest(worker, vectors) == descending(10)
    assert vectors.asked == [0, 10]
    assert sizes(tmp_path) == []


def test_without_its_folder_a_process_keeps_what_it_may(tmp_path: Path) -> None:
    """It is removed when the server stops."""
    vectors = vectors_to(10)
    worker = process(tmp_path)
    assert nearest(worker, vectors) == descending(10)
    shutil.rmtree(tmp_path)
    vectors.items[11] = pieces(0.9)
    for _ in range(2):
        assert nearest(worker, vectors) == [11, *descending(10)]
    worker.forget(PLACE, range(2, 12))
    vectors.items = {1: vectors.items[1]}
    assert nearest(worker, vectors) == [1]


def test_what_a_process_left_unfinished_does_not_count(tmp_path: Path) -> None:
    """One that was killed while it added: the next one writes over it."""
    vectors = vectors_to(10)
    assert nearest(process(tmp_path), vectors) == descending(10)
    [file] = tmp_path.glob("*.vectors")
    with file.open("ab") as end:
        end.write(b"\x01" * (3 * RECORD + 5))

    worker = process(tmp_path)
    assert nearest(worker, vectors) == descending(10)
    vectors.items |= {number: pieces(0.5 + number / 100) for number in range(11, 20)}
    assert nearest(worker, vectors) == nearest(process(tmp_path), vectors) == descending(19)


def test_a_file_that_is_too_short_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """By who knows it and by who does not; each says so once, and keeps in memory what it may."""
    vectors = vectors_to(10)
    knowing, new = process(tmp_path), process(tmp_path)
    assert nearest(knowing, vectors) == descending(10)
    [file] = tmp_path.glob("*.vectors")
    with file.open("r+b") as start:
        start.write(HEADER.pack(1000, int(time.time())))

    vectors.asked.clear()
    for worker in (knowing, new):
        for _ in range(2):
            assert nearest(worker, vectors) == descending(10)
    assert vectors.asked == [0, 10] * 2
    assert len([one for one in caplog.records if "cannot be read" in one.message]) == 2

    file.unlink()
    for worker in (knowing, new):
        assert nearest(worker, vectors) == descending(10)


def test_a_file_that_cannot_be_opened_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process keeps in memory what it may, until it can be."""
    vectors = vectors_to(10)
    knowing, new = process(tmp_path), process(tmp_path)
    assert nearest(knowing, vectors) == descending(10)
    vectors.asked.clear()
    with monkeypatch.context() as patch:
        patch.setattr("app.meaning.files._open", lambda _: None)
        for _ in range(2):
            assert nearest(new, vectors) == nearest(knowing, vectors) == descending(10)
    assert vectors.asked == [0, 10, 10, 10]
    assert nearest(new, vectors) == descending(10)
    assert vectors.asked[-1] == 10


def test_a_file_is_used_for_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what the store has removed does not stay; a file that is younger does."""
    vectors = vectors_to(10)
    workers = [process(tmp_path), process(tmp_path)]
    assert nearest(workers[0], vectors, "old") == nearest(workers[1], vectors, "old") == descending(10)
    begun = time.time()
    monkeypatch.setattr("time.time", lambda: begun + OLD_SECONDS - 5)
    assert nearest(workers[0], vectors, "young") == descending(10)
    workers[0].drop_old_files()
    assert len(sizes(tmp_path)) == 2

    monkeypatch.setattr("time.time", lambda: begun + OLD_SECONDS + 5)
    del vectors.items[10]
    workers[0].drop_old_files()
    process(tmp_path / "missing").drop_old_files()
    Matrices().drop_old_files()
    assert len(sizes(tmp_path)) == 1
    assert nearest(workers[0], vectors, "old") == nearest(workers[1], vectors, "old") == descending(9)
    assert len(sizes(tmp_path)) == 2


def test_a_file_that_was_removed_takes_no_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that never searches the scope again lets go of it, and of no other; one in use waits."""
    removed, kept = vectors_to(10), vectors_to(10)
    first, second = process(tmp_path), process(tmp_path)
    for worker in (first, second):
        assert nearest(worker, kept, "kept") == descending(10)
    begun = time.time()
    monkeypatch.setattr("time.time", lambda: begun - OLD_SECONDS - 5)
    for worker in (first, second):
        assert nearest(worker, removed, "removed") == descending(10)
    assert len(mapped(tmp_path)) == 2
    monkeypatch.setattr("time.time", lambda: begun)

    first.drop_old_files()
    with second._known["removed"].lock:
        second.drop_old_files()
        assert len(mapped(tmp_path)) == 2
    second.drop_old_files()
    assert mapped(tmp_path) == {str(path) for path in tmp_path.glob("*.vectors")}
    for vectors in (kept, removed):
        vectors.asked.clear()
    assert nearest(second, kept, "kept") == nearest(second, removed, "removed") == descending(10)
    assert (kept.asked, removed.asked) == ([10], [0, 10])


def mapped(folder: Path) -> set[str]:
    """Return the files that this process has mapped into memory."""
    gc.collect()
    lines = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    return {line.split(maxsplit=5)[5] for line in lines if str(folder) in line and ".vectors" in line}


WORKER = """
import random, sys
from pathlib import Path
from app.meaning import matrices
from tests.unit.test_meaning_files import process, vectors_to
from tests.unit.test_meaning_matrices import PLACE, nearest

matrices.MOST_TAIL_BYTES = 10 * 8
chance = random.Random(int(sys.argv[2]))
vectors = vectors_to(500)
items, vectors.items = vectors.items, {}
worker = process(Path(sys.argv[1]))
while len(vectors.items) < 500:
    known = len(vectors.items) + chance.randint(1, 12)
    vectors.items = {number: items[number] for number in items if number <= known}
    found = nearest(worker, vectors)
    assert found == list(range(len(found), 0, -1)) and len(found) >= len(vectors.items), (known, found)
    if chance.random() < 0.02:
        worker._known[PLACE]._file.remove()
"""
"""Searches a store that grows, and at times lets the file begin anew."""


def test_several_processes_keep_one_file(tmp_path: Path) -> None:
    """Whatever they do at the same time, each finds everything it must, in order, and nothing twice."""
    commands = [[sys.executable, "-c", WORKER, str(tmp_path), str(seed)] for seed in range(3)]
    running = [subprocess.Popen(command, cwd=ROOT) for command in commands]
    assert [one.wait() for one in running] == [0, 0, 0]
