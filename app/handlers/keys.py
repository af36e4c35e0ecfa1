"""The keys of a project: what the operations of /keys call."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Response

from ..domain.list_queries import KeyListQuery
from ..domain.records import Order, Scope
from ..schemas.administration import KeyRotationSchema, KeySchema
from ..schemas.load import load
from ..services import keys
from ..web.answers import commit, fetch, fetch_page
from ..web.cursors import PageRequest
from ..web.request_context import actor, principal

NEW_KEY = KeySchema()
KEY_ROTATION = KeyRotationSchema()


def create_key(body: dict[str, Any]) -> Response:
    """POST /keys."""
    project = principal().managed(body.get("project"))
    fields = {name: value for name, value in body.items() if name != "project"}
    grant = replace(load(NEW_KEY, fields), project=project)
    return commit(Scope(project), keys.issue, actor(), grant)


def list_keys(
    project: str | None = None, limit: int = 100, order: str = "desc", next_: str | None = None
) -> Response:
    """GET /keys."""
    name = principal().managed(project)
    page = PageRequest(("keys", name, order), next_, 2)
    return fetch_page(keys.list_keys, KeyListQuery(name, limit, Order(order)), page)


def get_key(id_: str, project: str | None = None) -> Response:
    """GET /keys/{id}."""
    return fetch(keys.get_key, keys.KeyPlace(principal().managed(project), id_))


def revoke_key(id_: str, project: str | None = None) -> Response:
    """DELETE /keys/{id}."""
    place = keys.KeyPlace(principal().managed(project), id_)
    return commit(Scope(place.project), keys.revoke, actor(), place)


def rotate_key(id_: str, body: dict[str, Any], project: str | None = None) -> Response:
    """POST /keys/{id}/rotate."""
    place = keys.KeyPlace(principal().managed(project), id_)
    return commit(Scope(place.project), keys.rotate, actor(), place, load(KEY_ROTATION, body))
