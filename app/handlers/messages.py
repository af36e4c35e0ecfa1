"""Messages: what the operations of /message and /messages call."""

from __future__ import annotations

from typing import Any

from flask import Response

from ..domain.list_queries import MessageListQuery
from ..domain.records import Order
from ..schemas.load import load
from ..schemas.messages import MessageSchema, require_distinct, require_size
from ..services import message_reads, messages
from ..summaries.context.planning import Format
from ..web.answers import commit, fetch, fetch_page
from ..web.cursors import PageRequest
from ..web.request_context import condition, context, scope
from .times import time_range

MESSAGE = MessageSchema()


def create_message(body: dict[str, Any], namespace: str | None = None) -> Response:
    """POST /message."""
    dialogue_id = body.pop("dialogueId")
    draft = load(MESSAGE, body)
    require_size((draft,), context().parts.settings.message_bytes)
    return commit(scope(namespace), messages.append_one, dialogue_id, draft, condition())


def create_messages(dialogue_id: str, body: list[Any], namespace: str | None = None) -> Response:
    """POST /messages: a bare array in, a bare array out."""
    drafts = tuple(load(MESSAGE, item, where=("messages", index)) for index, item in enumerate(body))
    require_distinct(drafts)
    require_size(drafts, context().parts.settings.message_bytes)
    return commit(scope(namespace), messages.append, dialogue_id, drafts, condition())


def list_messages(
    dialogue_id: str,
    namespace: str | None = None,
    limit: int = 100,
    order: str = "asc",
    next_: str | None = None,
    format_: str = "messages",
    **dates: str,
) -> Response:
    """GET /messages."""
    where, times = scope(namespace), time_range(**dates)
    generation = message_reads.find_generation(context().parts.backend, where, dialogue_id)
    query = MessageListQuery(generation.uid, limit, Order(order), None, times)
    page = PageRequest(("messages", where, dialogue_id, generation.uid, order, times), next_, 2)
    asked = message_reads.MessageList(where, dialogue_id, generation.alive, Format(format_))
    return fetch_page(message_reads.list_messages, query, page, asked)


def list_dialogue_messages(id_: str, namespace: str | None = None, **query: Any) -> Response:
    """GET /dialogue/{id}/messages."""
    return list_messages(id_, namespace, **query)


def get_message(mid: str, dialogue_id: str, namespace: str | None = None) -> Response:
    """GET /message/{mid}."""
    return fetch(message_reads.get_message, scope(namespace), dialogue_id, mid)


def update_message(
    mid: str, dialogue_id: str, body: dict[str, Any], namespace: str | None = None
) -> Response:
    """PUT /message/{mid}: only tags can change."""
    tags = tuple(dict.fromkeys(body["tags"]))
    return commit(scope(namespace), messages.set_tags, dialogue_id, mid, tags, condition())


def delete_message(mid: str, dialogue_id: str, namespace: str | None = None) -> Response:
    """DELETE /message/{mid}."""
    return commit(scope(namespace), messages.delete, dialogue_id, mid, condition())


def delete_dialogue_message(id_: str, mid: str, namespace: str | None = None) -> Response:
    """DELETE /dialogue/{id}/message/{mid}."""
    return delete_message(mid, id_, namespace)
