"""A whole project or one whole namespace: counts and erasure."""

from __future__ import annotations

from flask import Response

from ..services import namespaces
from ..web.answers import commit, fetch
from ..web.request_context import context, principal, scope


def get_stats(namespace: str | None = None) -> Response:
    """GET /stats."""
    return fetch(namespaces.count, principal().scope_filter(namespace))


def erase_namespace(namespace: str) -> Response:
    """DELETE /namespace/{namespace}: remove everything of one end user."""
    response = commit(scope(namespace), namespaces.erase_namespace)
    context().parts.sweeper.wake()
    return response
