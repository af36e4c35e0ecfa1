"""State: what the operations of /dialogue/{id}/state call."""

from __future__ import annotations

from typing import Any

from flask import Response

from ..domain.records import JsonText
from ..services import dialogues, wire
from ..services.state import merge, patch, render
from ..web.request_context import commit, condition, known_versions, respond_unless_known, scope, store


def get_state(id_: str, namespace: str | None = None) -> Response:
    """GET /dialogue/{id}/state."""
    where, known = scope(namespace), known_versions()
    dialogue = dialogues.require_dialogue(store().get_dialogue(where, id_), id_)
    return respond_unless_known(known, lambda: dialogue.state, wire.etag_of(dialogue))


def update_state(
    id_: str, body: dict[str, Any], namespace: str | None = None, *, replace: bool = False
) -> Response:
    """PUT /dialogue/{id}/state: merge the keys given, or replace the whole."""
    wanted = condition()

    def change(state: JsonText) -> JsonText:
        return render(body) if replace else merge(state, body)

    return commit(scope(namespace), lambda tx: dialogues.change_state(tx, id_, change, wanted))


def patch_state(id_: str, body: dict[str, Any], namespace: str | None = None) -> Response:
    """PATCH /dialogue/{id}/state: a JSON merge patch, which can remove keys."""
    wanted = condition()
    return commit(
        scope(namespace),
        lambda tx: dialogues.change_state(tx, id_, lambda state: patch(state, body), wanted),
    )
