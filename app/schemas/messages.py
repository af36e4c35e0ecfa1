"""Messages from the wire."""

from __future__ import annotations

from typing import Any

import orjson
from marshmallow import Schema, fields, post_load

from ..domain.errors import Detail, InvalidInput, TooManyMessages, quote
from ..domain.ids import fingerprint, new_id
from ..domain.records import JsonText
from ..search.analysis import has_image, message_terms
from ..services.commands import NewMessage
from .fields import Content, Metadata, Tags, Time

MOST_MESSAGES = 25
"""How many messages one request may bring."""

NO_METADATA = JsonText("{}")


class MessageSchema(Schema):
    """One message as clients send it."""

    id = fields.Raw()
    role = fields.Raw(required=True)
    content = fields.Raw(required=True)
    name = fields.Raw()
    tags = Tags(load_default=())
    metadata = Metadata(load_default=NO_METADATA)
    created = Time(load_default=None)

    @post_load
    def _command(self, data: dict[str, Any], **_: Any) -> NewMessage:
        return draft(data)


def draft(data: dict[str, Any]) -> NewMessage:
    """Return the command of a message whose fields the schema, or its equal, has normalised."""
    content = data["content"]
    text = CONTENT.deserialize(content)
    name = data.get("name")
    hashed = fingerprint(
        data["role"],
        content,
        name,
        data["tags"],
        orjson.Fragment(_canonical(data["metadata"])),
        data["created"],
    )
    return NewMessage(
        id=data.get("id") or new_id(),
        id_given="id" in data,
        role=data["role"],
        content=text,
        content_length=len(content.encode() if isinstance(content, str) else text.encode()),
        name=name,
        tags=data["tags"],
        metadata=data["metadata"],
        created=data["created"],
        hash=hashed,
        terms=message_terms(content),
        has_image=not isinstance(content, str) and has_image(content),
    )


CONTENT = Content()


def _canonical(text: JsonText) -> bytes:
    """Return JSON with its keys sorted, so that their order does not make two requests differ."""
    return orjson.dumps(orjson.loads(text), option=orjson.OPT_SORT_KEYS)


def gather(data: dict[str, Any]) -> tuple[NewMessage, ...]:
    """Return the messages of a body that may carry ``message`` or ``messages``, not both."""
    if "message" in data and "messages" in data:
        raise InvalidInput(
            "Send either message or messages, not both.",
            Detail("message", "cannot be sent together with messages"),
        )
    drafts = (data["message"],) if "message" in data else tuple(data.get("messages", ()))
    require_batch(drafts)
    return drafts


def require_batch(drafts: tuple[NewMessage, ...]) -> None:
    """Refuse more than 25 messages, and one id twice."""
    if len(drafts) > MOST_MESSAGES:
        raise TooManyMessages(f"A request takes at most {MOST_MESSAGES} messages.")
    seen: set[str] = set()
    for index, draft in enumerate(drafts):
        if draft.id in seen:
            raise InvalidInput(
                f"The request has the message id {quote(draft.id)} twice.",
                Detail(f"messages[{index}].id", "is used twice in this request", "DUPLICATE"),
            )
        seen.add(draft.id)
