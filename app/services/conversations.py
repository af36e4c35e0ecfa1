"""The rules for conversations: dialogues and messages in the shapes of OpenAI's Conversations API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from ..domain import timestamps
from ..domain.errors import Detail, InvalidParameter, quote
from ..domain.json_text import compact_json
from ..domain.list_queries import MessageListQuery
from ..domain.records import Order
from . import dialogues, messages
from .conversation_items import PLACE, Item, items_of
from .dialogue_reads import WHOLE_AT_ONCE, find_dialogue
from .inputs import UNCONDITIONAL
from .message_reads import find_generation
from .results import Result
from .state import merge, parse

if TYPE_CHECKING:
    from ..domain.list_items import MessageItem
    from ..domain.list_queries import DialogueListQuery
    from ..domain.records import Dialogue, Message, Scope, Timestamp
    from ..stores import Store, Transaction
    from .inputs import NewDialogue, NewMessage

STATE_KEY = "openai_metadata"
"""The key of a dialogue's state that holds the conversation's metadata: the API lets it change."""


@dataclass(frozen=True, slots=True)
class ItemQuery:
    """Which page of items: ``limit`` of them in ``order``, behind the item ``after`` (None: the first)."""

    limit: int
    order: Order
    after: str | None


def create(tx: Transaction, command: NewDialogue) -> Result:
    """Create a conversation with its first items, under an id that was made for it."""
    dialogue, _ = dialogues.insert(tx, command)
    return _result(dialogue)


def get(store: Store, scope: Scope, conversation_id: str) -> Result:
    """Return a conversation; one read. Raises DialogueNotFound."""
    return _result(find_dialogue(store, scope, conversation_id))


def set_metadata(tx: Transaction, conversation_id: str, metadata: Mapping[str, str]) -> Result:
    """Replace a conversation's metadata; raises DialogueNotFound, and PayloadTooLarge for its state."""
    dialogue = messages.require_dialogue(tx, conversation_id)
    state = merge(dialogue.state, {STATE_KEY: metadata})
    if state != dialogue.state:
        dialogue = messages.touch(replace(dialogue, state=state), timestamps.now())
        tx.save_dialogue(dialogue)
    return _result(dialogue)


def delete(tx: Transaction, conversation_id: str) -> Result:
    """Delete a conversation and leave its items; raises DialogueNotFound and DialogueImmutable."""
    dialogues.delete(tx, conversation_id, UNCONDITIONAL)
    return Result(compact_json({"id": conversation_id, "object": "conversation.deleted", "deleted": True}))


def list_conversations(store: Store, scope: Scope, query: DialogueListQuery, after: str | None) -> Result:
    """Return a page of a namespace's conversations, behind the one that ``after`` names.

    Raises InvalidParameter when there is no such conversation.
    """
    start = None if after is None else _position(store, scope, after)
    page = store.list_dialogues(replace(query, after=start))
    found: dict[str, dict[str, Any]] = {}
    ids = [item.id for item in page.items]
    for first in range(0, len(ids), WHOLE_AT_ONCE):
        some = store.get_dialogues(scope, ids[first : first + WHOLE_AT_ONCE])
        found |= {dialogue.id: _shown(dialogue) for dialogue in some}
    # One that was deleted meanwhile is left out.
    data = [found[name] for name in ids if name in found]
    return _list(data, more=page.more)


def _position(store: Store, scope: Scope, conversation_id: str) -> tuple[str, str, str]:
    found = store.get_dialogue_items(scope, [conversation_id])
    if not found:
        raise unknown_start(conversation_id)
    return found[0].created, found[0].namespace, found[0].id


def append(tx: Transaction, conversation_id: str, drafts: Sequence[NewMessage]) -> Result:
    """Add items, all or none, and answer them; a repeat answers the stored ones.

    Raises DialogueNotFound, DuplicateId, and DialogueEnded for a conversation not active.
    """
    added = messages.accept(tx, conversation_id, drafts, UNCONDITIONAL)
    return _list([item for message in added for item in _items(message)], more=False)


