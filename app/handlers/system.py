"""The service itself: health, documentation, counts, erasure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response

from ..domain.ids import compact
from ..services import wire
from ..services.erasure import erase
from ..web.docs import PAGE, PAGE_HEADERS
from ..web.request_context import commit, parts, principal, respond, scope, spec, store

if TYPE_CHECKING:
    from ..stores import Transaction


def get_health() -> Response:
    """GET /health: the process is up."""
    return respond(compact({"status": "ok"}))


def get_readiness() -> Response:
    """GET /ready: the store answers, is migrated and takes writes."""
    parts().readiness.require()
    return respond(compact({"status": "ready"}))


def get_docs() -> Response:
    """GET /docs: Swagger UI."""
    return Response(PAGE, mimetype="text/html", headers=PAGE_HEADERS)


def get_spec_yaml() -> Response:
    """GET /openapi.yaml: the file's own bytes."""
    return Response(spec().yaml, mimetype="text/yaml")


def get_spec_json() -> Response:
    """GET /openapi.json."""
    return Response(spec().json, mimetype="application/json")


def get_stats(namespace: str | None = None) -> Response:
    """GET /stats."""
    return respond(wire.stats_body(store().stats(principal().reach(namespace))))


def erase_namespace(namespace: str) -> Response:
    """DELETE /namespace/{namespace}: remove everything of one end user."""

    def work(tx: Transaction) -> wire.Answer:
        return wire.Answer(wire.erased_body(namespace, erase(tx)))

    response = commit(scope(namespace), work)
    parts().sweeper.wake()
    return response
