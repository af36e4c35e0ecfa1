"""The service itself: health and documentation."""

from __future__ import annotations

from flask import Response, current_app, request

from ..domain.json_text import compact_json
from ..domain.version import VERSION
from ..web.answers import json_response
from ..web.authentication import require_metrics_reader
from ..web.docs import answer_page
from ..web.parts import spec_of
from ..web.request_context import context


def get_health() -> Response:
    """GET /health: the process is up."""
    build = context().parts.settings.build
    return json_response(compact_json({"status": "ok", "version": VERSION, "build": build}))


def get_readiness() -> Response:
    """GET /ready: the store answers, is migrated and takes writes."""
    context().parts.readiness.require()
    return json_response(compact_json({"status": "ready"}))


def get_metrics() -> Response:
    """GET /metrics: of all worker processes, in Prometheus's format."""
    require_metrics_reader(request, context().parts.settings.metrics_token)
    metrics = context().parts.metrics
    return Response(metrics.render(), content_type=metrics.content_type)


def get_docs() -> Response:
    """GET /docs: Swagger UI."""
    return answer_page()


def get_spec_yaml() -> Response:
    """GET /openapi.yaml: the file's own bytes."""
    return Response(spec_of(current_app).yaml, mimetype="text/yaml")


def get_spec_json() -> Response:
    """GET /openapi.json."""
    return Response(spec_of(current_app).json, mimetype="application/json")
