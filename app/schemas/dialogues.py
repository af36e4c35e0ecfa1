"""The bodies of requests about dialogues, read into the inputs of the rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from marshmallow import Schema, fields, post_load

from ..domain.errors import Detail, InvalidInput
from ..domain.ids import Fingerprint, fingerprint, new_id
from ..services.inputs import UNSET, DialogueUpdate, NewDialogue, NewMessage
from ..services.state import parse, render
from .fields import EMPTY_OBJECT, Label, Metadata, Tags, Time
from .load import Placed
from .messages import MessageSchema, gather


class DialogueSchema(Schema):
    """The body of POST /dialogue."""

    id = fields.Raw()
    namespace = fields.Raw(load_default=None)
    threadOf = fields.Raw(load_default=None)  # noqa: N815  # the field's name in the API
    forkAt = fields.Raw(load_default=None)  # noqa: N815  # the field's name in the API
    label = Label(load_default=None)
    tags = Tags(load_default=())
    metadata = Metadata(load_default=EMPTY_OBJECT)
    state = fields.Raw(load_default=dict)
    created = Time(load_default=None)
    expiresAt = Time(load_default=None)  # noqa: N815  # the field's name in the API
    message = fields.Nested(MessageSchema)
    messages = fields.List(fields.Nested(MessageSchema))

    @post_load
    def _read(self, data: dict[str, Any], **_: Any) -> Placed[NewDialogue]:
        messages = gather(data)
        _require_parent_of_fork(data)
        metadata, state = data["metadata"], data["state"]
        command = NewDialogue(
            id=data.get("id") or new_id(),
            id_given="id" in data,
            thread_of=data["threadOf"],
            fork_at=data["forkAt"],
            label=data["label"],
            tags=data["tags"],
            metadata=metadata.text,
            state=render(state),
            created=data["created"],
            messages=messages,
            hash=Fingerprint("", ""),
            expires_at=data["expiresAt"],
        )
        hashed = _fingerprint(command, metadata.value, state)
        return Placed(data["namespace"], replace(command, hash=hashed))


def with_messages(command: NewDialogue, messages: tuple[NewMessage, ...]) -> NewDialogue:
    """Return the input with other first messages, as if the request had brought them."""
    changed = replace(command, messages=messages)
    return replace(changed, hash=_fingerprint(changed, parse(command.metadata), parse(command.state)))


def _fingerprint(command: NewDialogue, metadata: dict[str, Any], state: dict[str, Any]) -> Fingerprint:
    # A request without what later releases added has the fingerprint that it always had.
    added = () if command.expires_at is None else (command.expires_at,)
    return fingerprint(
        command.thread_of,
        command.fork_at,
        command.label,
        command.tags,
        metadata,
        state,
        command.created,
        [(message.id if message.id_given else None, message.hash) for message in command.messages],
        *added,
    )


def _require_parent_of_fork(data: dict[str, Any]) -> None:
    if data["forkAt"] is not None and data["threadOf"] is None:
        raise InvalidInput(
            "forkAt needs threadOf: the dialogue whose messages are copied.",
            Detail("threadOf", "is required with forkAt", "REQUIRED"),
        )


class DialogueUpdateSchema(Schema):
    """The body of PUT /dialogue/{id}; ``id`` and ``namespace`` are checked by the handler."""

    id = fields.Raw()
    namespace = fields.Raw()
    metadata = Metadata(load_default=UNSET)
    label = Label(load_default=UNSET)
    tags = Tags(load_default=UNSET)
    state = fields.Raw(load_default=UNSET)
    expiresAt = Time(load_default=UNSET, allow_none=True)  # noqa: N815  # the field's name in the API
    message = fields.Nested(MessageSchema)
    messages = fields.List(fields.Nested(MessageSchema))

    @post_load
    def _read(self, data: dict[str, Any], **_: Any) -> DialogueUpdate:
        metadata = data["metadata"]
        return DialogueUpdate(
            label=data["label"],
            tags=data["tags"],
            state=data["state"],
            expires_at=data["expiresAt"],
            messages=gather(data),
            echoed_metadata=metadata if metadata is UNSET else metadata.value,
        )
