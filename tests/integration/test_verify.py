"""Verification finds each kind of damage, and nothing in a store that is right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest

from app.domain import timestamps
from app.domain.json_text import compact_json
from app.domain.records import Dialogue, Message, Project, Scope, Timestamp
from app.schemas.dialogues import DialogueSchema
from app.services import dialogues
from app.services.inputs import Condition
from app.services.verify import Kind, Seen, verify
from app.stores import Backend

SCOPE = Scope("acme", "anna")

LONG_AGO = Timestamp("2000-01-01T00:00:00.000Z")
"""A time that no store takes for none."""


def create(backend: Backend, **body: Any) -> None:
    """Create a dialogue through the rules."""
    placed = DialogueSchema().load(body)
    backend.write(SCOPE, lambda tx: dialogues.create(tx, placed.command))


def kinds(backend: Backend) -> list[Kind]:
    """Return what verification finds."""
    return [problem.kind for problem in verify(backend, "acme", Seen())]


@pytest.fixture
def filled(backend: Backend) -> Backend:
    """Give a store with a dialogue of twelve messages, a thread of it and a deleted dialogue."""
    backend.create_project(Project("acme", immutable=False, created=timestamps.now()))
    said = [{"id": f"m{place}", "role": "user", "content": f"text {place}"} for place in range(12)]
    create(backend, id="d", messages=said)
    create(backend, id="t", threadOf="d")
    create(backend, id="gone", messages=said[:2])
    backend.write(SCOPE, lambda tx: dialogues.delete(tx, "gone", Condition()))
    return backend


def damage_dialogue(backend: Backend, change: Callable[[Dialogue], Dialogue]) -> None:
    """Change the stored dialogue past the rules."""

    def work(tx: Any) -> None:
        tx.save_dialogue(change(tx.lock_dialogue("d")))

    backend.write(SCOPE, work)


def damage_message(backend: Backend, change: Callable[[Message], Message]) -> None:
    """Change the stored first message past the rules; it is not among the embedded ones."""

    def work(tx: Any) -> None:
        dialogue = tx.lock_dialogue("d")
        tx.save_message(change(tx.find_messages(dialogue, ["m0"])["m0"]))

    backend.write(SCOPE, work)


def with_body(message: Message, **fields: Any) -> Message:
    """Return the message with some fields of its body replaced."""
    return replace(message, body=compact_json(orjson.loads(message.body) | fields))


def test_a_right_store_has_no_problems(filled: Backend) -> None:
    """Nothing is found, and every message was looked at, those of deleted dialogues included."""
    seen = Seen()

    assert list(verify(filled, "acme", seen)) == []
    assert (seen.dialogues, seen.messages) == (2, 14)


def test_progress_can_be_followed(filled: Backend) -> None:
    """After each dialogue the caller is told, then of the index; what was checked so far is counted."""
    seen, counts = Seen(), list[tuple[int, int]]()

    assert list(verify(filled, "acme", seen, lambda: counts.append((seen.dialogues, seen.indexed)))) == []
    assert counts[:2] == [(1, 0), (2, 0)]
    assert counts == sorted(counts)
    assert counts[-1] == (2, 2 + 14)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda dialogue: replace(dialogue, total=13), Kind.TOTAL),
        (lambda dialogue: replace(dialogue, thread_count=0), Kind.THREADS),
        (lambda dialogue: replace(dialogue, thread_count=2), Kind.THREADS),
        (lambda dialogue: replace(dialogue, last_message_created=LONG_AGO), Kind.NEWEST),
        (lambda dialogue: replace(dialogue, recent="[]", recent_count=0), Kind.RECENT),
        (lambda dialogue: replace(dialogue, recent_count=9), Kind.RECENT),
        (lambda dialogue: replace(dialogue, next_seq=11), Kind.SEQUENCE),
    ],
)
def test_a_wrong_dialogue_is_found(
    filled: Backend, change: Callable[[Dialogue], Dialogue], kind: Kind
) -> None:
    """A counter, a time or embedded messages that do not fit the messages are named, and only they."""
    damage_dialogue(filled, change)

    assert kinds(filled) == [kind]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda message: with_body(message, content=""), Kind.EMPTY),
        (lambda message: with_body(message, content=None), Kind.EMPTY),
        (lambda message: with_body(message, role="system"), Kind.BODY),
        (lambda message: with_body(message, tags=["x"]), Kind.BODY),
        (lambda message: replace(message, body="[]"), Kind.BODY),
        (lambda message: replace(message, body="{broken"), Kind.BODY),
    ],
)
def test_a_wrong_message_is_found(filled: Backend, change: Callable[[Message], Message], kind: Kind) -> None:
    """A message without content, or whose JSON differs from its record, is named."""
    damage_message(filled, change)

    assert kinds(filled) == [kind]


def test_a_lost_message_is_found(filled: Backend) -> None:
    """A message that is gone while its dialogue counts it is a wrong total."""

    def work(tx: Any) -> None:
        tx.remove_message(tx.find_messages(tx.lock_dialogue("d"), ["m1"])["m1"])

    filled.write(SCOPE, work)

    assert kinds(filled) == [Kind.TOTAL]


def test_messages_of_no_dialogue_are_found(filled: Backend) -> None:
    """Messages whose uid neither lives nor has a tombstone are counted."""

    def work(tx: Any) -> None:
        dialogue = tx.lock_dialogue("d")
        message = tx.find_messages(dialogue, ["m0"])["m0"]
        tx.insert_messages([replace(message, uid="0" * 26)])

    filled.write(SCOPE, work)

    assert kinds(filled) == [Kind.ORPHANS]


def test_a_problem_says_where_it_is(filled: Backend) -> None:
    """Its text names project, namespace, dialogue and what was expected."""
    damage_dialogue(filled, lambda dialogue: replace(dialogue, total=13))

    assert [str(problem) for problem in verify(filled, "acme", Seen())] == [
        "project acme, namespace anna, dialogue d: totalMessages: says 13, has 12 messages"
    ]
