"""Conversations and their items from the wire."""

from __future__ import annotations

from typing import Any

from ..domain.errors import Detail, InvalidInput
from ..domain.ids import fingerprint, new_id
from ..domain.json_text import compact_json
from ..services.conversation_items import MESSAGE as MESSAGE_ITEM
from ..services.conversation_items import message_of
from ..services.conversations import STATE_KEY
from ..services.inputs import NewDialogue, NewMessage
from .fields import EMPTY_OBJECT
from .load import load
from .messages import MessageSchema, require_distinct, require_size

MESSAGE = MessageSchema()
REFERENCE = "item_reference"

LONGEST_NAME = 64
"""Characters of a name in the metadata, which OpenAPI 3.0 cannot say."""


def read_items(items: list[dict[str, Any]], most_bytes: int) -> tuple[NewMessage, ...]:
    """Return the messages that items become; raises InvalidInput, and PayloadTooLarge for their sizes."""
    for place, item in enumerate(items):
        _require_known(place, item)
    drafts = tuple(
        load(MESSAGE, message_of(item), where=("items", place)) for place, item in enumerate(items)
    )
    require_distinct(drafts)
    require_size(drafts, most_bytes)
    return drafts


def _require_known(place: int, item: dict[str, Any]) -> None:
    """Refuse a message without role or content, and a reference to an item that another service holds."""
    kind = item.get("type", MESSAGE_ITEM)
    if kind == REFERENCE:
        detail = Detail(f"items[{place}].type", "refers to an item that is not here")
        raise InvalidInput("An item_reference cannot be stored: send the item itself.", detail)
    if kind == MESSAGE_ITEM and "role" not in item:
        detail = Detail(f"items[{place}].role", "is required", "REQUIRED")
        raise InvalidInput(f"items[{place}] is a message and needs a role.", detail)
    if kind == MESSAGE_ITEM and not isinstance(item.get("content"), str | list):
        detail = Detail(f"items[{place}].content", "must be a string or an array of parts")
        raise InvalidInput(
            f"items[{place}] is a message: its content must be a string or an array of parts.", detail
        )


def read_metadata(body: dict[str, Any]) -> dict[str, str]:
    """Return the metadata of a body; raises InvalidInput for the length of a name."""
    metadata: dict[str, str] = body.get("metadata") or {}
    if any(len(name) > LONGEST_NAME for name in metadata):
        detail = Detail("metadata", f"has a name of more than {LONGEST_NAME} characters")
        raise InvalidInput(f"The names in metadata have at most {LONGEST_NAME} characters.", detail)
    return metadata


def read_conversation(body: dict[str, Any], most_bytes: int) -> NewDialogue:
    """Return the dialogue that a new conversation is; raises InvalidInput and PayloadTooLarge."""
    drafts = read_items(body.get("items") or [], most_bytes)
    metadata = read_metadata(body)
    return NewDialogue(
        id=f"conv_{new_id()}",
        id_given=False,
        thread_of=None,
        fork_at=None,
        label=None,
        tags=(),
        metadata=EMPTY_OBJECT.text,
        state=compact_json({STATE_KEY: metadata} if metadata else {}),
        created=None,
        messages=drafts,
        hash=fingerprint(body),
    )
