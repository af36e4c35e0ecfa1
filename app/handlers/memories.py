"""Memories: what the operations of /memory call."""

from __future__ import annotations

from typing import Any

from flask import Response

from ..domain.list_queries import MemoryListQuery
from ..domain.records import Order
from ..schemas.load import load
from ..schemas.memories import MemorySchema, MemoryUpdateSchema
from ..services import memories
from ..web.answers import commit, fetch, fetch_page
from ..web.cursors import PageRequest
from ..web.request_context import principal, scope
from .times import time_range

NEW_MEMORY = MemorySchema()
MEMORY_UPDATE = MemoryUpdateSchema()


def create_memory(body: dict[str, Any], namespace: str | None = None) -> Response:
    """POST /memory."""
    return commit(scope(namespace), memories.create, load(NEW_MEMORY, body).command)


def list_memories(
    namespace: str | None = None,
    limit: int = 100,
    order: str = "desc",
    next_: str | None = None,
    tag: list[str] | None = None,
    **dates: str,
) -> Response:
    """GET /memory."""
    scope_filter = principal().scope_filter(namespace)
    times = time_range(**dates)
    tags = tuple(dict.fromkeys(tag or ()))
    query = MemoryListQuery(scope_filter, limit, Order(order), None, times, tags)
    page = PageRequest(("memories", scope_filter, order, tags, times), next_, 3)
    return fetch_page(memories.list_memories, query, page)


def get_memory(id_: str, namespace: str | None = None) -> Response:
    """GET /memory/{id}."""
    return fetch(memories.get_memory, scope(namespace), id_)


def update_memory(id_: str, body: dict[str, Any], namespace: str | None = None) -> Response:
    """PUT /memory/{id}."""
    return commit(scope(namespace), memories.update, id_, load(MEMORY_UPDATE, body))


def delete_memory(id_: str, namespace: str | None = None) -> Response:
    """DELETE /memory/{id}."""
    return commit(scope(namespace), memories.delete, id_)
