"""Pages of a search: what a cursor remembers, so that each page goes on where the last one ended.

It holds the position of the last result, how many there were, the time that date phrases were
resolved at, the frequencies that words were weighed by, how near anything was by meaning and which
vectors there were. So all pages are parts of one order, whatever is written meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import orjson

from .fusion import Range
from .query import Found, Mode, SearchQuery
from .ranking import MOST_CANDIDATES, Frequencies

FREE: Final = frozenset({"next", "limit"})
"""What may differ between the requests for the pages of one search."""


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Which page of a search is asked for."""

    now: datetime
    shown: int = 0
    after: tuple[Any, ...] | None = None
    frequencies: Frequencies | None = None
    mode: Mode | None = None
    """How the pages before were found: a search goes on in its mode."""

    def apply(self, query: SearchQuery) -> SearchQuery:
        """Return the query for this page."""
        limit = min(query.limit, MOST_CANDIDATES - self.shown)
        mode = self.mode or query.mode
        return replace(query, limit=limit, after=self.after, frequencies=self.frequencies, mode=mode)

    def behind(self, found: Found, mode: Mode) -> tuple[str] | None:
        """Return what a cursor to the next page holds; None behind the last result of at most 1,000."""
        shown = self.shown + len(found.hits)
        if found.last is None or shown >= MOST_CANDIDATES:
            return None
        items, words, nearness, newest = found.frequencies
        state = [self.now.isoformat(), shown, found.last, items, words, *nearness, mode.value, newest]
        return (orjson.dumps(state).decode(),)


POSITION_LENGTH: Final = 1
"""The number of values in what a cursor holds."""


def open_page(position: Sequence[Any] | None, now: datetime) -> SearchPage:
    """Return the page that a cursor asks for, or the first page of a search that is asked now."""
    if position is None:
        return SearchPage(now)
    begun, shown, after, items, words, *rest = orjson.loads(position[0])
    # Earlier releases had no more, or no number of the newest vector.
    last, nearest, mode, newest = (*rest, None)[:4] if rest else (*Range(), Mode.KEYWORD, None)
    frequencies = Frequencies(items, tuple(words), Range(last, nearest), newest)
    return SearchPage(datetime.fromisoformat(begun), shown, tuple(after), frequencies, Mode(mode))


def resumption(body: dict[str, Any]) -> list[str]:
    """Return what the requests for the pages of one search have in common."""
    same = {name: value for name, value in body.items() if name not in FREE}
    return ["search", orjson.dumps(same, option=orjson.OPT_SORT_KEYS).decode()]
