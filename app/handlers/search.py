"""Search: what POST /search calls."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response

from app.current import principal, respond, store
from app.search.request import parse_search
from app.services import wire


def search(body: dict[str, Any]) -> Response:
    """POST /search."""
    query, understood = parse_search(body, principal().reach, datetime.now(UTC))
    return respond(wire.search_body(query.object, store().search(query), understood))
