"""``colloquy backup`` and ``colloquy restore``: nothing is lost, and half a restore is no store."""

from __future__ import annotations

import gzip
import hashlib
import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import orjson
import pymongo
import pytest
from typer.testing import CliRunner, Result

from app.cli.program import cli
from app.domain.errors import ServiceUnavailable
from app.domain.records import Scope, ScopeFilter, Tombstone
from app.opening import open_backend
from app.services import dialogues, messages
from app.services.bootstrap import DEFAULT_PROJECT
from app.services.inputs import UNCONDITIONAL
from app.settings import Settings
from app.stores import Backend
from app.transfer.backup import Entry, dump, load
from app.transfer.backup_file import write_archive
from app.transfer.conversation import Conversation
from tests.integration.everything import PROJECT, fill, first_key, observe, open_api
from tests.integration.importing import bring_in, check_store, drafter
from tests.ports import free_port
from tests.server import ROOT

SCOPE = Scope(DEFAULT_PROJECT)


class Place:
    """A store that commands are pointed at by its URL."""

    def __init__(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url = url
        self._monkeypatch = monkeypatch

    def run(self, *arguments: str) -> Result:
        """Run a command on it."""
        self._monkeypatch.setenv("COLLOQUY_STORE_URL", self.url)
        return CliRunner().invoke(cli, arguments)

    def ok(self, *arguments: str) -> Result:
        """Run a command that must succeed."""
        result = self.run(*arguments)
        assert result.exit_code == 0, result.stderr
        return result

    def refused(self, *arguments: str) -> str:
        """Run a command that must fail with one line, and return that."""
        result = self.run(*arguments)
        lines = result.stderr.splitlines()
        assert (result.exit_code, len(lines)) == (1, 1), result.stderr
        return lines[0]

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "app", *arguments],
            cwd=ROOT,
            env=os.environ | {"COLLOQUY_STORE_URL": self.url},
            stderr=subprocess.DEVNULL,
        )

    def open(self) -> Backend:
        """Open it, migrated."""
        backend = open_backend(Settings(store_url=self.url))
        backend.migrate()
        return backend


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Give what makes places of each kind, in which nothing is yet."""
    for name in [name for name in os.environ if name.startswith("COLLOQUY_")]:
        monkeypatch.delenv(name)
    made: list[str] = []

    def sqlite() -> Place:
        return Place(f"sqlite:///{tmp_path}/{secrets.token_hex(3)}/store.db", monkeypatch)

    def mongodb() -> Place:
        server = os.environ.get("MONGODB_URI")
        if not server:
            pytest.skip("MONGODB_URI names no MongoDB server")
        name = "test_" + secrets.token_hex(6)
        made.append(urlunsplit(urlsplit(server)._replace(path="/" + name)))
        return Place(made[-1], monkeypatch)

    yield {"sqlite": sqlite, "mongodb": mongodb}
    for url in made:
        with pymongo.MongoClient[dict[str, Any]](url) as client:
            client.drop_database(urlsplit(url).path[1:])


def talk(backend: Backend, dialogue_id: str, name: str) -> None:
    """Append a message to a dialogue, which is made where it is missing."""
    draft = drafter().draft(
        Conversation({"id": dialogue_id}, [{"id": name, "role": "user", "content": name}])
    )
    work = partial(messages.append_one, dialogue_id=dialogue_id, condition=UNCONDITIONAL)
    backend.write(SCOPE, partial(work, draft=draft[1].messages[0]))


KINDS = [("sqlite", "sqlite"), ("sqlite", "mongodb"), ("mongodb", "sqlite")]


@pytest.mark.parametrize(("there", "here"), KINDS)
def test_a_restored_store_answers_as_the_one_that_was_backed_up(
    places: dict[str, Any], tmp_path: Path, there: str, here: str
) -> None:
    """Every answer is the same, from one kind of store into the other too; keys and the audit are there."""
    source, target = places[there](), places[here]()
    backend = source.open()
    open_api(backend, "")
    key = first_key(backend)
    api = open_api(backend, key)
    known, creations = fill(api)
    api.ok("PUT", f"/projects/{PROJECT}", {"immutable": True})
    while backend.sweep():
        pass
    backend.reindex()
    asked = api.post("/memory", {"value": 1}, headers={"Idempotency-Key": "once"}).get_data()
    source.ok("backup", str(tmp_path / "file"))
    original = observe(api, known, creations)
    target.ok("restore", str(tmp_path / "file"))
    restored = target.open()
    copied = open_api(restored, key)

    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600
    again = copied.post("/memory", {"value": 1}, headers={"Idempotency-Key": "once"})
    assert again.get_data() == asked
    said = observe(copied, known, creations)
    assert [what for what, answer in said.items() if original.get(what) != answer] == []
    etags = [one.get("/dialogue/plain").headers["ETag"] for one in (copied, open_api(backend, key))]
    assert etags[0] == etags[1]
    audit = open_api(restored, key).ok("GET", "/audit", query={"limit": 500})["items"]
    assert {"key.created", "project.exported"} <= {entry["action"] for entry in audit}
    for name in (PROJECT, DEFAULT_PROJECT):
        check_store(restored, name)
    restored.close()
    backend.close()


@pytest.mark.parametrize("kind", ["sqlite", "mongodb"])
def test_a_backup_under_writes_has_all_that_was_acknowledged_before_it(
    places: dict[str, Any], tmp_path: Path, kind: str
) -> None:
    """Others append, delete and make threads meanwhile; each dialogue is whole, and verify is clean."""
    source, target = places[kind](), places["sqlite"]()
    backend = source.open()
    bring_in(backend, [{"id": f"d{number}", "messages": turns(30)} for number in range(60)])
    stop = threading.Event()
    failures: list[BaseException] = []

    def write(number: int) -> None:
        count = 0
        try:
            while not stop.is_set():
                name = f"d{(number * 17 + count) % 60}"
                talk(backend, name, f"w{number}-{count}")
                bring_in(backend, [{"id": f"t{number}-{count}", "threadOf": name, "messages": turns(1)}])
                if count % 7 == 0:
                    gone = f"t{number}-{count}"
                    work = partial(dialogues.delete, dialogue_id=gone, condition=UNCONDITIONAL)
                    backend.write(SCOPE, work)
                count += 1
        except BaseException as error:  # noqa: BLE001  # shown below
            failures.append(error)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for writer in writers:
        writer.start()
    time.sleep(0.3)
    source.ok("backup", str(tmp_path / "file"))
    stop.set()
    for writer in writers:
        writer.join()
    target.ok("restore", str(tmp_path / "file"))
    restored = target.open()

    assert failures == []
    check_store(restored)
    for number in range(60):
        found = restored.get_dialogue(SCOPE, f"d{number}")
        assert found is not None
        assert found.total >= 30
    restored.close()
    backend.close()


def turns(count: int) -> list[dict[str, Any]]:
    """Return messages."""
    return [{"id": f"m{place}", "role": "user", "content": f"m{place} " * 20} for place in range(count)]


@pytest.mark.parametrize("kind", ["sqlite", "mongodb"])
def test_a_restore_that_was_killed_is_repeated(places: dict[str, Any], tmp_path: Path, kind: str) -> None:
    """What it left is no store: it is not ready, and the next restore begins anew."""
    source, target = places["sqlite"](), places[kind]()
    backend = source.open()
    bring_in(backend, [{"id": f"d{number}", "messages": turns(60)} for number in range(60)])
    archive = tmp_path / "archive"
    write_archive_of(backend, archive)
    backend.close()
    process = target.start("restore", str(archive))
    waited = wait_for(partial(is_under_way, target))
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert waited
    if kind == "sqlite":
        assert not Path(target.url.removeprefix("sqlite:///")).exists()
    else:
        assert "interrupted" in target.refused("verify")
        half = open_backend(Settings(store_url=target.url))
        with pytest.raises(ServiceUnavailable, match="interrupted"):
            half.check_ready()
        half.close()
    target.ok("restore", str(archive))
    restored = target.open()

    restored.check_ready()
    assert restored.stats(scope_filter()).messages == 3600
    check_store(restored)
    restored.close()


def write_archive_of(backend: Backend, path: Path) -> None:
    """Write an archive, whatever the store."""
    write_archive(path, dump(backend))


def scope_filter() -> Any:
    """Return the filter for the default project."""
    return ScopeFilter(DEFAULT_PROJECT)


def is_under_way(target: Place) -> bool:
    """Whether a restore has stored some of the dialogues."""
    if target.url.startswith("sqlite"):
        path = Path(target.url.removeprefix("sqlite:///"))
        beside = path.with_name(f".{path.name}.restoring")
        if not beside.exists():
            return False
        try:
            with closing(sqlite3.connect(f"{beside.as_uri()}?mode=ro", uri=True)) as connection:
                return bool(connection.execute("SELECT count(*) > 5 FROM dialogue").fetchone()[0])
        except sqlite3.Error:
            return False
    with pymongo.MongoClient[dict[str, Any]](target.url) as client:
        return client[urlsplit(target.url).path[1:]]["dialogues"].count_documents({}) > 5


def wait_for(condition: Any, seconds: float = 60.0) -> bool:
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


def test_a_backup_of_a_later_release_that_lets_this_one_serve_is_restored(
    places: dict[str, Any], tmp_path: Path
) -> None:
    """As its store would be served."""
    source, target = places["sqlite"](), places["sqlite"]()
    bring_in(source.open(), [{"id": "d", "messages": turns(2)}])
    copy = tmp_path / "copy"
    source.ok("backup", str(copy))
    with closing(sqlite3.connect(copy)) as connection:
        connection.execute("PRAGMA user_version = 999")
    target.ok("restore", str(copy))
    target.open().check_ready()


def test_what_is_no_whole_backup_is_refused(places: dict[str, Any], tmp_path: Path) -> None:
    """Cut short, changed, of a later format, something else: each is said in a line, and no store made."""
    source, target = places["sqlite"](), places["sqlite"]()
    backend = source.open()
    bring_in(backend, [{"id": f"d{number}", "messages": turns(50)} for number in range(40)])
    copy, archive = tmp_path / "copy", tmp_path / "archive"
    source.ok("backup", str(copy))
    write_archive_of(backend, archive)
    lines = gzip.decompress(archive.read_bytes()).splitlines(keepends=True)
    first = orjson.loads(lines[0])
    later = tmp_path / "later.db"
    later.write_bytes(copy.read_bytes())
    with closing(sqlite3.connect(later)) as connection:
        connection.execute("PRAGMA user_version = 999")
        connection.execute("UPDATE meta SET value = 999 WHERE name = 'oldest'")
        connection.commit()
    foreign = tmp_path / "foreign.db"
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE x (y)")
    half = copy.stat().st_size // 8192 * 4096
    cases = {
        copy.read_bytes()[:half]: "cut short",
        copy.read_bytes()[: half + 77]: "cut short",
        later.read_bytes(): "later release",
        foreign.read_bytes(): "no store",
        archive.read_bytes()[:-9]: "cut short",
        archive.read_bytes()[:3000]: "cut short",
        gzip.compress(b"".join(lines[:-1])): "cut short",
        gzip.compress(b"".join([*lines[:5], *lines[6:]])): "cut short",
        gzip.compress(orjson.dumps(first | {"colloquyBackup": 2}) + b"\n"): "this one reads 1",
        gzip.compress(b'{"id":"c"}\n'): "no backup",
        gzip.compress(b"hello"): "damaged",
        b"hello, this is a text": "no backup",
        b"": "damaged",
    }
    for content, reason in cases.items():
        path = tmp_path / "bad"
        path.write_bytes(content)
        assert reason in target.refused("restore", str(path)), reason
    assert "No such file" in target.refused("restore", str(tmp_path / "nothing"))
    assert "there is no store at" in target.refused("backup", str(tmp_path / "x"))
    assert "there is a store at" in source.refused("restore", str(copy))
    assert not (tmp_path / "x").exists()
    assert "there is no folder" in source.refused("backup", str(tmp_path / "no" / "x"))
    target.ok("migrate")
    target.ok("restore", str(copy))
    assert "there is a store at" in target.refused("restore", str(copy))
    backend.close()


def test_a_record_of_another_release_is_refused(places: dict[str, Any], tmp_path: Path) -> None:
    """A record with a field that this release does not know is not cut down to what it knows."""
    lines = [b'{"colloquyBackup":1,"release":"9"}\n']
    lines.append(
        orjson.dumps(["project", "p", "", {"name": "p", "created": "", "immutable": True, "x": 1}]) + b"\n"
    )
    digest = hashlib.sha256(b"".join(lines)).hexdigest()
    path = tmp_path / "archive"
    path.write_bytes(gzip.compress(b"".join([*lines, orjson.dumps({"end": 2, "sha256": digest}) + b"\n"])))

    assert "has a project that this release cannot read" in places["sqlite"]().refused("restore", str(path))


def test_a_full_database_is_refused(places: dict[str, Any], tmp_path: Path) -> None:
    """MongoDB too is restored into only while it is empty."""
    target = places["mongodb"]()
    target.open().close()
    source = places["sqlite"]()
    backend = source.open()
    bring_in(backend, [{"id": "d", "messages": turns(1)}])
    source.ok("backup", str(tmp_path / "file"))
    target.ok("restore", str(tmp_path / "file"))
    backend.close()

    assert "holds something already" in target.refused("restore", str(tmp_path / "file"))


def test_a_database_that_is_away_is_not_awaited_for_long(
    places: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restore gives up within the limit of a request, not that of a migration, which is an hour."""
    source = places["sqlite"]()
    source.open().close()
    source.ok("backup", str(tmp_path / "file"))
    monkeypatch.setenv("COLLOQUY_REQUEST_TIMEOUT", "0.5")
    monkeypatch.setattr("app.stores.mongo.backups.MIGRATION_SECONDS", 60.0)
    begun = time.monotonic()

    refused = Place(f"mongodb://127.0.0.1:{free_port()}/x", monkeypatch).refused(
        "restore", str(tmp_path / "file")
    )

    assert "cannot be used" in refused
    assert time.monotonic() - begun < 30


def test_what_is_deleted_during_a_backup_is_in_it_once(places: dict[str, Any], backend: Backend) -> None:
    """A dialogue that was written down living and then found deleted is restored as it was at first."""
    restored = places["sqlite"]().open()
    bring_in(backend, [{"id": "d", "messages": turns(3)}, {"id": "e", "messages": turns(2)}])
    entries = list(dump(backend))
    living = next(entry.record for entry in entries if getattr(entry.record, "id", None) == "d")
    uid = living.uid  # type: ignore[union-attr]  # the entry of this id is a dialogue
    rows = [entry for entry in entries if getattr(entry.record, "uid", None) == uid][1:]
    load(
        restored,
        [*entries, Entry(SCOPE, Tombstone("d", uid, purged=False)), *rows],
        lambda _: None,
        pytest.fail,
    )

    check_store(restored)
    assert restored.stats(scope_filter()).messages == 5
    restored.close()
