"""Stock Connexion 3: its FlaskApp over an OpenAPI file, its own validation and security."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import connexion
from connexion.exceptions import OAuthProblem
from flask import Response, jsonify

from bench.contenders import shared

store = shared.open_store()
keys = shared.Keys(store)


def authenticate(token: str) -> dict[str, str]:
    """Return what Connexion notes of the key."""
    try:
        return {"sub": keys.project_of(f"Bearer {token}")}
    except shared.UnauthorizedError:
        raise OAuthProblem("unauthorized") from None


def get_dialogue(dialogue_id: str, user: str) -> Response:
    """One dialogue."""
    return jsonify(store.get_dialogue(user, dialogue_id))


def list_dialogues(user: str, limit: int = 100) -> Response:
    """The newest dialogues."""
    return jsonify(store.list_dialogues(user, limit))


def create(body: dict[str, Any], user: str) -> Response:
    """Create a dialogue."""
    return jsonify(store.create(user, body))


def append(dialogue_id: str, body: dict[str, Any], user: str) -> Response:
    """Add a message."""
    return jsonify(store.append(user, dialogue_id, body))


def merge_state(dialogue_id: str, body: dict[str, Any], user: str) -> Response:
    """Merge into the state."""
    return jsonify(store.merge_state(user, dialogue_id, body))


def page(user: str, dialogueId: str, limit: int = 100, **query: str) -> Response:  # noqa: N803  # the wire's name
    """One page of messages."""
    return jsonify(store.page(user, dialogueId, limit, query.get("next")))


def refuse(status: int) -> Any:
    """Return the handler of an error."""
    return lambda *_: connexion.lifecycle.ConnexionResponse(status_code=status, body="{}")


app = connexion.FlaskApp(__name__, specification_dir=str(Path(__file__).parent))
app.add_api("connexion3.yaml")
app.add_error_handler(shared.NotFoundError, refuse(404))
app.add_error_handler(shared.EndedError, refuse(409))
