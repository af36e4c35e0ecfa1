"""Lists that the server answers page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Generic, TypeVar

from colloquy_client._async.transport import AsyncTransport

Item = TypeVar("Item")


class AsyncListing(Generic[Item]):
    """A list. To iterate over it gives every item that existed throughout exactly once, page after page."""

    def __init__(
        self,
        transport: AsyncTransport,
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

    async def page(self, cursor: str | None = None) -> tuple[list[Item], str | None]:
        """Return one page and the cursor of the next one, which is None on the last page."""
        query = self._query | ({"next": cursor} if cursor else {})
        answer = await self._transport.send(self._method, self._path, query=query, headers=self._headers)
        return answer.data["items"], answer.data.get("next")

    async def __aiter__(self) -> AsyncIterator[Item]:
        cursor: str | None = None
        while True:
            items, cursor = await self.page(cursor)
            for item in items:
                yield item
            if cursor is None:
                return
