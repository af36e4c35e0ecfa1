"""Older spellings: each has the answer of the operation that it calls."""

from __future__ import annotations

from typing import Any

from flask import Response

from ..domain.errors import Detail, InvalidAction, quote
from . import dialogues, messages

ACTIONS = "archive, compact, end, reopen"
"""What stands below a dialogue as an operation of its own."""


def update_dialogue_by_id(body: dict[str, Any], namespace: str | None = None) -> Response:
    """PUT /dialogue, with the id in the body."""
    return dialogues.update_dialogue(body["id"], body, namespace)


def end_dialogue_alias(id_: str, body: Any = None, namespace: str | None = None) -> Response:
    """PUT /dialogue/{id}/end."""
    return dialogues.end_dialogue(id_, body, namespace)


def act_on_dialogue(id_: str, action: str, body: Any = None, namespace: str | None = None) -> Response:
    """POST /dialogue/{id}/{action} with an action that no operation has; raises InvalidAction."""
    raise InvalidAction(
        f"{quote(action)} is not an action; known actions: {ACTIONS}.",
        Detail("action", f"must be one of {ACTIONS}"),
    )


def create_dialogue_message(id_: str, body: dict[str, Any], namespace: str | None = None) -> Response:
    """POST /dialogue/{id}/message."""
    return messages.create_message(body | {"dialogueId": id_}, namespace)


def create_dialogue_messages(id_: str, body: Any, namespace: str | None = None) -> Response:
    """POST /dialogue/{id}/messages: an array answers an array, one object answers one."""
    if isinstance(body, list):
        return messages.create_messages(id_, body, namespace)
    return create_dialogue_message(id_, body, namespace)


def get_dialogue_message(id_: str, mid: str, namespace: str | None = None) -> Response:
    """GET /dialogue/{id}/message/{mid}."""
    return messages.get_message(mid, id_, namespace)


def update_dialogue_message(
    id_: str, mid: str, body: dict[str, Any], namespace: str | None = None
) -> Response:
    """PUT /dialogue/{id}/message/{mid}."""
    return messages.update_message(mid, id_, body, namespace)


def delete_dialogue_message_alias(id_: str, mid: str, namespace: str | None = None) -> Response:
    """DELETE /dialogue/{id}/messages/{mid}."""
    return messages.delete_message(mid, id_, namespace)
