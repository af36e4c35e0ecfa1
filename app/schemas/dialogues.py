"""Dialogues from the wire."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from marshmallow import Schema, fields, post_load

from ..domain.errors import Detail, InvalidInput
from ..domain.ids import fingerprint, new_id
from ..domain.records import JsonText
from ..services.commands import UNSET, DialogueUpdate, NewDialogue, NewMessage
from ..services.state import parse, render
from .fields import Label, Metadata, Tags, Time
from .messages import MessageSchema, gather


@dataclass(frozen=True, slots=True)
class Placed:
    """A command and the namespace that its body names (None: it names none)."""

    namespace: str | None
    command: NewDialogue


class DialogueSchema(Schema):
    """The body of POST /dialogue."""

    id = fields.Raw()
    namespace = fields.Raw(load_default=None)
    threadOf = fields.Raw(load_default=None)  # noqa: N815  # the wire's name
    forkAt = fields.Raw(load_default=None)  # noqa: N815  # the wire's name
    label = Label(load_default=None)
    tags = Tags(load_default=())
    metadata = Metadata(load_default=JsonText("{}"))
    state = fields.Raw(load_default=dict)
    created = Time(load_default=None)
    message = fields.Nested(MessageSchema)
    messages = fields.List(fields.Nested(MessageSchema))

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> Placed:
        messages = gather(data)
        _require_sensible_fork(data, messages)
        command = NewDialogue(
            id=data.get("id") or new_id(),
            id_given="id" in data,
            thread_of=data["threadOf"],
            fork_at=data["forkAt"],
            label=data["label"],
            tags=data["tags"],
            metadata=data["metadata"],
            state=render(data["state"]),
            created=data["created"],
            messages=(),
            hash="",
        )
        return Placed(data["namespace"], with_messages(command, messages))


def with_messages(command: NewDialogue, messages: tuple[NewMessage, ...]) -> NewDialogue:
    """Return the command with its first messages and the fingerprint of the whole request."""
    hashed = fingerprint(
        command.thread_of,
        command.fork_at,
        command.label,
        command.tags,
        parse(command.metadata),
        parse(command.state),
        command.created,
        [(draft.id if draft.id_given else None, draft.hash) for draft in messages],
    )
    return replace(command, messages=messages, hash=hashed)


def _require_sensible_fork(data: dict[str, Any], messages: tuple[NewMessage, ...]) -> None:
    if data["forkAt"] is None:
        return
    if data["threadOf"] is None:
        raise InvalidInput(
            "forkAt needs threadOf: the dialogue whose messages are copied.",
            Detail("threadOf", "is required with forkAt", "REQUIRED"),
        )
    if messages:
        raise InvalidInput(
            "A fork starts with the parent's messages: append others after creating it.",
            Detail("messages", "cannot be sent together with forkAt"),
        )


class DialogueUpdateSchema(Schema):
    """The body of PUT /dialogue/{id}; ``id`` and ``namespace`` are checked by the handler."""

    id = fields.Raw()
    namespace = fields.Raw()
    metadata = Metadata(load_default=UNSET)
    label = Label(load_default=UNSET)
    tags = Tags(load_default=UNSET)
    state = fields.Raw(load_default=UNSET)
    message = fields.Nested(MessageSchema)
    messages = fields.List(fields.Nested(MessageSchema))

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> DialogueUpdate:
        return DialogueUpdate(
            label=data["label"],
            tags=data["tags"],
            state=data["state"],
            messages=gather(data),
            echoed_metadata=data["metadata"],
        )
