"""Importing and exporting, on each store."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from app.domain import timestamps
from app.domain.records import Project, Scope, ScopeFilter, Status
from app.schemas.specification import find_spec
from app.services import dialogues, messages, restore
from app.services.first_start import DEFAULT_PROJECT
from app.services.inputs import Condition
from app.services.verify import Seen, verify
from app.stores import Backend
from app.transfer.drafts import Drafter
from app.transfer.exporter import export
from app.transfer.intake import Intake
from app.transfer.loader import NoLoader, StoreLoader
from app.transfer.reader import Files, Line
from app.transfer.tally import Tally

DATA = Path(__file__).parents[3] / "shared" / "data"
SCOPE = Scope(DEFAULT_PROJECT)


@lru_cache
def drafter() -> Drafter:
    """Return the checker of conversations, its schemas compiled once."""
    return Drafter(yaml.load(find_spec().read_bytes(), Loader=yaml.CSafeLoader))


def bring_in(
    backend: Backend, lines: Iterable[Any], project: str = DEFAULT_PROJECT, namespace: str | None = None
) -> tuple[Tally, list[str]]:
    """Import lines (values, bytes or Line) and return the counts and the reports."""
    backend.create_project(Project(project, immutable=False, created=timestamps.now()))
    reports: list[str] = []
    tally = Tally(reports.append)
    loader = StoreLoader(backend, project, drafter(), tally)
    Intake(loader, tally, namespace).run(map(_line, lines, range(1, 100_000)), lambda: None)
    return tally, reports


def _line(value: Any, number: int) -> Line:
    if isinstance(value, Line):
        return value
    return Line("test", number, value if isinstance(value, bytes) else orjson.dumps(value))


def export_all(backend: Backend, project: str = DEFAULT_PROJECT, namespace: str | None = None) -> list[bytes]:
    """Return the lines of an export."""
    text = "".join(export(backend, ScopeFilter(project, namespace), lambda _: None))
    return text.encode().splitlines()


def texts(backend: Backend, dialogue_id: str, scope: Scope = SCOPE) -> list[Any]:
    """Return the contents of a dialogue's messages in the order of acceptance."""
    found = backend.get_dialogue(scope, dialogue_id)
    assert found is not None
    kept = backend.messages_since(scope, dialogue_id, found.uid, -1)
    return [orjson.loads(message.body)["content"] for message in kept]


def check_store(backend: Backend, project: str = DEFAULT_PROJECT) -> None:
    """Hold the whole store against the invariants."""
    assert [str(problem) for problem in verify(backend, project, Seen())] == []


def conversation(dialogue_id: str, count: int) -> dict[str, Any]:
    """Return an OpenAI-style conversation of numbered messages."""
    return {
        "id": dialogue_id,
        "messages": [{"role": "user", "content": f"m{place}"} for place in range(count)],
    }


@pytest.mark.parametrize("count", [0, 1, 25, 26, 999, 1000, 1001, 2500])
def test_a_conversation_of_any_length_is_stored_in_order(sqlite_backend: Backend, count: int) -> None:
    """Every message is there once, in its place, and the counters and embedded messages agree."""
    tally, _ = bring_in(sqlite_backend, [conversation("c", count)])

    assert (tally.dialogues, tally.messages, tally.bad) == (1, count, 0)
    assert texts(sqlite_backend, "c") == [f"m{place}" for place in range(count)]
    check_store(sqlite_backend)


def test_a_second_run_adds_nothing(backend: Backend) -> None:
    """What is there already is recognised, however long, and counted as unchanged."""
    lines = [conversation("short", 3), conversation("long", 130)]
    bring_in(backend, lines)
    before = export_all(backend)
    tally, _ = bring_in(backend, lines)

    assert (tally.dialogues, tally.messages, tally.unchanged, tally.bad) == (0, 0, 2, 0)
    assert export_all(backend) == before


@pytest.mark.transactions
def test_an_interrupted_import_is_completed(backend: Backend) -> None:
    """The messages that an earlier run did not come to are added by the next, and only those."""
    whole = conversation("c", 1500)
    _, record = drafter().draft(_conversation(whole))
    backend.create_project(Project(DEFAULT_PROJECT, immutable=False, created=timestamps.now()))
    backend.write(SCOPE, lambda tx: restore.restore(tx, record))
    tally, _ = bring_in(backend, [whole])

    assert (tally.dialogues, tally.messages) == (0, 500)
    assert texts(backend, "c") == [f"m{place}" for place in range(1500)]
    check_store(backend)


