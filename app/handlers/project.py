"""A whole project or one whole namespace: counts and erasure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response

from ..services import wire
from ..services.erasure import erase
from ..web.request_context import commit, parts, principal, respond, scope, store

if TYPE_CHECKING:
    from ..stores import Transaction


def get_stats(namespace: str | None = None) -> Response:
    """GET /stats."""
    return respond(wire.stats_body(store().stats(principal().scope_filter(namespace))))


def erase_namespace(namespace: str) -> Response:
    """DELETE /namespace/{namespace}: remove everything of one end user."""

    def work(tx: Transaction) -> wire.Answer:
        return wire.Answer(wire.erased_body(namespace, erase(tx)))

    response = commit(scope(namespace), work)
    parts().sweeper.wake()
    return response
