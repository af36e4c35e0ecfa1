"""Conversations: what the operations of /v1/conversations call."""

from __future__ import annotations

from typing import Any

from flask import Response

from ..domain.list_queries import DialogueListQuery
from ..domain.records import Order, ScopeFilter
from ..schemas.conversations import read_conversation, read_items, read_metadata
from ..services import conversations
from ..services.conversations import ItemQuery
from ..web.answers import fetch
from ..web.library_retries import commit
from ..web.request_context import context, scope


def create_conversation(body: dict[str, Any], namespace: str | None = None) -> Response:
    """POST /v1/conversations."""
    command = read_conversation(body, context().parts.settings.message_bytes)
    return commit(scope(namespace), conversations.create, command)


def list_conversations(
    namespace: str | None = None, limit: int = 20, order: str = "desc", after: str | None = None
) -> Response:
    """GET /v1/conversations."""
    where = scope(namespace)
    query = DialogueListQuery(ScopeFilter(where.project, where.namespace), limit, Order(order))
    return fetch(conversations.list_conversations, where, query, after)


def get_conversation(conversation_id: str, namespace: str | None = None) -> Response:
    """GET /v1/conversations/{conversation_id}: one read of the store."""
    return fetch(conversations.get, scope(namespace), conversation_id)


def update_conversation(conversation_id: str, body: dict[str, Any], namespace: str | None = None) -> Response:
    """POST /v1/conversations/{conversation_id}."""
    metadata = read_metadata(body)
    return commit(scope(namespace), conversations.set_metadata, conversation_id, metadata)


def delete_conversation(conversation_id: str, namespace: str | None = None) -> Response:
    """DELETE /v1/conversations/{conversation_id}."""
    return commit(scope(namespace), conversations.delete, conversation_id)


def create_items(
    conversation_id: str, body: dict[str, Any], namespace: str | None = None, **_include: Any
) -> Response:
    """POST /v1/conversations/{conversation_id}/items."""
    drafts = read_items(body["items"], context().parts.settings.message_bytes)
    return commit(scope(namespace), conversations.append, conversation_id, drafts)


def list_items(
    conversation_id: str,
    namespace: str | None = None,
    limit: int = 20,
    order: str = "desc",
    after: str | None = None,
    **_include: Any,
) -> Response:
    """GET /v1/conversations/{conversation_id}/items."""
    query = ItemQuery(limit, Order(order), after)
    return fetch(conversations.list_items, scope(namespace), conversation_id, query)


def get_item(conversation_id: str, item_id: str, namespace: str | None = None, **_include: Any) -> Response:
    """GET /v1/conversations/{conversation_id}/items/{item_id}."""
    return fetch(conversations.get_item, scope(namespace), conversation_id, item_id)


def delete_item(conversation_id: str, item_id: str, namespace: str | None = None) -> Response:
    """DELETE /v1/conversations/{conversation_id}/items/{item_id}."""
    return commit(scope(namespace), conversations.delete_item, conversation_id, item_id)