def get_item(store: Store, scope: Scope, conversation_id: str, item_id: str) -> Result:
    """Return an item, of a deleted conversation too; raises MessageNotFound."""
    found = _find_item(store, scope, conversation_id, item_id)
    if found is None:
        raise messages.message_not_found(conversation_id, item_id)
    _, items, place = found
    return Result(compact_json(items[place]))


def delete_item(tx: Transaction, conversation_id: str, item_id: str) -> Result:
    """Delete an item and answer its conversation.

    Raises DialogueNotFound, MessageNotFound and DialogueImmutable, and InvalidParameter for an item that
    shares its message with others.
    """
    dialogue = messages.require_dialogue(tx, conversation_id)
    whole, _, place = item_id.partition(PLACE)
    if place and tx.find_message(conversation_id, item_id) is None:
        raise InvalidParameter(
            f"This item is a part of the message {quote(whole)}: delete that, and all of it is gone.",
            Detail("item_id", "is a part of a message"),
        )
    messages.delete(tx, conversation_id, item_id, UNCONDITIONAL)
    return _result(dialogue)


def list_items(store: Store, scope: Scope, conversation_id: str, query: ItemQuery) -> Result:
    """Return a page of a conversation's items, of a deleted one too; it ends early at PAGE_BYTES.

    Raises DialogueNotFound, and InvalidParameter when ``after`` is no item of the conversation.
    """
    uid = find_generation(store, scope, conversation_id).uid
    found, start = _rest(store, scope, conversation_id, uid, query)
    more = len(found) > query.limit
    if not more:
        wanted = MessageListQuery(uid, query.limit - len(found) + 1, query.order, start)
        page = store.list_messages(scope, conversation_id, wanted)
        for message in page.items:
            found += _directed(_items(message), query.order)
        more = page.more or len(found) > query.limit
    return _list(found[: query.limit], more=more)


def _rest(
    store: Store, scope: Scope, conversation_id: str, uid: str, query: ItemQuery
) -> tuple[list[Item], tuple[Timestamp, int] | None]:
    """Return the items of the message of ``after`` that follow it, and where that message stands."""
    if query.after is None:
        return [], None
    found = _find_item(store, scope, conversation_id, query.after)
    if found is None or found[0].uid != uid:
        raise unknown_start(query.after)
    message, items, place = found
    rest = items[place + 1 :] if query.order is Order.ASC else items[:place]
    return _directed(rest, query.order), (message.created, message.seq)


def _find_item(
    store: Store, scope: Scope, conversation_id: str, item_id: str
) -> tuple[Message, list[Item], int] | None:
    """Return the message of an item, all items of that message, and which of them it is."""
    for message_id in dict.fromkeys((item_id, item_id.partition(PLACE)[0])):
        message = store.get_message(scope, conversation_id, message_id)
        items = [] if message is None else _items(message)
        places = [place for place, item in enumerate(items) if item["id"] == item_id]
        if message is not None and places:
            return message, items, places[0]
    return None


def _items(message: Message | MessageItem) -> list[Item]:
    return items_of(orjson.loads(message.body))


def _directed(items: list[Item], order: Order) -> list[Item]:
    return items if order is Order.ASC else items[::-1]


def unknown_start(after: str) -> InvalidParameter:
    """Return the error for an ``after`` that names nothing in the list."""
    return InvalidParameter(
        f"after names nothing in this list: {quote(after)}.", Detail("after", "is not there")
    )


def _result(dialogue: Dialogue) -> Result:
    return Result(compact_json(_shown(dialogue)))


def _shown(dialogue: Dialogue) -> dict[str, Any]:
    metadata = parse(dialogue.state).get(STATE_KEY)
    return {
        "id": dialogue.id,
        "object": "conversation",
        "created_at": int(datetime.fromisoformat(dialogue.created).timestamp()),
        "metadata": metadata if isinstance(metadata, dict) else {},
    }


def _list(data: list[dict[str, Any]], *, more: bool) -> Result:
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {"first_id": "", "last_id": ""}
    return Result(compact_json({"object": "list", "data": data, **ends, "has_more": more}))
