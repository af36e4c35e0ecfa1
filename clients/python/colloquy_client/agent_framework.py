"""Chat history of Microsoft's Agent Framework, kept by Colloquy.

agent = Agent(client, context_providers=[ColloquyHistoryProvider()])
await agent.run("Where is my order?", session=AgentSession(session_id="order-4711"))
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from agent_framework import HistoryProvider
from agent_framework import Message as ChatMessage
from agent_framework._sessions import filter_new_messages  # what its own providers store by

from colloquy_client import AsyncColloquy, AsyncDialogue
from colloquy_client.cancellation import finish
from colloquy_client.errors import DialogueNotFound
from colloquy_client.identifiers import dialogue_id
from colloquy_client.types import Message, NewMessage

ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
OUTSIDE = frozenset({"type", "role", "contents"})


class ColloquyHistoryProvider(HistoryProvider):
    """Keeps the messages of each session in the dialogue of its id. They come back as ``to_dict`` has them.

    What a run adds is stored once and in order, in one piece up to 25 messages. A run that hands over
    messages which end the history already, as workflows do, adds only what is behind them; as in the
    framework's own providers this is found out by comparing, so that two runs at the same moment add both.
    A session without an id is that of the id ``default``.

    Without ``client`` one is made from ``COLLOQUY_URL`` and ``COLLOQUY_KEY``, and ``close`` closes it. Other
    options are those of ``HistoryProvider``.
    """

    DEFAULT_SOURCE_ID: ClassVar[str] = "colloquy"

    def __init__(
        self,
        source_id: str = DEFAULT_SOURCE_ID,
        *,
        client: AsyncColloquy | None = None,
        namespace: str | None = None,
        skip_excluded: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(source_id, **options)
        self.skip_excluded = skip_excluded
        self._owned = client is None
        self._client = client or AsyncColloquy()
        self._namespace = namespace

    async def close(self) -> None:
        """Close the client, if it was made here."""
        if self._owned:
            await self._client.aclose()

    async def get_messages(
        self, session_id: str | None, *, state: dict[str, Any] | None = None, **kwargs: Any
    ) -> list[ChatMessage]:
        """Return the messages of a session, oldest first."""
        listing = self._dialogue(session_id).messages(limit=500)
        try:
            messages = [read_message(message) async for message in listing]
        except DialogueNotFound:
            return []
        if self.skip_excluded:
            return [message for message in messages if not message.additional_properties.get("_excluded")]
        return messages

    async def save_messages(
        self,
        session_id: str | None,
        messages: Sequence[ChatMessage],
        *,
        state: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Add messages to a session."""
        if messages:
            await finish(self._save(self._dialogue(session_id), messages))

    async def _save(self, dialogue: AsyncDialogue, messages: Sequence[ChatMessage]) -> None:
        try:
            # One more than there are new ones shows whether the history is longer than they are.
            newest = await dialogue.last(len(messages) + 1)
        except DialogueNotFound:
            newest = []
        new = filter_new_messages([read_message(message) for message in newest], messages)
        if new:
            await dialogue.append(*map(write_message, new))

    def _dialogue(self, session_id: str | None) -> AsyncDialogue:
        return self._client.dialogue(dialogue_id(session_id or "default"), namespace=self._namespace)


def write_message(message: ChatMessage) -> NewMessage:
    """Return a message as it is stored: contents as blocks that contexts understand, the rest beside them."""
    plain = message.to_dict()
    content = {name: value for name, value in plain.items() if name not in OUTSIDE}
    content["content"] = [_write_block(block) for block in plain["contents"]]
    role = plain["role"]
    if role not in ROLES:
        content["role"] = role
    return cast("NewMessage", {"role": role if role in ROLES else "user", "content": content})


def read_message(message: Message) -> ChatMessage:
    """Return the message that was stored, or for one that came another way what it says."""
    content = message["content"]
    if not isinstance(content, dict) or not isinstance(content.get("content"), list):
        return ChatMessage(message["role"], [content if isinstance(content, str) else str(content)])
    plain = {"type": "message", "role": message["role"], **content}
    plain["contents"] = [_read_block(block) for block in plain.pop("content")]
    return ChatMessage.from_dict(plain)


def _write_block(block: dict[str, Any]) -> dict[str, Any]:
    if block["type"] != "function_result":
        return block
    renamed = {"type": "function_call_output", "output": block.get("result")}
    return {**renamed, **{name: value for name, value in block.items() if name not in {"type", "result"}}}


def _read_block(block: dict[str, Any]) -> dict[str, Any]:
    if block.get("type") != "function_call_output":
        return block
    renamed = {"type": "function_result", "result": block.get("output")}
    return {**{name: value for name, value in block.items() if name not in {"type", "output"}}, **renamed}
