"""Lists that the server answers page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

from colloquy_client._sync.transport import Transport

Item = TypeVar("Item")


class Listing(Generic[Item]):
    """A list. To iterate over it gives every item that existed throughout exactly once, page after page."""

    def __init__(
        self,
        transport: Transport,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._transport = transport
        self._method = method
        self._path = path
        self._query = dict(query)
        self._headers = headers

    def page(self, cursor: str | None = None) -> tuple[list[Item], str | None]:
        """Return one page and the cursor of the next one, which is None on the last page."""
        query = self._query | ({"next": cursor} if cursor else {})
        answer = self._transport.send(self._method, self._path, query=query, headers=self._headers)
        return answer.data["items"], answer.data.get("next")

    def __iter__(self) -> Iterator[Item]:
        cursor: str | None = None
        while True:
            items, cursor = self.page(cursor)
            for item in items:
                yield item
            if cursor is None:
                return
