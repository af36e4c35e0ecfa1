"""Memory: what was said in sessions, to be found again by later ones."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any

from google.adk.events.event import Event
from google.adk.memory.base_memory_service import BaseMemoryService, SearchMemoryResponse
from google.adk.memory.memory_entry import MemoryEntry
from google.adk.sessions.session import Session
from google.genai.types import Content

from colloquy_client import AsyncColloquy
from colloquy_client.errors import DuplicateId, NotFound
from colloquy_client.identifiers import dialogue_id
from colloquy_client.requests import new_id

FORGOTTEN = "forgotten"
"""The tag of a memory that was deleted and must not come back with its session."""

AT_ONCE = 8
LONGEST_QUERY = 1000


class ColloquyMemoryService(BaseMemoryService):
    """Keeps what events of sessions say as memories of an app's user, one for each event.

    To add a session again adds what is new in it and changes nothing else. A search finds memories by their
    words, best first, and gives ten at most. A memory that was deleted does not come back with its session.

    Without ``client`` one is made from ``COLLOQUY_URL`` and ``COLLOQUY_KEY``, and ``close`` closes it.
    """

    def __init__(
        self, client: AsyncColloquy | None = None, *, namespace: str | None = None, limit: int = 10
    ) -> None:
        self._owned = client is None
        self._client = client or AsyncColloquy()
        self._namespace = self._client.choose_namespace(namespace)
        self._limit = limit
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def close(self) -> None:
        """Close the client, if it was made here."""
        if self._owned:
            await self._client.aclose()

    async def add_session_to_memory(self, session: Session) -> None:
        """Add what the events of a session say."""
        await self.add_events_to_memory(
            app_name=session.app_name, user_id=session.user_id, events=session.events, session_id=session.id
        )

    async def add_events_to_memory(
        self,
        *,
        app_name: str,
        user_id: str,
        events: Sequence[Event],
        session_id: str | None = None,
        custom_metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Add what some events say."""
        entries = [
            MemoryEntry(
                id=event.id,
                content=event.content,
                author=event.author,
                timestamp=datetime.fromtimestamp(event.timestamp, timezone.utc).isoformat(),
                custom_metadata=dict(custom_metadata or {}),
            )
            for event in events
            if event.content and event.content.parts
        ]
        await self.add_memory(app_name=app_name, user_id=user_id, memories=entries)

    async def add_memory(
        self,
        *,
        app_name: str,
        user_id: str,
        memories: Sequence[MemoryEntry],
        custom_metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Add memories; one whose id there is already takes its place, unless that was deleted."""
        about = {"app": app_name, "user": user_id}
        await asyncio.gather(*(self._add(entry, about, custom_metadata or {}) for entry in memories))

    async def _add(self, entry: MemoryEntry, about: dict[str, Any], more: Mapping[str, object]) -> None:
        value = {"id": new_id(), **entry.model_dump(mode="json", exclude_none=True)}
        name = dialogue_id("adk-memory", about["app"], about["user"], value["id"])
        value["custom_metadata"] = {**value.get("custom_metadata", {}), **more}
        async with self._turns:
            try:
                await self._client.create_memory(
                    id=name, namespace=self._namespace, value=value, metadata=about
                )
            except DuplicateId:
                stored = await self._client.get_memory(name, namespace=self._namespace)
                if FORGOTTEN not in stored["tags"]:
                    await self._client.update_memory(name, namespace=self._namespace, value=value)

    async def search_memory(self, *, app_name: str, user_id: str, query: str) -> SearchMemoryResponse:
        """Return the memories of an app's user that share words with the query."""
        if not query.strip():
            return SearchMemoryResponse()
        found = await self._client.search(
            query=query[:LONGEST_QUERY],
            object="memory",
            namespace=self._namespace,
            limit=self._limit,
            metadata={"app": app_name, "user": user_id},
            tags={"$nin": [FORGOTTEN]},
        )
        memories: Any = [result["item"] for result in found["results"]]
        return SearchMemoryResponse(memories=[_read_entry(memory) for memory in memories])

    async def delete_memory(self, *, app_name: str, user_id: str, memory_id: str | None = None) -> None:
        """Forget a memory by the id that a search gave."""
        if memory_id is None:
            raise ValueError("which memory? give memory_id")
        name = dialogue_id("adk-memory", app_name, user_id, memory_id)
        with suppress(NotFound):
            await self._client.update_memory(name, namespace=self._namespace, value=None, tags=[FORGOTTEN])


def _read_entry(memory: dict[str, Any]) -> MemoryEntry:
    value = memory["value"]
    return MemoryEntry(**value | {"content": Content.model_validate(value["content"])})
