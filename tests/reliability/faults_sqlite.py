"""Faults of the file: held by another process, read-only, on a full disk, deleted, not a store."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from app.stores.sqlite import SqliteBackend
from tests.disk import no_file_writes
from tests.reliability.embeddings import EMBEDDER
from tests.reliability.faults import SETTINGS, Fault, Prover, Tally, let_age, send
from tests.reliability.faults_embedding import EmbeddingProver
from tests.reliability.harness import Harness
from tests.reliability.routes import Route, prepare

WITHOUT_STORE = frozenset(
    {"getHealth", "getDocs", "getSpecYaml", "getSpecJson", "getMetrics"}
    # What is refused, or said of the key, is known before.
    | {"actOnDialogue", "getOwnKey", "getUsage", "listNamespaces"}
)
"""The operations that need no data: when the folder is gone they answer as before."""

HOLD = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute(sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""


class File:
    """A store in a folder of its own that can be made to fail."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "data" / "store.db"
        self.backend = SqliteBackend(self.path, SETTINGS.request_timeout, 0.0)
        self.backend.migrate()

    @contextmanager
    def held(self, _: str | None) -> Iterator[None]:
        """Another process writes to the file and does not finish."""
        with subprocess.Popen(
            [sys.executable, "-c", HOLD, str(self.path), "BEGIN IMMEDIATE"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == b"held\n"
            try:
                yield
            finally:
                other.communicate()

    @contextmanager
    def read_only(self, _: str | None) -> Iterator[None]:
        """The file may not be written."""
        self.backend._db.all("PRAGMA query_only = 1")
        try:
            yield
        finally:
            self.backend._db.all("PRAGMA query_only = 0")

    @contextmanager
    def failing(self, _: str | None) -> Iterator[None]:
        """The disk takes no writes, as when the kernel has set it read-only."""
        with no_file_writes():
            yield

    @contextmanager
    def full(self, _: str | None) -> Iterator[None]:
        """The disk has no room for another page."""
        self.backend._db.all("VACUUM")
        pages = self.backend._db.all("PRAGMA page_count")[0][0]
        self.backend._db.all(f"PRAGMA max_page_count = {pages}")
        try:
            yield
        finally:
            self.backend._db.all("PRAGMA max_page_count = 1073741823")

    @contextmanager
    def moved(self, _: str | None) -> Iterator[None]:
        """The folder is gone, as when its disk was unmounted; afterwards it is back."""
        self.backend._db.all("PRAGMA wal_checkpoint(TRUNCATE)")
        away = self.path.parent.with_name("away")
        self.path.parent.rename(away)
        try:
            yield
        finally:
            assert not self.path.parent.exists(), "a lost folder was made anew"
            away.rename(self.path.parent)


def run(routes: list[Route], every: int) -> Iterator[tuple[str, Tally]]:
    """Prove all routes under each fault; where each takes its time, at most one in four when in haste."""
    with tempfile.TemporaryDirectory(prefix="colloquy-proof-") as folder:
        file = File(Path(folder))
        with closing(file.backend):
            stage = Harness(file.backend, SETTINGS, EMBEDDER)
            prover = Prover(stage, "sqlite")
            embedding = EmbeddingProver(stage, "sqlite")
            for route in routes:
                prover.learn(route)
            faults = {
                "a read-only file": file.read_only,
                "a disk that takes no writes": file.failing,
                "a full disk": file.full,
                "a folder that is gone": file.moved,
                "another writer that does not finish": file.held,
            }
            for name, start in faults.items():
                prover.tally = Tally()
                slow = name.startswith("another")
                for route in routes[:: min(every, 4) if slow else 1]:
                    fault = Fault(name, start, blocks_writes=start != file.full)
                    prover.prove(route, fault, None)
                embedding.prove(Fault(name, start), None)
                yield f"sqlite, {name}", prover.tally
            yield "sqlite, embedding under each of them", embedding.tally
            yield "sqlite, a folder deleted for good", _delete(stage, file, routes)


def _delete(stage: Harness, file: File, routes: list[Route]) -> Tally:
    """What is deleted stays refused, also where an empty file took its place, until it is put back."""
    api, tally = stage.client(), Tally()
    prepare(api, "kept")
    file.backend._db.all("PRAGMA wal_checkpoint(TRUNCATE)")
    copy = file.path.parent.with_name("backup.db")
    shutil.copyfile(file.path, copy)
    shutil.rmtree(file.path.parent)
    for replaced in (False, True):
        if replaced:
            file.path.parent.mkdir()
            sqlite3.connect(file.path).close()
            file.path.touch()
        for route in routes:
            let_age(route)
            answer = send(api, route, "kept")
            tally.note(answer.status_code, 0.0, None)
            if answer.status_code != (route.expected if route.operation in WITHOUT_STORE else 503):
                text = answer.get_data(as_text=True)
                tally.problems.append(f"{route.name} after deletion: {answer.status_code}: {text}")
    copy.replace(file.path)
    if api.ok("GET", "/dialogue/d?namespace=kept")["totalMessages"] != 3:
        tally.problems.append("the backup that was put back is not served")
    api.ok("POST", "/message", {"dialogueId": "d", "namespace": "kept", "role": "user", "content": "on"})
    return tally
