"""Each dialogue with its messages, as a check of the whole store reads them, on every store."""

from __future__ import annotations

from typing import Any

from app.domain import timestamps
from app.domain.records import Actor, Dialogue, Project, Scope, ScopeFilter
from app.schemas.dialogues import DialogueSchema
from app.services import dialogues
from app.services.audit import COMMAND_LINE
from app.services.inputs import Condition
from app.stores import Backend
from app.stores.contents import Contents
from tests.clock import Clock


def create(backend: Backend, scope: Scope, name: str, said: int, **fields: Any) -> None:
    """Create a dialogue with so many messages."""
    messages = [{"id": f"{name}{place}", "role": "user", "content": "hi"} for place in range(said)]
    command = DialogueSchema().load({"id": name, "messages": messages, **fields}).command
    backend.write(scope, lambda tx: dialogues.create(tx, command))


def delete(backend: Backend, scope: Scope, name: str, purged_by: Actor | None = None) -> None:
    """Delete a dialogue; its messages stay readable, unless they are purged too."""
    backend.write(scope, lambda tx: dialogues.delete(tx, name, Condition(), purged_by=purged_by))


def told(contents: Contents) -> tuple[str, str, bool, int, list[str]]:
    """Return where a dialogue is, whether it lives, and what it has."""
    scope, name = contents.scope, contents.dialogue_id
    living = isinstance(contents.owner, Dialogue)
    return scope.namespace, name, living, contents.threads, [message.id for message in contents.messages]


def test_each_has_its_own(backend: Backend, clock: Clock) -> None:
    """Living and deleted, in every namespace of the project; not what has expired or waits to be removed."""
    for project in ("acme", "other"):
        backend.create_project(Project(project, immutable=False, created=timestamps.now()))
    acme, anna, zoe = Scope("acme"), Scope("acme", "anna"), Scope("acme", "zoé\U0001f40b")
    create(backend, acme, "b", 2)
    create(backend, anna, "a", 3)
    create(backend, anna, "b", 1, threadOf="a")
    create(backend, anna, "z\uffee", 1, threadOf="a")
    create(backend, zoe, "a", 0)
    create(backend, Scope("other", "anna"), "a", 4)
    for scope, name, purged_by in ((anna, "c", None), (anna, "d", COMMAND_LINE), (acme, "a", None)):
        create(backend, scope, name, 2)
        delete(backend, scope, name, purged_by)
    create(backend, acme, "a", 1)
    create(backend, anna, "gone", 5, expiresAt=clock.after(days=1))
    clock.advance(days=2)

    expected = [
        ("", "a", False, 0, ["a0", "a1"]),
        ("", "a", True, 0, ["a0"]),
        ("", "b", True, 0, ["b0", "b1"]),
        ("anna", "a", True, 2, ["a0", "a1", "a2"]),
        ("anna", "b", True, 0, ["b0"]),
        ("anna", "c", False, 0, ["c0", "c1"]),
        ("anna", "z\uffee", True, 0, ["z\uffee0"]),
        (zoe.namespace, "a", True, 0, []),
    ]
    assert sorted(map(told, backend.iterate_contents(ScopeFilter("acme")))) == expected
    hers = [found for found in expected if found[0] == "anna"]
    assert sorted(map(told, backend.iterate_contents(ScopeFilter("acme", "anna")))) == hers


def test_what_is_not_read_is_passed_over(backend: Backend) -> None:
    """Who does not read the messages of one gets those of the next all the same."""
    backend.create_project(Project("acme", immutable=False, created=timestamps.now()))
    for name in "abc":
        create(backend, Scope("acme"), name, 3)

    last = [
        next(found.messages).id
        for found in backend.iterate_contents(ScopeFilter("acme"))
        if found.dialogue_id == "c"
    ]
    assert last == ["c0"]
    assert list(backend.iterate_contents(ScopeFilter("nobody"))) == []


def test_the_fields_of_a_message(backend: Backend) -> None:
    """They are those that are stored, tags and metadata as JSON."""
    backend.create_project(Project("acme", immutable=False, created=timestamps.now()))
    said = {"id": "m", "role": "user", "content": "hi", "tags": ["x", "y"], "metadata": {"k": 1}}
    create(backend, Scope("acme"), "d", 0, messages=[said])

    [[message]] = [list(found.messages) for found in backend.iterate_contents(ScopeFilter("acme"))]
    stored = backend.get_message(Scope("acme"), "d", "m")
    assert stored is not None
    assert message[:5] == ("m", 0, "user", '["x","y"]', '{"k":1}')
    assert message[5:] == (stored.created, stored.modified, stored.body)
