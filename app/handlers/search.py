"""Search: what POST /search calls."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response

from ..search.request import parse_search
from ..services import wire
from ..web.request_context import principal, respond, store


def search(body: dict[str, Any]) -> Response:
    """POST /search."""
    query, understood = parse_search(body, principal().scope_filter, datetime.now(UTC))
    return respond(wire.search_body(query.object, store().search(query), understood))
