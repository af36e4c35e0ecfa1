"""Sessions of the OpenAI Agents SDK, kept by Colloquy.

session = ColloquySession("order-4711")
result = await Runner.run(agent, "Where is my order?", session=session)
"""

from __future__ import annotations

from typing import Any, cast

from agents.items import TResponseInputItem
from agents.memory import Session, SessionSettings
from agents.memory.session_settings import coerce_session_settings, resolve_session_limit

from colloquy_client import AsyncColloquy
from colloquy_client.cancellation import finish
from colloquy_client.errors import DialogueNotFound, NotFound
from colloquy_client.identifiers import dialogue_id
from colloquy_client.types import Message, NewMessage

SIMPLE = {"role", "content"}
ASSISTANT_KINDS = ("_call", "reasoning", "compaction", "item_reference", "mcp_list_tools", "program")


class ColloquySession(Session):
    """The history of one conversation. Items come back equal to what was added, of whatever kind.

    Items are messages of the dialogue ``session_id`` in ``namespace``. A run may be repeated, continued by
    another process, and share its session with other runs: what ``add_items`` adds is stored once, in
    order, and in one piece up to 25 items (more take several requests, which only a killed process
    leaves incomplete). ``pop_item`` removes the newest item for one caller alone. ``clear_session`` deletes
    the dialogue, with what else was kept in it.

    Without ``client`` one is made from ``COLLOQUY_URL`` and ``COLLOQUY_KEY``, and ``close`` closes it.
    """

    def __init__(
        self,
        session_id: str,
        *,
        client: AsyncColloquy | None = None,
        namespace: str | None = None,
        session_settings: SessionSettings | dict[str, Any] | None = None,
    ) -> None:
        self.session_id = session_id
        self.session_settings = coerce_session_settings(session_settings or SessionSettings())
        self._owned = client is None
        self._client = client or AsyncColloquy()
        self._dialogue = self._client.dialogue(dialogue_id(session_id), namespace=namespace)

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        """Return the newest ``limit`` items, oldest first; without a limit here or in settings, all."""
        limit = resolve_session_limit(limit, self.session_settings)
        try:
            if limit is None:
                return [read_item(message) async for message in self._dialogue.messages(limit=500)]
            return [read_item(message) for message in await self._dialogue.last(limit)]
        except DialogueNotFound:
            return []

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        """Add items behind those that are there."""
        if items:
            await finish(self._dialogue.append(*map(write_item, items)))

    async def pop_item(self) -> TResponseInputItem | None:
        """Remove the newest item and return it; None when there is none."""
        return await finish(self._pop())

    async def _pop(self) -> TResponseInputItem | None:
        while True:
            try:
                newest = await self._dialogue.last(1)
            except DialogueNotFound:
                return None
            if not newest:
                return None
            try:
                await self._client.delete_message(
                    newest[0]["id"], self._dialogue.id, namespace=self._dialogue.namespace
                )
            except NotFound:
                continue  # another run has just taken it
            return read_item(newest[0])

    async def clear_session(self) -> None:
        """Remove all items."""
        await finish(self._clear())

    async def _clear(self) -> None:
        try:
            await self._dialogue.delete(cascade=True)
        except DialogueNotFound:
            return

    async def close(self) -> None:
        """Close the client, if it was made here."""
        if self._owned:
            await self._client.aclose()


def write_item(item: TResponseInputItem) -> NewMessage:
    """Return the message that keeps an item."""
    fields = cast("dict[str, Any]", item)
    kind = str(fields.get("type", ""))
    if "role" in fields:
        content = fields.get("content")
        simple = fields.keys() == SIMPLE and isinstance(content, str) and content
        return cast("NewMessage", {"role": fields["role"], "content": content if simple else fields})
    if kind.endswith(("_output", "_response")):
        return cast("NewMessage", {"role": "tool", "content": [fields]})  # so that contexts see a result
    role = "assistant" if kind.endswith(ASSISTANT_KINDS) else "user"
    return cast("NewMessage", {"role": role, "content": fields})


def read_item(message: Message) -> TResponseInputItem:
    """Return the item that a message keeps, or for one that came another way what it says."""
    role, content = message["role"], message["content"]
    if isinstance(content, list) and role == "tool" and len(content) == 1:
        return cast("TResponseInputItem", content[0])
    if isinstance(content, dict) and ("content" not in content or {"role", "type"} & content.keys()):
        return cast("TResponseInputItem", content)
    return cast("TResponseInputItem", {"role": role, "content": content})
