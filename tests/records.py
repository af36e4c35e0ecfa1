"""Records for tests, each with sensible values and every field open to change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from app.domain import timestamps
from app.domain.ids import new_id
from app.domain.json_text import compact_json
from app.domain.list_items import DialogueItem, MemoryItem, MessageItem
from app.domain.records import (
    Dialogue,
    JsonText,
    Key,
    Memory,
    Message,
    Project,
    Rights,
    Scope,
    Status,
    Summary,
    Timestamp,
)
from app.services import erasure
from app.services.audit import COMMAND_LINE, SERVER
from app.services.keys import KeyPlace, revoke
from app.stores import Backend, Erased, Store
from app.waiting import in_steps

SCOPE = Scope("acme")
OTHER = Scope("globex")
ANNA = Scope("acme", "anna@example.org")


def instant(second: int) -> Timestamp:
    """Return a time, ``second`` seconds (below 3600) into the first hour of 2026."""
    return Timestamp(f"2026-01-01T00:{second // 60:02}:{second % 60:02}.000Z")


def dialogue(scope: Scope = SCOPE, **fields: Any) -> Dialogue:
    """Return an empty active dialogue of a scope."""
    base = Dialogue(
        project=scope.project,
        namespace=scope.namespace,
        id=new_id(),
        uid=new_id(),
        rev=1,
        next_seq=0,
        total=0,
        thread_count=0,
        status=Status.ACTIVE,
        tags=(),
        metadata=JsonText("{}"),
        created=instant(0),
        modified=instant(0),
        create_hash="hash",
        created_count=0,
        state=JsonText("{}"),
        recent=JsonText("[]"),
        recent_count=0,
    )
    return replace(base, **fields)


def message(parent: Dialogue, seq: int, text: str = "hello", **fields: Any) -> Message:
    """Return the message with a seq, created as many seconds into 2026."""
    message_id = fields.pop("id", f"m{seq}")
    created = fields.pop("created", instant(seq))
    role = fields.pop("role", "user")
    base = Message(
        uid=parent.uid,
        id=message_id,
        dialogue_id=parent.id,
        seq=seq,
        role=role,
        tags=(),
        metadata=JsonText("{}"),
        created=created,
        modified=created,
        body=compact_json({"id": message_id, "role": role, "content": text, "created": created}),
        hash="hash",
        terms=" ".join(dict.fromkeys(text.lower().split())),
    )
    return replace(base, **fields)


def memory(scope: Scope = SCOPE, **fields: Any) -> Memory:
    """Return a memory of a scope."""
    base = Memory(
        namespace=scope.namespace,
        id=new_id(),
        value=JsonText('{"likes":"tea"}'),
        tags=(),
        metadata=JsonText("{}"),
        created=instant(0),
        modified=instant(0),
        hash="hash",
        terms="like tea",
    )
    return replace(base, **fields)


def dialogue_item(one: Dialogue) -> DialogueItem:
    """Return what lists read of a dialogue."""
    entry = DialogueItem._make(getattr(one, name) for name in DialogueItem._fields)
    return entry._replace(tags=compact_json(one.tags))


def with_json_tags(item: DialogueItem | MessageItem | MemoryItem) -> object:
    """Return what a list read with its tags as JSON, which a store may keep as a list."""
    if isinstance(item, MessageItem) or isinstance(item.tags, str):
        return item
    return item._replace(tags=compact_json(item.tags))


def message_item(one: Message) -> MessageItem:
    """Return what lists read of a message."""
    return MessageItem(one.id, one.seq, one.created, one.body)


def memory_item(one: Memory) -> MemoryItem:
    """Return what lists read of a memory."""
    entry = MemoryItem._make(getattr(one, name) for name in MemoryItem._fields)
    return entry._replace(tags=compact_json(one.tags))


def summary(parent: Dialogue, **fields: Any) -> Summary:
    """Return a completed summary of nothing yet."""
    base = Summary(
        uid=parent.uid,
        id=new_id(),
        dialogue_id=parent.id,
        created=instant(0),
        through_seq=-1,
        ranged=False,
        completed=True,
        stale=False,
        hash="hash",
        body=JsonText('{"content":"short"}'),
    )
    return replace(base, **fields)


def project(name: str = "acme", *, immutable: bool = False) -> Project:
    """Return a project."""
    return Project(name, immutable, instant(0))


def key(**fields: Any) -> Key:
    """Return a key of the project acme."""
    base = Key(id=new_id(), hash=new_id(), project="acme", rights=Rights.FULL, created=instant(0))
    return replace(base, **fields)


def close_project(backend: Backend, name: str = "acme") -> None:
    """Remove a project, and all its data, as a request and the sweeper do."""
    backend.write(Scope(""), lambda tx: tx.close_project(name))
    while backend.sweep():
        continue


def change_project(backend: Backend, name: str = "acme", **fields: Any) -> Project:
    """Change fields of a project and return it."""

    def work(tx: Any) -> Project:
        found: Project = tx.lock_project(name)
        changed = replace(found, **fields)
        tx.save_project(changed)
        return changed

    return backend.write(Scope(""), work)


def revoke_key(backend: Backend, key_id: str) -> None:
    """Revoke a key of the project acme now."""
    backend.write(SERVER, partial(revoke, actor=COMMAND_LINE, place=KeyPlace("acme", key_id)))


def stored(store: Store, parent: Dialogue, messages: Sequence[Message] = ()) -> Dialogue:
    """Store a dialogue with messages, counted, and return it as stored."""
    counted = replace(
        parent,
        total=len(messages),
        next_seq=max((one.seq + 1 for one in messages), default=0),
        last_message_created=max((one.created for one in messages), default=None),
    )
    with_rows = tuple(messages)

    def work(tx: Any) -> None:
        tx.lock_dialogue(parent.id)
        tx.insert_dialogue(counted)
        tx.insert_messages(with_rows)

    store.write(Scope(parent.project, parent.namespace), work)
    return counted


def deleted(store: Store, parent: Dialogue, *, purge: bool = False) -> None:
    """Delete a stored dialogue."""

    def work(tx: Any) -> None:
        found = tx.lock_dialogue(parent.id)
        tx.remove_dialogue(found, purge=purge)

    store.write(Scope(parent.project, parent.namespace), work)


def erase(backend: Backend, scope: Scope) -> Erased:
    """Erase a namespace, in as many steps as it takes."""
    rule = partial(erasure.erase, actor=COMMAND_LINE, asked=timestamps.now())
    return in_steps(lambda: backend.write(scope, rule))
