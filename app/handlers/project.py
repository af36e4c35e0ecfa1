"""The key that asks, and what its project holds."""

from __future__ import annotations

from flask import Response

from ..domain.json_text import compact_json
from ..domain.list_queries import NamespaceListQuery
from ..domain.records import ScopeFilter
from ..services import namespaces, usage
from ..web.answers import fetch, fetch_page, json_response
from ..web.cursors import PageRequest
from ..web.request_context import context, principal


def get_own_key() -> Response:
    """GET /key: whose key asks, and what it may do."""
    asking = principal()
    bound = {} if asking.namespace is None else {"namespace": asking.namespace}
    body = {"id": asking.key_id, "project": asking.project, "rights": asking.rights.value, **bound}
    return json_response(compact_json(body))


def get_stats(namespace: str | None = None) -> Response:
    """GET /stats."""
    embedder = context().parts.embedder
    model = None if embedder is None else embedder.model
    return fetch(namespaces.count, principal().scope_filter(namespace), model)


def list_namespaces(
    project: str | None = None, prefix: str = "", limit: int = 100, next_: str | None = None
) -> Response:
    """GET /namespaces."""
    name = principal().managed(project)
    page = PageRequest(("namespaces", name, prefix), next_, 1)
    return fetch_page(namespaces.list_namespaces, NamespaceListQuery(ScopeFilter(name), limit, prefix), page)


def get_usage(
    project: str | None = None,
    namespace: str | None = None,
    from_: str | None = None,
    to: str | None = None,
    by: str = "day",
) -> Response:
    """GET /usage."""
    covered = ScopeFilter(principal().managed(project), namespace)
    return fetch(usage.read_usage, usage.UsageQuery(covered, usage.Period(by), from_, to))