def _conversation(fields: Any) -> Any:
    from app.transfer.sources import read_line  # noqa: PLC0415  # only here

    return read_line(orjson.dumps(fields))


def test_a_different_conversation_under_a_known_id_is_a_bad_line(backend: Backend) -> None:
    """It is reported, nothing of it is stored, and the other lines of its batch are."""
    bring_in(backend, [conversation("b", 2)])
    tally, reports = bring_in(backend, [conversation("a", 1), conversation("b", 3), conversation("c", 1)])

    assert tally.bad == 1
    assert reports[0].startswith("test, line 2: ")
    assert texts(backend, "b") == ["m0", "m1"]
    assert texts(backend, "a") == texts(backend, "c") == ["m0"]


def test_bad_lines_are_reported_with_their_number_and_skipped(backend: Backend) -> None:
    """Sizes and shapes that the API would refuse make a line bad; its neighbours are imported."""
    big = {"id": "big", "messages": [{"role": "user", "content": "x" * 1_100_000}]}
    lines = [
        conversation("ok", 1),
        b"{nonsense",
        big,
        {"id": "role", "messages": [{"role": "robot", "content": "x"}]},
        {"id": "tags", "tags": ["t" * 65], "messages": []},
        {"id": "meta", "metadata": {"m": "x" * 70_000}, "messages": []},
        conversation("ok2", 1),
    ]
    tally, reports = bring_in(backend, lines)

    assert (tally.dialogues, tally.bad) == (2, 5)
    assert [report.split(":")[0] for report in reports] == [f"test, line {number}" for number in range(2, 7)]
    assert "1 MiB" in reports[1]
    assert "role" in reports[2]


def test_a_namespace_can_be_given(backend: Backend) -> None:
    """Everything goes to the namespace that the command names."""
    bring_in(backend, [conversation("c", 2)], namespace="anna@example.org")

    assert texts(backend, "c", Scope(DEFAULT_PROJECT, "anna@example.org")) == ["m0", "m1"]
    assert backend.get_dialogue(SCOPE, "c") is None
    assert len(export_all(backend, namespace="anna@example.org")) == 1
    assert export_all(backend, namespace="") == []


EXPORTED: dict[str, Any] = {
    "colloquy": 1,
    "id": "whole",
    "namespace": "anna",
    "label": "A label",
    "status": "archived",
    "tags": ["b", "a, c"],
    "metadata": {"plan": "pro", "nested": {"$x": [1, 2.5, None]}},
    "created": "2026-01-01T00:00:00.000Z",
    "modified": "2026-02-01T00:00:00.000Z",
    "endedAt": "2026-01-30T00:00:00.000Z",
    "archivedAt": "2026-01-31T00:00:00.000Z",
    "state": {"a.b": {"$set": 1}, "ü": "x"},
    "messages": [
        {
            "id": f"m{place}",
            "role": role,
            "content": content,
            "tags": ["seen"] if place else [],
            "metadata": {"place": place},
            "created": f"2026-01-0{day}T00:00:00.000Z",
            "modified": f"2026-01-1{day}T00:00:00.000Z",
            **({"name": "Anna"} if place == 1 else {}),
        }
        for place, (role, content, day) in enumerate(
            [
                ("system", "be kind", 5),
                ("user", [{"type": "text", "text": "hé"}], 3),
                ("assistant", {"content": None, "tool_calls": [{"id": "t"}]}, 3),
                ("developer", "older", 1),
            ]
        )
    ],
}


def test_an_export_is_read_back_as_it_was(backend: Backend) -> None:
    """Ids, times, tags, label, metadata, status, state, names and both orders survive a round trip."""
    tally, reports = bring_in(backend, [EXPORTED])
    first = export_all(backend)
    bring_in(backend, first, "copy")

    assert (tally.dialogues, tally.messages, reports) == (1, 4, [])
    stored = orjson.loads(first[0])
    assert {name: stored[name] for name in EXPORTED if name != "messages"} == {
        name: value for name, value in EXPORTED.items() if name != "messages"
    }
    for got, sent in zip(stored["messages"], EXPORTED["messages"], strict=True):
        assert {name: got[name] for name in sent} == sent
    assert export_all(backend, "copy") == first
    check_store(backend)
    check_store(backend, "copy")


def test_threads_may_come_before_their_parents(backend: Backend) -> None:
    """A thread waits for its parent, whatever the order of lines, and the parent counts it."""
    plain = {"colloquy": 1, "status": "active", "messages": []}
    lines = [
        plain | {"id": "grandchild", "threadOf": "child"},
        plain | {"id": "child", "threadOf": "root"},
        plain | {"id": "root"},
    ]
    tally, reports = bring_in(backend, lines)
    root = backend.get_dialogue(SCOPE, "root")

    assert (tally.dialogues, reports) == (3, [])
    assert root is not None
    assert root.thread_count == 1
    check_store(backend)


