"""Search: by words and by meaning, and from one dialogue to those like it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response

from ..search.paging import POSITION_LENGTH, open_page, resumption
from ..search.request import parse_search
from ..services.search import find, find_similar
from ..web.answers import fetch, fetch_continued
from ..web.cursors import PageRequest
from ..web.request_context import context, principal, scope


def search(body: dict[str, Any]) -> Response:
    """POST /search."""
    request = PageRequest((principal().project, *resumption(body)), body.get("next"), POSITION_LENGTH)
    page = open_page(context().parts.cursors.find_start(request), datetime.now(UTC))
    embedder = context().parts.embedder
    query, understood = parse_search(
        body, principal().scope_filter, page.now, has_vectors=embedder is not None
    )
    return fetch_continued(request.binding, find, query, page, understood, embedder)


def list_similar_dialogues(id_: str, namespace: str | None = None, limit: int = 10) -> Response:
    """GET /dialogue/{id}/similar."""
    return fetch(find_similar, scope(namespace), id_, limit, context().parts.embedder)
