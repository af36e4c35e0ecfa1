"""State: what the operations of /dialogue/{id}/state call."""

from __future__ import annotations

from typing import Any

from flask import Response

from ..services.dialogue_reads import get_state as read_state
from ..services.state import merge_state, replace_state
from ..services.state import patch_state as apply_patch
from ..web.answers import commit, fetch
from ..web.request_context import condition, known_etags, scope


def get_state(id_: str, namespace: str | None = None) -> Response:
    """GET /dialogue/{id}/state."""
    return fetch(read_state, scope(namespace), id_, known_etags())


def update_state(
    id_: str, body: dict[str, Any], namespace: str | None = None, *, replace: bool = False
) -> Response:
    """PUT /dialogue/{id}/state: merge the keys given, or replace the whole."""
    return commit(scope(namespace), replace_state if replace else merge_state, id_, body, condition())


def patch_state(id_: str, body: dict[str, Any], namespace: str | None = None) -> Response:
    """PATCH /dialogue/{id}/state: a JSON merge patch, which can remove keys."""
    return commit(scope(namespace), apply_patch, id_, body, condition())
