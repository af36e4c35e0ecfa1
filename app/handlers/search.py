"""Search: what POST /search calls."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response

from ..search.request import parse_search
from ..services.search import find
from ..web.answers import fetch
from ..web.request_context import principal


def search(body: dict[str, Any]) -> Response:
    """POST /search."""
    query, understood = parse_search(body, principal().scope_filter, datetime.now(UTC))
    return fetch(find, query, understood)
