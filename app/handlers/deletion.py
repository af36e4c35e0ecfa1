"""Deletion for good: one dialogue, or everything of one end user."""

from __future__ import annotations

from flask import Response

from ..domain import timestamps
from ..services import dialogues, erasure
from ..web.answers import commit, commit_in_steps
from ..web.request_context import actor, condition, context, scope


def delete_dialogue(id_: str, namespace: str | None = None, *, cascade: bool = False) -> Response:
    """DELETE /dialogue/{id}."""
    response = commit(
        scope(namespace), dialogues.delete, id_, condition(), purged_by=actor() if cascade else None
    )
    if cascade:
        context().parts.sweeper.wake()
    return response


def erase_namespace(namespace: str) -> Response:
    """DELETE /namespace/{namespace}: remove everything of one end user."""
    response = commit_in_steps(scope(namespace), erasure.erase_namespace, actor(), timestamps.now())
    context().parts.sweeper.wake()
    return response
