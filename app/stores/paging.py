"""Walking through a list page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from ..domain.list_queries import Page

T = TypeVar("T")


def walk(read: Callable[[T | None], Page[T]]) -> Iterator[T]:
    """Yield every item of a list; ``read`` gives the page after an item, or the first one."""
    last = None
    while True:
        page = read(last)
        yield from page.items
        if not page.more:
            return
        last = page.items[-1]
