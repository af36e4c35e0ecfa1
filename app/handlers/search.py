"""Search: what POST /search calls."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response

from ..search.paging import POSITION_LENGTH, open_page, resumption
from ..search.request import parse_search
from ..services.search import find
from ..web.answers import fetch_continued
from ..web.cursors import PageRequest
from ..web.request_context import context, principal


def search(body: dict[str, Any]) -> Response:
    """POST /search."""
    request = PageRequest((principal().project, *resumption(body)), body.get("next"), POSITION_LENGTH)
    page = open_page(context().parts.cursors.find_start(request), datetime.now(UTC))
    query, understood = parse_search(body, principal().scope_filter, page.now)
    return fetch_continued(request.binding, find, query, page, understood)
