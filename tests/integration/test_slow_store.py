"""Imports and restores go on where a store is too slow for a transaction, and neither lose nor double."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from typer.testing import CliRunner

from app.cli.program import cli
from app.domain.errors import ServiceUnavailable
from app.domain.records import Scope
from app.opening import open_backend
from app.services.bootstrap import DEFAULT_PROJECT
from app.settings import Settings
from app.stores import Backend
from app.transfer import backup, loader, patience
from app.transfer.backup import Entry, dump, load
from app.transfer.backup_file import write_archive
from tests.integration.everything import fill, first_key, open_api
from tests.integration.importing import SCOPE, bring_in, check_store, texts

Work = Callable[[Any], Any]
Write = Callable[[Scope, Work], Any]
Disturb = Callable[[Write], Write]

WHEN = "2026-01-01T00:00:00.000Z"
LINES = [
    *({"id": f"d{number}", "messages": [{"role": "user", "content": "hi"}] * 7} for number in range(9)),
    {"id": "long", "messages": [{"role": "user", "content": f"m{place}"} for place in range(120)]},
]
MEMORIES = [
    {
        "colloquy": 2,
        "type": "memory",
        "id": f"memory-{number}",
        "value": number,
        "created": WHEN,
        "modified": WHEN,
        "hash": "0" * 64,
    }
    for number in range(5)
]
LARGEST = 5
"""How many rows of messages the store takes that refuses large transactions."""


class Narrow:
    """A transaction that does not come to its end in time when it has many messages."""

    def __init__(self, tx: Any) -> None:
        self._tx = tx
        self._count = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    def insert_messages(self, messages: Any, *known: Any) -> None:
        """Store them, unless they are too many."""
        self._count += len(messages)
        if self._count > LARGEST:
            raise ServiceUnavailable
        self._tx.insert_messages(messages, *known)


def refuse_some(write: Write) -> Write:
    """Refuse four tries of every twelve."""
    tries = 0

    def disturbed(scope: Scope, work: Work) -> Any:
        nonlocal tries
        tries += 1
        if tries % 12 < 5:
            raise ServiceUnavailable
        return write(scope, work)

    return disturbed


def refuse_large(write: Write) -> Write:
    """Refuse transactions of many messages."""
    return lambda scope, work: write(scope, lambda tx: work(Narrow(tx)))


def leave_in_doubt(write: Write) -> Write:
    """Commit each other write, and do not say so."""
    tries = 0

    def disturbed(scope: Scope, work: Work) -> Any:
        nonlocal tries
        tries += 1
        result = write(scope, work)
        if tries % 2:
            raise ServiceUnavailable
        return result

    return disturbed


DISTURBANCES = [
    pytest.param(refuse_some, id="refuses"),
    pytest.param(refuse_large, id="refuses large", marks=pytest.mark.transactions),
    pytest.param(leave_in_doubt, id="in doubt"),
]


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSES", (0.0,) * len(patience.PAUSES))


def _disturb(backend: Backend, monkeypatch: pytest.MonkeyPatch, disturb: Disturb) -> None:
    monkeypatch.setattr(backend, "write", disturb(cast("Write", backend.write)))


@pytest.mark.parametrize("disturb", DISTURBANCES)
def test_an_import_goes_on(backend: Backend, monkeypatch: pytest.MonkeyPatch, disturb: Disturb) -> None:
    """Everything is there once and in order, and the user is told once."""
    with monkeypatch.context() as patched:
        _disturb(backend, patched, disturb)
        tally, reports = bring_in(backend, LINES)
        more, _ = bring_in(backend, MEMORIES)

    assert (tally.bad, more.bad, len(reports)) == (0, 0, 1)
    assert reports[0].startswith("The store is slow, and the command goes on")
    assert texts(backend, "long") == [f"m{place}" for place in range(120)]
    assert [len(texts(backend, f"d{number}")) for number in range(9)] == [7] * 9
    assert all(backend.get_memory(SCOPE, f"memory-{number}") for number in range(5))
    check_store(backend)


@pytest.mark.transactions
@pytest.mark.parametrize("disturb", DISTURBANCES)
def test_a_long_conversation_is_stored_in_smaller_steps(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, disturb: Disturb
) -> None:
    """One that takes several transactions anyway goes on from the step that was refused."""
    lines = [{"id": "d", "messages": [{"role": "user", "content": f"m{place}"} for place in range(1010)]}]
    with monkeypatch.context() as patched:
        patched.setattr("tests.integration.test_slow_store.LARGEST", 130)
        _disturb(backend, patched, disturb)
        tally, _ = bring_in(backend, lines)

    assert tally.bad == 0
    assert texts(backend, "d") == [f"m{place}" for place in range(1010)]
    check_store(backend)


def test_an_import_ends_when_nothing_is_taken(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tries are bounded; what was stored before stays, and a repeat goes on from there."""
    monkeypatch.setattr(loader, "BATCH_DIALOGUES", 2)
    calls = 0
    write = cast("Write", backend.write)

    def failing(scope: Scope, work: Work) -> Any:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise ServiceUnavailable
        return write(scope, work)

    with monkeypatch.context() as patched:
        patched.setattr(backend, "write", failing)
        with pytest.raises(ServiceUnavailable):
            bring_in(backend, LINES)

    assert calls == 1 + 1 + len(patience.PAUSES)
    tally, _ = bring_in(backend, LINES)
    assert (tally.dialogues, tally.unchanged) == (8, 2)
    check_store(backend)


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    """Give the records of a store that has something of everything."""
    path: Path = tmp_path_factory.mktemp("source") / "store.db"
    with closing(open_backend(Settings(store_url=f"sqlite:///{path}"))) as source:
        source.migrate()
        api = open_api(source, first_key(source))
        fill(api)
        api.post("/memory", {"value": 1}, headers={"Idempotency-Key": "once"})
        bring_in(source, LINES)
        found = list(dump(source))
    kinds = {type(entry.record) for entry in found}
    assert kinds == set(backup.Record.__args__)
    return found


