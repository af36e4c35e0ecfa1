"""An export holds everything: what is made of it answers as what it was made from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.domain.records import Project, Scope, ScopeFilter, Timestamp
from app.services import dialogues, messages, restore_inputs
from app.services.inputs import UNCONDITIONAL as NOW
from app.stores import Backend
from app.transfer import loader
from app.transfer.conversation import Conversation
from app.transfer.drafting import Drafting
from app.transfer.exporter import Counts, Selection, export_whole
from app.transfer.intake import Choices, Intake
from app.transfer.parts import LEFT_OUT, StoreParts
from app.transfer.tally import Tally
from tests.conftest import open_backend
from tests.integration.everything import PROJECT, fill, first_key, observe, open_api
from tests.integration.importing import bring_in, check_store, document, drafter


def lines_of(backend: Backend) -> list[bytes]:
    """Return the lines of an export with keys."""
    pieces = export_whole(backend, Selection(ScopeFilter(PROJECT)), Counts(), with_keys=True)
    return "".join(pieces).encode().splitlines()


def take_in(backend: Backend, lines: list[bytes]) -> tuple[Tally, list[str]]:
    """Import lines with settings and keys."""
    reports: list[str] = []
    tally = Tally(reports.append)
    into = loader.StoreLoader(backend, PROJECT, Drafting(drafter()), tally)
    into.parts = StoreParts(backend, PROJECT, drafter(), tally, with_keys=True)
    Intake(into, drafter(), tally, Choices()).run([document(*lines)], lambda: None)
    return tally, reports


@contextmanager
def opened(kind: str, folder: Path) -> Iterator[Backend]:
    """Give a fresh store."""
    folder.mkdir()
    yield from open_backend(kind, folder)


@pytest.mark.parametrize("route", [("sqlite", "mongomock"), ("mongodb", "sqlite")])
def test_a_round_trip_changes_no_answer(route: tuple[str, str], tmp_path: Path) -> None:
    """From one store into the other and back into a third, every answer stays the same to the byte."""
    there, back = route
    with ExitStack() as stack:
        first = stack.enter_context(opened(there, tmp_path / "1"))
        second = stack.enter_context(opened(back, tmp_path / "2"))
        third = stack.enter_context(opened(there, tmp_path / "3"))
        key = first_key_of(first)
        api = open_api(first, key)
        known, creations = fill(api)
        api.ok("PUT", f"/projects/{PROJECT}", {"retention": {"memoryDays": 30, "endedDays": 9}})
        while first.sweep():  # until then words of what is purged weigh in a search
            pass
        original = observe(api, known, creations)
        for source, copy in ((first, second), (second, third)):
            copied = open_api(copy, key)
            tally, reports = take_in(copy, lines_of(source))
            assert (reports, tally.different, tally.bad, dict(tally.notes)) == ([], 0, 0, {})
            said = observe(copied, known, creations)
            assert said.keys() == original.keys()
            for asked, answer in said.items():
                assert answer == original[asked], asked
            check_store(copy, PROJECT)
    assert len(original) > 500


def first_key_of(backend: Backend) -> str:
    """Return the key of a store that has a project."""
    open_api(backend, "")
    return first_key(backend)


MESSAGES = [
    {
        "id": f"m{place}",
        "role": "user",
        "content": f"m{place}",
        "created": f"2026-01-0{place + 1}T00:00:00.000Z",
    }
    for place in range(4)
]


def exported(backend: Backend) -> list[dict[str, Any]]:
    """Return the lines of an export as values."""
    return [orjson.loads(line) for line in lines_of(backend)]


def dialogue_line(backend: Backend) -> dict[str, Any]:
    """Return the one dialogue of an export of a project with four messages of it, of which two are left."""
    scope = Scope(PROJECT)
    bring_in(backend, [{"id": "d", "messages": MESSAGES}], PROJECT)
    for message_id in ("m1", "m3"):
        backend.write(scope, partial(messages.delete, dialogue_id="d", message_id=message_id, condition=NOW))
    return next(line for line in exported(backend) if line["type"] == "dialogue")


def test_what_was_deleted_before_an_export_leaves_room_for_what_came_after(
    sqlite_backend: Backend, other_backend: Backend
) -> None:
    """A later export of a dialogue with gaps is added to its copy; what was deleted there stays so."""
    dialogue_line(sqlite_backend)
    take_in(other_backend, lines_of(sqlite_backend))
    other_backend.write(
        Scope(PROJECT), partial(messages.delete, dialogue_id="d", message_id="m0", condition=NOW)
    )
    bring_in(sqlite_backend, [{"id": "d", "messages": [*MESSAGES, MESSAGES[0] | {"id": "m4"}]}], PROJECT)
    tally, _ = take_in(other_backend, lines_of(sqlite_backend))
    found = other_backend.get_dialogue(Scope(PROJECT), "d")

    assert (tally.messages, tally.deleted) == (1, 1)
    assert found is not None
    kept = other_backend.messages_since(Scope(PROJECT), "d", found.uid, -1)
    assert [(message.id, message.seq) for message in kept] == [("m2", 2), ("m4", 4)]
    check_store(other_backend, PROJECT)


def test_copies_that_went_different_ways_keep_what_each_has(
    sqlite_backend: Backend, other_backend: Backend
) -> None:
    """A message whose number another one has taken here is added behind it, and is not thought deleted."""
    dialogue_line(sqlite_backend)
    take_in(other_backend, lines_of(sqlite_backend))
    for backend, name in ((sqlite_backend, "there"), (other_backend, "here")):
        draft = drafter().draft(Conversation({"id": "d"}, [MESSAGES[0] | {"id": name}]))[1].messages[0]
        backend.write(
            Scope(PROJECT), partial(messages.append_one, dialogue_id="d", draft=draft, condition=NOW)
        )
    tally, reports = take_in(other_backend, lines_of(sqlite_backend))
    found = other_backend.get_dialogue(Scope(PROJECT), "d")

    assert (tally.messages, reports) == (1, [])
    assert found is not None
    kept = other_backend.messages_since(Scope(PROJECT), "d", found.uid, -1)
    assert [message.id for message in kept] == ["m0", "m2", "here", "there"]
    check_store(other_backend, PROJECT)


def test_a_copy_under_an_id_that_was_deleted_later_here_is_numbered_anew(
    sqlite_backend: Backend, other_backend: Backend
) -> None:
    """It gets a uid behind the deleted one's, and its summaries account for the same messages."""
    line = dialogue_line(sqlite_backend)
    body = {"id": "s", "dialogueId": "d", "created": "2026-01-01T00:00:00.000Z", "namespace": "gone"}
    summary = {"throughSeq": 2, "ranged": False, "completed": True, "stale": False, "hash": "", "body": body}
    bring_in(other_backend, [{"id": "d", "messages": MESSAGES}], PROJECT)
    other_backend.write(Scope(PROJECT), partial(dialogues.delete, dialogue_id="d", condition=NOW))
    take_in(other_backend, [orjson.dumps(line | {"summaries": [summary]})])
    found = other_backend.get_dialogue(Scope(PROJECT), "d")

    assert found is not None
    assert found.uid > line["uid"]
    assert (found.next_seq, found.created_count) == (2, 2)
    stored = other_backend.get_summary(Scope(PROJECT), "s")
    assert stored is not None
    assert stored.through_seq == 1
    assert orjson.loads(stored.body).get("namespace") is None
    check_store(other_backend, PROJECT)


