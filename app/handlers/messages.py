"""Messages: what the operations of /message and /messages call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from flask import Response

from ..domain.list_items import MessageItem
from ..domain.records import (
    RECENT_MESSAGES,
    Dialogue,
    JsonText,
    MessageListQuery,
    Order,
    Page,
    Scope,
)
from ..schemas.load import load
from ..schemas.messages import MessageSchema, require_batch
from ..services import dialogues, messages, wire
from ..services.wire import Answer
from ..stores import Generation
from ..web.request_context import commit, condition, parts, respond, scope, store
from .times import time_range

if TYPE_CHECKING:
    from ..services.commands import NewMessage
    from ..stores import Transaction

MESSAGE = MessageSchema()


def recent_messages(where: Scope, dialogue: Dialogue) -> JsonText:
    """Return the last 10 messages; a second read only where the 1 MiB cap kept some out.

    A third where they are larger together than a page may be.
    """
    if not dialogues.is_cut(dialogue):
        return dialogue.recent
    newest: list[MessageItem] = []
    page = Page(newest, more=True)
    while page.more and len(newest) < RECENT_MESSAGES:
        after = (newest[-1].created, newest[-1].seq) if newest else None
        query = MessageListQuery(dialogue.uid, RECENT_MESSAGES - len(newest), Order.DESC, after)
        page = store().list_messages(where, dialogue.id, query)
        newest += page.items
    return wire.messages_array(reversed(newest))


def create_message(body: dict[str, Any]) -> Response:
    """POST /message."""
    dialogue_id = body.pop("dialogueId")
    namespace = body.pop("namespace", None)
    draft = load(MESSAGE, body)
    return _append(scope(namespace), dialogue_id, (draft,), single=True)


def create_messages(dialogue_id: str, body: list[Any], namespace: str | None = None) -> Response:
    """POST /messages: a bare array in, a bare array out."""
    drafts = tuple(load(MESSAGE, item, where=(index,)) for index, item in enumerate(body))
    require_batch(drafts)
    return _append(scope(namespace), dialogue_id, drafts, single=False)


def _append(where: Scope, dialogue_id: str, drafts: tuple[NewMessage, ...], *, single: bool) -> Response:
    wanted = condition()

    def work(tx: Transaction) -> Answer:
        added = messages.append(tx, dialogue_id, drafts, wanted)
        return Answer(added[0].body if single else wire.messages_array(added))

    return commit(where, work)


def list_messages(
    dialogue_id: str,
    namespace: str | None = None,
    limit: int = 100,
    order: str = "asc",
    next_: str | None = None,
    **dates: str,
) -> Response:
    """GET /messages."""
    where, times = scope(namespace), time_range(**dates)
    generation = store().find_generation(where, dialogue_id)
    if generation is None:
        raise messages.dialogue_not_found(dialogue_id)
    binding = ["messages", where, dialogue_id, generation.uid, order, times]
    after: Any = None if next_ is None else tuple(parts().cursors.read(binding, next_, 2))
    query = MessageListQuery(generation.uid, limit, Order(order), after, times)
    page = store().list_messages(where, dialogue_id, query)
    if not generation.alive and not page.items:
        _require_any(where, dialogue_id, generation)
    bodies = (orjson.Fragment(item.body) for item in page.items)
    return respond(wire.page_body(bodies, _cursor(binding, page)))


def _cursor(binding: list[Any], page: Page[MessageItem]) -> str | None:
    if not page.more:
        return None
    last = page.items[-1]
    return parts().cursors.write(binding, [last.created, last.seq])


def _require_any(where: Scope, dialogue_id: str, generation: Generation) -> None:
    """A deleted dialogue that left no message is simply not there."""
    if not store().list_messages(where, dialogue_id, MessageListQuery(generation.uid, 1)).items:
        raise messages.dialogue_not_found(dialogue_id)


def list_dialogue_messages(id_: str, namespace: str | None = None, **query: Any) -> Response:
    """GET /dialogue/{id}/messages."""
    return list_messages(id_, namespace, **query)


def get_message(mid: str, dialogue_id: str, namespace: str | None = None) -> Response:
    """GET /message/{mid}."""
    message = store().get_message(scope(namespace), dialogue_id, mid)
    if message is None:
        raise messages.message_not_found(dialogue_id, mid)
    return respond(message.body)


def update_message(
    mid: str, dialogue_id: str, body: dict[str, Any], namespace: str | None = None
) -> Response:
    """PUT /message/{mid}: only tags can change."""
    wanted = condition()
    tags = tuple(dict.fromkeys(body["tags"]))
    return commit(
        scope(namespace),
        lambda tx: Answer(messages.set_tags(tx, dialogue_id, mid, tags, wanted).body),
    )


def delete_message(mid: str, dialogue_id: str, namespace: str | None = None) -> Response:
    """DELETE /message/{mid}."""
    wanted = condition()

    def work(tx: Transaction) -> Answer:
        messages.delete(tx, dialogue_id, mid, wanted)
        return Answer(wire.deleted_body(mid))

    return commit(scope(namespace), work)


def delete_dialogue_message(id_: str, mid: str, namespace: str | None = None) -> Response:
    """DELETE /dialogue/{id}/message/{mid}."""
    return delete_message(mid, id_, namespace)