def test_a_thread_outlives_its_parent_in_an_export_too(backend: Backend) -> None:
    """It keeps its threadOf, and a dialogue created later under the parent's id counts it."""
    thread = {"colloquy": 1, "status": "active", "messages": [], "id": "left", "threadOf": "gone"}
    tally, reports = bring_in(backend, [thread, thread | {"id": "other"}])
    bring_in(backend, [conversation("gone", 1)])
    parent = backend.get_dialogue(SCOPE, "gone")
    left = backend.get_dialogue(SCOPE, "left")

    assert (tally.dialogues, reports) == (2, [])
    assert left is not None
    assert left.thread_of == "gone"
    assert parent is not None
    assert parent.thread_count == 2
    check_store(backend)


def test_what_was_changed_since_stays(backend: Backend) -> None:
    """Importing again neither reopens, nor ends, nor brings back what was deleted."""
    bring_in(backend, [EXPORTED, conversation("c", 30)])
    scope = Scope(DEFAULT_PROJECT, "anna")
    backend.write(scope, lambda tx: dialogues.reopen(tx, "whole", Condition()))
    backend.write(SCOPE, lambda tx: messages.delete(tx, "c", "c:29", Condition()))
    tally, _ = bring_in(backend, [EXPORTED, conversation("c", 30)])
    whole = backend.get_dialogue(scope, "whole")

    assert tally.unchanged == 2
    assert whole is not None
    assert whole.status is Status.ACTIVE
    assert len(texts(backend, "c")) == 29


def test_a_dry_run_checks_without_storing() -> None:
    """Every line is checked by the same rules; there is no store at all."""
    tally = Tally(lambda _: None)
    loader = NoLoader(drafter(), tally)
    lines = [_line(conversation("c", 3), 1), _line({"id": "x"}, 2)]
    Intake(loader, tally, None).run(lines, lambda: None)

    assert (tally.dialogues, tally.messages, tally.bad) == (1, 3, 1)


def test_gzip_is_recognised_by_its_content_and_damage_is_reported(tmp_path: Path) -> None:
    """A gzipped file is read whatever its name; one that is cut off gives its lines and a problem."""
    packed = gzip.compress(b'{"a":1}\n\n{"b":2}')
    whole, cut, plain = tmp_path / "whole", tmp_path / "cut.gz", tmp_path / "plain.gz"
    whole.write_bytes(packed)
    cut.write_bytes(gzip.compress(b"x" * 100 + b"\n" + bytes(range(256)) * 50)[:-20])
    plain.write_bytes(b'\xef\xbb\xbf{"c":3}\r\n')

    assert [(line.number, line.text) for line in Files([str(whole)])] == [(1, b'{"a":1}'), (3, b'{"b":2}')]
    assert [line.text for line in Files([str(plain)])] == [b'{"c":3}']
    problems = [line.problem for line in Files([str(cut)])]
    assert problems[-1] is not None
    assert "damaged" in problems[-1]


@pytest.mark.parametrize("name", ["agent-conversations.jsonl.gz", "service-dialogues.jsonl.gz"])
def test_real_conversations_read_back_equal(
    backend: Backend, name: str, request: pytest.FixtureRequest
) -> None:
    """Each message of each conversation is what its source says, and the store's promises hold."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the real conversations are not there: {name}")
    # mongomock compares each insert with all that is there: a whole file would take minutes.
    most = 10 if request.node.callspec.params["backend"] == "mongomock" else None
    lines = list(Files([str(path)]))[:most]
    tally, reports = bring_in(backend, lines)
    again, _ = bring_in(backend, lines)
    sources = [orjson.loads(line.text) for line in lines]

    assert (tally.dialogues, reports, again.unchanged) == (len(sources), [], len(sources))
    for source in sources:
        dialogue_id = source.get("id") or source["dialogue_id"]
        expected = [_expected(item) for item in source.get("messages") or source["turns"]]
        assert texts(backend, dialogue_id) == expected
    check_store(backend)


def _expected(item: dict[str, Any]) -> Any:
    if "utterance" in item:
        return item["utterance"]
    tools = {name: item[name] for name in ("tool_calls", "tool_call_id") if name in item}
    return {"content": item["content"], **tools} if tools or not item["content"] else item["content"]