@pytest.mark.parametrize("rows", [1, 3, 1000])
@pytest.mark.parametrize("disturb", DISTURBANCES)
def test_a_restore_goes_on(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, entries: list[Entry], disturb: Disturb, rows: int
) -> None:
    """The store holds each record once, as it was, whichever is the first of its transaction."""
    reports: list[str] = []
    restored: list[Entry] = []
    with monkeypatch.context() as patched:
        patched.setattr(backup, "BATCH_ROWS", rows)
        _disturb(backend, patched, disturb)
        load(backend, entries, restored.append, reports.append)

    assert restored == entries
    assert len(reports) == (disturb is not refuse_large or rows > LARGEST)
    assert _comparable(dump(backend)) == _comparable(entries)
    check_store(backend, DEFAULT_PROJECT)


def _comparable(entries: Any) -> list[str]:
    return sorted(map(repr, entries))


@pytest.fixture
def in_vain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Give what runs a command that must fail, on a store in a file, and returns its lines of errors."""
    monkeypatch.setenv("COLLOQUY_STORE_URL", f"sqlite:///{tmp_path / 'store.db'}")

    def run(*arguments: str) -> list[str]:
        result = CliRunner().invoke(cli, arguments)
        assert result.exit_code == 1
        return result.stderr.splitlines()

    return run


def _refuse(*_: Any, **__: Any) -> Any:
    raise ServiceUnavailable


def test_an_import_that_ends_says_what_is_done(
    in_vain: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last lines say how much is stored, and what was wrong."""
    file = tmp_path / "lines.jsonl"
    file.write_bytes(b"\n".join(map(orjson.dumps, LINES)))
    monkeypatch.setattr(loader, "restore", _refuse)

    told, done, reason = in_vain("import", str(file))

    assert told.startswith("The store is slow, and the command goes on")
    assert done == "colloquy: 0 dialogues and 0 messages were imported; the same command goes on from there"
    assert "cannot be used" in reason


def test_a_restore_that_ends_says_what_is_done(
    in_vain: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entries: list[Entry]
) -> None:
    """The last lines say how much was stored, and what was wrong; no store is left."""
    file = tmp_path / "archive"
    write_archive(file, entries)
    monkeypatch.setattr(backup, "_insert", _refuse)

    told, done, reason = in_vain("restore", str(file))

    assert told.startswith("The store is slow, and the command goes on")
    assert done == "colloquy: 0 messages were restored; the restore begins again when it is repeated"
    assert "cannot be used" in reason
    assert not (tmp_path / "store.db").exists()
