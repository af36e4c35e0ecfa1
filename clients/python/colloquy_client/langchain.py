"""Chat message history of LangChain, kept by Colloquy.

chain = RunnableWithMessageHistory(chain, ColloquyChatMessageHistory)
chain.invoke("Where is my order?", {"configurable": {"session_id": "order-4711"}})
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast

from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.messages import BaseMessage, messages_from_dict

from colloquy_client import Colloquy
from colloquy_client.errors import DialogueNotFound
from colloquy_client.identifiers import dialogue_id
from colloquy_client.types import Message, NewMessage

KEPT = "langchain"
"""Beside the content of a message: its class, and the fields that it does not share with the model APIs."""

ROLES = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool", "function": "function"}
SPEAKERS = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
SHARED = ("tool_calls", "tool_call_id")
CALL_TYPES = frozenset({"tool_use", "tool_call", "function_call"})


class ColloquyChatMessageHistory(BaseChatMessageHistory):
    """The messages of one session. Messages of every class come back equal.

    They are those of the dialogue ``session_id`` in ``namespace``. What ``add_messages`` adds is stored once
    and in order, in one piece up to 25 messages. ``clear`` deletes the dialogue, with what else was kept in
    it. The asynchronous methods run the blocking ones in threads. Values that are not JSON, as an artifact
    of a tool may be, are stored as their text.

    LangChain has deprecated this interface and will remove it in 2.0.

    Without ``client`` one is made from ``COLLOQUY_URL`` and ``COLLOQUY_KEY``.
    """

    def __init__(
        self, session_id: str, *, client: Colloquy | None = None, namespace: str | None = None
    ) -> None:
        super().__init__()
        self.session_id = session_id
        self._client = client or Colloquy()
        self._dialogue = self._client.dialogue(dialogue_id(session_id), namespace=namespace)

    @property
    def messages(self) -> list[BaseMessage]:
        """All messages, oldest first."""
        try:
            return [read_message(message) for message in self._dialogue.messages(limit=500)]
        except DialogueNotFound:
            return []

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Add messages behind those that are there."""
        if messages:
            self._dialogue.append(*map(write_message, messages))

    def clear(self) -> None:
        """Remove all messages."""
        with suppress(DialogueNotFound):
            self._dialogue.delete(cascade=True)


def write_message(message: BaseMessage) -> NewMessage:
    """Return a message as it is stored: content and tool calls as model APIs have them, the rest beside."""
    data = message.model_dump(mode="json", fallback=str)
    content: dict[str, Any] = {"content": data.pop("content")}
    if not _has_calls(content["content"]):
        content |= {name: data.pop(name) for name in SHARED if data.get(name)}
    content[KEPT] = {"type": message.type, "data": data}
    return cast("NewMessage", {"role": _role_of(message), "content": content})


def read_message(message: Message) -> BaseMessage:
    """Return the message that was stored, or for one that came another way what it says."""
    content = message["content"]
    if not isinstance(content, dict) or KEPT not in content:
        said = content if isinstance(content, (str, list)) else [content]
        kind = {"user": "human", "assistant": "ai", "model": "ai", "system": "system"}.get(message["role"])
        data = {"content": said} if kind else {"content": said, "role": message["role"]}
        return cast("BaseMessage", messages_from_dict([{"type": kind or "chat", "data": data}])[0])
    kept = content[KEPT]
    shared = {name: content[name] for name in SHARED if name in content}
    data = {**kept["data"], **shared, "content": content["content"]}
    return cast("BaseMessage", messages_from_dict([{"type": kept["type"], "data": data}])[0])


def _has_calls(content: Any) -> bool:
    """Whether the content names the tool calls itself, as that of Anthropic's models does."""
    blocks = content if isinstance(content, list) else []
    return any(isinstance(block, dict) and block.get("type") in CALL_TYPES for block in blocks)


def _role_of(message: BaseMessage) -> str:
    kind = message.type.removesuffix("MessageChunk").lower()
    role = getattr(message, "role", None) or ROLES.get(kind, "user")
    return role if role in SPEAKERS else "user"
