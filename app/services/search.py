"""Searching: the hits of a query, and how the request was understood."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..telemetry.measures import SEARCH_SECONDS
from .bodies import search_body
from .results import Result

if TYPE_CHECKING:
    from ..search.paging import SearchPage
    from ..search.query import SearchQuery
    from ..stores import Store


def find(store: Store, query: SearchQuery, page: SearchPage, understood: dict[str, Any]) -> Result:
    """Return a page of hits; ``understood`` is the request as it was read, which is answered beside them."""
    query = page.apply(query)
    begun = time.perf_counter()
    found = store.search(query)
    SEARCH_SECONDS.observe(time.perf_counter() - begun, query.object.value)
    return Result(search_body(query, found, understood), position=page.behind(found))
