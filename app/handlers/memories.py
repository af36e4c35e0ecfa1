"""Memories: what the operations of /memory call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response

from ..domain.records import MemoryListQuery, Order
from ..schemas.load import load
from ..schemas.memories import MemorySchema, MemoryUpdateSchema
from ..services import memories, wire
from ..services.wire import Answer
from ..web.request_context import commit, parts, principal, respond, scope, store
from .times import time_range

if TYPE_CHECKING:
    from ..stores import Transaction

NEW_MEMORY = MemorySchema()
MEMORY_UPDATE = MemoryUpdateSchema()


def create_memory(body: dict[str, Any]) -> Response:
    """POST /memory."""
    placed = load(NEW_MEMORY, body)
    return commit(
        scope(placed.namespace),
        lambda tx: Answer(wire.memory_body(memories.create(tx, placed.command))),
    )


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
    binding = ["memories", scope_filter, order, tags, times]
    cursors = parts().cursors
    after: Any = None if next_ is None else tuple(cursors.read(binding, next_, 3))
    page = store().list_memories(MemoryListQuery(scope_filter, limit, Order(order), after, times, tags))
    cursor = None
    if page.more:
        last = page.items[-1]
        cursor = cursors.write(binding, [last.created, last.namespace, last.id])
    return respond(wire.page_body(map(wire.memory_fields, page.items), cursor))


def get_memory(id_: str, namespace: str | None = None) -> Response:
    """GET /memory/{id}."""
    memory = store().get_memory(scope(namespace), id_)
    if memory is None:
        raise memories.not_found(id_)
    return respond(wire.memory_body(memory))


def update_memory(id_: str, body: dict[str, Any], namespace: str | None = None) -> Response:
    """PUT /memory/{id}."""
    command = load(MEMORY_UPDATE, body)
    return commit(scope(namespace), lambda tx: Answer(wire.memory_body(memories.update(tx, id_, command))))


def delete_memory(id_: str, namespace: str | None = None) -> Response:
    """DELETE /memory/{id}."""

    def work(tx: Transaction) -> Answer:
        memories.delete(tx, id_)
        return Answer(wire.deleted_body(id_))

    return commit(scope(namespace), work)
