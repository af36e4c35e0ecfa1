"""Importing and exporting, on each store."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.domain import timestamps
from app.domain.records import Project, Scope, Status
from app.services import dialogues, messages, restore
from app.services.bootstrap import DEFAULT_PROJECT
from app.services.inputs import Condition
from app.stores import Backend
from app.transfer.conversation import Conversation
from app.transfer.intake import Choices, Intake
from app.transfer.loader import NoLoader
from app.transfer.readers import read_document
from app.transfer.tally import Tally
from tests.integration.importing import SCOPE, bring_in, check_store, document, drafter, export_all, texts

DATA = Path(__file__).parents[3] / "shared" / "data"


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
    [(_, read)] = read_document(document(whole), None, Tally())
    assert isinstance(read, Conversation)
    _, record = drafter().draft(read)
    backend.create_project(Project(DEFAULT_PROJECT, immutable=False, created=timestamps.now()))
    backend.write(SCOPE, lambda tx: restore.restore(tx, record))
    tally, _ = bring_in(backend, [whole])

    assert (tally.dialogues, tally.messages) == (0, 500)
    assert texts(backend, "c") == [f"m{place}" for place in range(1500)]
    check_store(backend)


def test_a_conversation_that_grew_is_continued(backend: Backend) -> None:
    """Messages that are new are added, with the ids that they have or at their places without any."""
    bring_in(backend, [conversation("b", 2), unnamed(3)])
    tally, reports = bring_in(backend, [conversation("b", 3), unnamed(5)])
    again, _ = bring_in(backend, [conversation("b", 3), unnamed(5), conversation("b", 1)])

    assert (tally.dialogues, tally.messages, reports) == (0, 3, [])
    assert (again.unchanged, again.messages, again.dialogues) == (3, 0, 0)
    assert texts(backend, "b") == ["m0", "m1", "m2"]
    check_store(backend)


def unnamed(count: int) -> dict[str, Any]:
    """Return a conversation without an id."""
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[place % 2], "content": f"u{place}"} for place in range(count)]}


def test_conversations_that_begin_alike_stay_apart(backend: Backend) -> None:
    """Without ids the beginning names a conversation; another that goes on differently is one of its own."""
    other = unnamed(4)
    other["messages"][2]["content"] = "something else"
    tally, reports = bring_in(backend, [unnamed(4), other, unnamed(4)])
    again, _ = bring_in(backend, [other, unnamed(4)])

    assert (tally.dialogues, tally.messages, tally.unchanged, reports) == (2, 8, 1, [])
    assert again.unchanged == 2


def test_a_different_conversation_under_a_known_id_is_a_bad_line(backend: Backend) -> None:
    """It is reported, nothing of it is stored, and the other lines of its batch are."""
    bring_in(backend, [conversation("b", 2)])
    other = {"id": "b", "messages": [{"role": "user", "content": f"other {place}"} for place in range(3)]}
    forked = conversation("b", 3)
    forked["messages"][1]["content"] = "not what was said"
    tally, reports = bring_in(backend, [conversation("a", 1), other, forked, conversation("c", 1)])

    assert tally.bad == 2
    assert [report.split(":")[0] for report in reports] == ["test, line 2", "test, line 3"]
    assert texts(backend, "b") == ["m0", "m1"]
    assert texts(backend, "a") == texts(backend, "c") == ["m0"]


def test_what_changed_at_the_source_is_counted_or_taken_over(backend: Backend) -> None:
    """A title and tags that changed stay as they are here, unless --update asks for them."""
    bring_in(backend, [conversation("b", 2) | {"title": "Old", "tags": ["x"]}])
    changed = conversation("b", 2) | {"title": "New", "tags": ["y"]}
    changed["messages"][0]["content"] = "edited"
    counted, _ = bring_in(backend, [changed])
    updated, _ = bring_in(backend, [changed], update=True)
    stored = backend.get_dialogue(SCOPE, "b")

    assert (counted.different, counted.updated, counted.bad) == (2, 0, 0)
    assert (updated.different, updated.updated) == (1, 1)
    assert stored is not None
    assert (stored.label, stored.tags) == ("New", ("y",))
    assert texts(backend, "b") == ["m0", "m1"]


def test_a_later_backup_brings_what_changed_since(backend: Backend) -> None:
    """A dialogue that is newer in the backup takes its status, label, tags, state and messages from there."""
    bring_in(backend, [EXPORTED | {"status": "active", "endedAt": None, "archivedAt": None}])
    later = EXPORTED | {"modified": "2026-02-02T00:00:00.000Z", "label": "Later", "state": {"x": 1}}
    later["messages"] = [*EXPORTED["messages"], EXPORTED["messages"][0] | {"id": "more", "content": "more"}]
    tally, reports = bring_in(backend, [later])
    stored = backend.get_dialogue(Scope(DEFAULT_PROJECT, "anna"), "whole")

    assert (tally.updated, tally.messages, tally.different, reports) == (1, 1, 0, [])
    assert stored is not None
    assert (stored.status, stored.label, stored.state) == (Status.ARCHIVED, "Later", '{"x":1}')
    assert (stored.modified, stored.total) == ("2026-02-02T00:00:00.000Z", 5)
    check_store(backend)


def test_bad_lines_are_reported_with_their_number_and_skipped(backend: Backend) -> None:
    """What is no JSON, no conversation or says nothing makes a line bad; its neighbours are imported."""
    lines = [
        conversation("ok", 1),
        b"{nonsense",
        {"id": "role", "messages": [{"role": "robot", "content": "x"}]},
        {"id": "said", "messages": [{"role": "user", "utterance": "x"}]},
        {"id": "unknown", "lines": []},
        conversation("ok2", 1),
    ]
    tally, reports = bring_in(backend, lines)

    assert (tally.dialogues, tally.bad) == (2, 4)
    assert [report.split(":")[0] for report in reports] == [f"test, line {number}" for number in range(2, 6)]
    assert "not valid JSON" in reports[0]
    assert "role" in reports[1]
    assert "no content that is understood" in reports[2]
    assert "--list-formats" in reports[3]


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
    apart = ("messages", "colloquy")
    assert {name: stored[name] for name in EXPORTED if name not in apart} == {
        name: value for name, value in EXPORTED.items() if name not in apart
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
    lines = document(conversation("c", 3), {"id": "x"})
    Intake(loader, drafter(), tally, Choices()).run([lines], lambda: None)

    assert (tally.dialogues, tally.messages, tally.bad) == (1, 3, 1)


STEPS = {"sqlite": 1, "mongomock": 20, "mongodb": 4}
"""Of how many conversations one is tried: a server takes longer, and mongomock compares each insert with all
that is there. With ALL_CONVERSATIONS set (``make real-conversations``) each store is given all of them.
"""


@pytest.mark.parametrize("name", ["agent-conversations.jsonl.gz", "service-dialogues.jsonl.gz"])
def test_real_conversations_read_back_equal(
    backend: Backend, name: str, request: pytest.FixtureRequest
) -> None:
    """Each message of each conversation is what its source says, and the store's promises hold."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the real conversations are not there: {name}")
    lines = gzip.decompress(path.read_bytes()).splitlines()
    if not os.environ.get("ALL_CONVERSATIONS"):
        lines = lines[:: STEPS[request.node.callspec.params["backend"]]]
    tally, reports = bring_in(backend, lines)
    again, _ = bring_in(backend, lines)
    sources = [orjson.loads(line) for line in lines]

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
