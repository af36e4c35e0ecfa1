"""The bodies of requests about messages, read into the inputs of the rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from marshmallow import INCLUDE, Schema, ValidationError, fields, post_load

from ..domain.errors import Detail, InvalidInput, PayloadTooLarge, quote
from ..domain.ids import fingerprint, new_id
from ..domain.json_text import compact_json
from ..domain.limits import MOST_MESSAGE_BYTES, describe_bytes
from ..domain.native_message import BESIDE_CONTENT, whole_content
from ..search.analysis import message_terms
from ..search.content import has_image
from ..services.inputs import NewMessage
from .fields import EMPTY_OBJECT, Metadata, Tags, Time, read_metadata, read_tags, read_time


class MessageSchema(Schema):
    """One message as clients send it: the fields that are more than ``openapi.yaml`` can say of them.

    The others have been checked by its compiled schema, and stay as they are.
    """

    class Meta:
        """Fields that are not named here pass."""

        unknown = INCLUDE

    role = fields.Raw(required=True)
    tags = Tags(load_default=())
    metadata = Metadata(load_default=EMPTY_OBJECT)
    created = Time(load_default=None)

    @post_load
    def _read(self, data: dict[str, Any], **_: Any) -> NewMessage:
        try:
            return draft(data)
        except InvalidInput as error:
            raise ValidationError({detail.field: [detail.message] for detail in error.details}) from None


def draft(data: dict[str, Any]) -> NewMessage:
    """Return the input of a message whose fields the schema, or its equal, has normalised.

    Raises InvalidInput for a message that says nothing, and PayloadTooLarge for its content.
    """
    content, name, metadata = _content(data), data.get("name"), data["metadata"]
    text = compact_json(content)
    size = len(text.encode())
    if size > MOST_MESSAGE_BYTES:
        raise _too_large(MOST_MESSAGE_BYTES)
    is_text = isinstance(content, str)
    return NewMessage(
        id=data.get("id") or new_id(),
        id_given="id" in data,
        role=data["role"],
        content=text,
        content_length=len(content.encode()) if is_text else size,
        name=name,
        tags=data["tags"],
        metadata=metadata.text,
        created=data["created"],
        hash=fingerprint(data["role"], content, name, data["tags"], metadata.value, data["created"]),
        terms=message_terms(content),
        has_image=not is_text and has_image(content),
    )


def draft_valid(message: dict[str, Any]) -> NewMessage:
    """Return the command of a message that ``openapi.yaml`` allows: the schema's, faster.

    Raises InvalidInput and PayloadTooLarge.
    """
    try:
        return draft(
            {
                **message,
                "tags": read_tags(message.get("tags", ())),
                "metadata": read_metadata(message["metadata"]) if "metadata" in message else EMPTY_OBJECT,
                "created": read_time(message["created"]) if "created" in message else None,
            }
        )
    except ValidationError as error:
        raise InvalidInput(f"The message is not valid: {'; '.join(map(str, error.messages))}.") from None


def _content(data: dict[str, Any]) -> Any:
    content = whole_content(data)
    if content is None or content in ("", []):
        reason = NOTHING_SAID if "content" in data else "is required"
        raise InvalidInput(f"content {reason}.", Detail("content", reason))
    return content


NOTHING_SAID = (
    "must be a non-empty string, an object or a non-empty array of objects, "
    f"unless one of {', '.join(BESIDE_CONTENT)} stands beside it"
)


def require_size(messages: Iterable[NewMessage], limit: int) -> None:
    """Raise PayloadTooLarge when the content of a message has more bytes of JSON."""
    for message in messages:
        content = message.content
        if len(content) * MOST_BYTES_A_CHARACTER > limit and len(content.encode()) > limit:
            raise _too_large(limit)


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The content of a message is larger than {describe_bytes(limit)} of JSON.")


MOST_BYTES_A_CHARACTER = 4
"""How many bytes a character takes in UTF-8 at most."""


def gather(data: dict[str, Any]) -> tuple[NewMessage, ...]:
    """Return the messages of a body that may carry ``message`` or ``messages``.

    Raises InvalidInput when it carries both, or one id twice.
    """
    if "message" in data and "messages" in data:
        raise InvalidInput(
            "Send either message or messages, not both.",
            Detail("message", "cannot be sent together with messages"),
        )
    drafts = (data["message"],) if "message" in data else tuple(data.get("messages", ()))
    require_distinct(drafts)
    return drafts


def require_distinct(drafts: tuple[NewMessage, ...]) -> None:
    """Raise InvalidInput when two messages have the same id."""
    seen: set[str] = set()
    for index, message in enumerate(drafts):
        if message.id in seen:
            raise InvalidInput(
                f"The request has the message id {quote(message.id)} twice.",
                Detail(f"messages[{index}].id", "is used twice in this request", "DUPLICATE"),
            )
        seen.add(message.id)