def test_an_interrupted_import_of_a_deleted_dialogue_is_completed(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More messages than one transaction takes come in steps; a second run adds what the first had left."""
    for module in (restore_inputs, loader):
        monkeypatch.setattr(module, "STEP", 100)  # mongomock compares a new message with all others
    rows = [
        {
            **MESSAGES[0],
            "id": f"m{place}",
            "seq": place,
            "hash": "",
            "modified": "2026-01-01T00:00:00.000Z",
        }
        for place in range(130)
    ]
    line: dict[str, Any] = {"colloquy": 2, "type": "deleted", "id": "d", "uid": "01M8GN6DGE6MB3D69KB26WTWSZ"}
    take_in_project(backend)
    take_in(backend, [orjson.dumps(line | {"messages": rows[:70]})])
    again, reports = take_in(backend, [orjson.dumps(line | {"messages": rows})])
    third, _ = take_in(backend, [orjson.dumps(line | {"messages": rows})])

    assert (again.messages, again.tombstones, reports) == (60, 0, [])
    assert (third.messages, third.unchanged) == (0, 1)
    assert len(list(backend.messages_since(Scope(PROJECT), "d", line["uid"], -1))) == 130
    check_store(backend, PROJECT)


def test_a_dialogue_that_lives_here_is_not_deleted_by_an_import(sqlite_backend: Backend) -> None:
    """It is counted as different."""
    line = dialogue_line(sqlite_backend)
    deleted = {"colloquy": 2, "type": "deleted", "id": "d", "uid": line["uid"], "messages": []}
    tally, reports = take_in(sqlite_backend, [orjson.dumps(deleted)])

    assert (tally.different, tally.tombstones, reports) == (1, 0, [])
    assert sqlite_backend.get_dialogue(Scope(PROJECT), "d") is not None


def test_a_project_that_holds_something_keeps_its_settings(sqlite_backend: Backend) -> None:
    """What differs is said; keys come only where they are asked for, and once."""
    dialogue_line(sqlite_backend)
    key = {"colloquy": 2, "type": "key", "id": "k", "hash": "ab", "rights": "read", "created": "2026"}
    project = {
        "colloquy": 2,
        "type": "project",
        "id": "x",
        "immutable": True,
        "created": "2026-01-01T00:00:00Z",
    }
    lines = [orjson.dumps(line) for line in (project, key, key | {"hash": "cd"}, key)]
    tally, reports = take_in(sqlite_backend, lines)
    without, _ = bring_in(sqlite_backend, lines, PROJECT)
    found = sqlite_backend.get_project(PROJECT)

    assert (tally.keys, reports, sum(tally.notes.values())) == (1, [], 1)
    assert found is not None
    assert not found.immutable
    assert [one.hash for one in sqlite_backend.list_keys(PROJECT)] == ["ab"]
    assert dict(without.notes) == {LEFT_OUT: 3}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"colloquy": 3}, "up to version 2"),
        ({"type": "poem"}, "type is none"),
        ({"uid": "x"}, "uid is no ULID"),
        ({"nextSeq": -1}, "nextSeq is no number"),
        ({"createHash": 7}, "createHash is no fingerprint"),
        ({"summaries": [1]}, "summaries is not an array"),
        ({"summaries": [{}]}, "A summary has no body"),
        ({"summaries": [{"body": {"id": "s", "dialogueId": "d", "created": "2026"}}]}, "ranged, completed"),
        ({"type": "deleted", "id": None}, "Invalid"),
        ({"type": "memory", "created": None}, "created is missing"),
        ({"type": "key"}, "rights are none"),
        ({"type": "key", "rights": "read", "id": 3}, "id of a key is no text"),
        ({"type": "key", "rights": "read", "id": None}, "A key has no id"),
        ({"type": "project", "immutable": "x", "id": "p"}, "immutable"),
    ],
)
def test_bad_lines_say_why(sqlite_backend: Backend, change: dict[str, Any], reason: str) -> None:
    """Nothing of such a line is stored."""
    line = dialogue_line(sqlite_backend)
    if change.get("type") in ("key", "project"):
        line = {"colloquy": 2}
    tally, reports = take_in(sqlite_backend, [orjson.dumps(line | change)])

    assert tally.bad == 1
    assert reason in reports[0] or reason == "Invalid"


def test_an_export_that_is_cut_short_is_known(sqlite_backend: Backend) -> None:
    """What is there is imported, and the missing end is reported."""
    dialogue_line(sqlite_backend)
    tally, reports = take_in(sqlite_backend, lines_of(sqlite_backend)[:-1])

    assert tally.bad == 1
    assert "cut short" in reports[0]


def test_the_messages_are_in_order(sqlite_backend: Backend) -> None:
    """A line whose numbers do not grow is refused."""
    line = dialogue_line(sqlite_backend)
    line["messages"][1]["seq"] = 0
    _, reports = take_in(sqlite_backend, [orjson.dumps(line)])

    assert "order of their seq" in reports[0]


@pytest.fixture
def other_backend(tmp_path: Path) -> Iterator[Backend]:
    """Give a second, empty store, which has the project."""
    with opened("sqlite", tmp_path / "other") as store:
        take_in_project(store)
        yield store


def take_in_project(backend: Backend) -> None:
    """Make the project."""
    backend.create_project(Project(PROJECT, immutable=False, created=Timestamp("2026-01-01T00:00:00.000Z")))
