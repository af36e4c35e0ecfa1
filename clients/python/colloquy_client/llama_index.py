"""The chat store of LlamaIndex, kept by Colloquy.

memory = ChatMemoryBuffer.from_defaults(chat_store=ColloquyChatStore(), chat_store_key="order-4711")
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast

from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.llms import ChatMessage
from llama_index.core.storage.chat_store.base import BaseChatStore

from colloquy_client import Colloquy, Dialogue
from colloquy_client.errors import DialogueNotFound, DuplicateId, NotFound
from colloquy_client.identifiers import dialogue_id
from colloquy_client.requests import given, new_id
from colloquy_client.types import Message, NewMessage

TAG = "llama-index"
KEPT = "llama_index"
"""Beside the content of a message, what it does not share with the model APIs; in the state, the last set."""

SPEAKERS = frozenset({"system", "developer", "user", "assistant", "model", "tool", "function"})
SHARED = ("tool_calls", "tool_call_id")
BLOCKS = {
    # How blocks and their fields are called by the model APIs.
    "text": ("text", {}),
    "thinking": ("thinking", {"content": "thinking"}),
    "tool_call": ("tool_call", {"tool_call_id": "call_id", "tool_name": "name", "tool_kwargs": "args"}),
}
MOST_ATTEMPTS = 20


class ColloquyChatStore(BaseChatStore):
    """Keeps the messages of each key in a dialogue. They come back equal.

    Messages are added once and in order. ``set_messages`` adds what is new, if the messages begin with those
    that are there; otherwise it adds all of them out of sight, makes them the current ones in one write, and
    deletes those before: readers see the old messages or the new ones. ``delete_message`` and
    ``delete_last_message`` give a message to one of several callers. ``get_keys`` names the keys that this
    store has made. The asynchronous methods run the blocking ones in threads.

    Without ``client`` one is made from ``COLLOQUY_URL`` and ``COLLOQUY_KEY``.
    """

    namespace: str | None = None
    _client: Colloquy = PrivateAttr()

    def __init__(
        self, client: Colloquy | None = None, *, namespace: str | None = None, **fields: Any
    ) -> None:
        super().__init__(namespace=namespace, **fields)
        self._client = client or Colloquy()

    @classmethod
    def class_name(cls) -> str:
        """Return the name by which LlamaIndex serializes it."""
        return "ColloquyChatStore"

    def set_messages(self, key: str, messages: list[ChatMessage]) -> None:
        """Replace the messages of a key."""
        dialogue = self._dialogue(key)
        there = self._read(dialogue)
        if there is None:
            self._create(dialogue, key)
        kept = [read_message(message) for message in there or []]
        if there and messages[: len(kept)] == kept:
            self._append(dialogue, key, messages[len(kept) :])
        elif there or messages:
            self._replace(dialogue, there or [], messages)

    def _replace(self, dialogue: Dialogue, old: list[Message], messages: Sequence[ChatMessage]) -> None:
        newest = dialogue.last(1)
        mark = new_id()
        new = [write_message(message) | {"metadata": {"set": mark}} for message in messages]
        early, last = new[:-25], new[-25:]
        if early:
            dialogue.append(*early)
        current = {"set": mark, "behind": newest[0]["id"] if newest else None}
        self._client.update_dialogue(
            dialogue.id,
            namespace=dialogue.namespace,
            state={KEPT: current},
            messages=[{"id": f"{mark}.{index}", **each} for index, each in enumerate(last)],
        )
        for message in old:  # the oldest first: the last of them marks where the new ones begin
            self._delete(dialogue, message["id"])

    def get_messages(self, key: str) -> list[ChatMessage]:
        """Return the messages of a key, oldest first; none for an unknown one."""
        return [read_message(message) for message in self._read(self._dialogue(key)) or []]

    def add_message(self, key: str, message: ChatMessage) -> None:
        """Add a message to a key."""
        self._append(self._dialogue(key), key, [message])

    def delete_messages(self, key: str) -> list[ChatMessage] | None:
        """Delete a key, and return its messages; None for an unknown one."""
        dialogue = self._dialogue(key)
        messages = self._read(dialogue)
        if messages is None:
            return None
        with suppress(DialogueNotFound):
            dialogue.delete(cascade=True)
        return [read_message(message) for message in messages]

    def delete_message(self, key: str, idx: int) -> ChatMessage | None:
        """Delete the message at a place, and return it; None where there is none."""
        return self._take(key, idx)

    def delete_last_message(self, key: str) -> ChatMessage | None:
        """Delete the newest message, and return it; None where there is none."""
        return self._take(key, -1)

    def _take(self, key: str, idx: int) -> ChatMessage | None:
        dialogue = self._dialogue(key)
        for _ in range(MOST_ATTEMPTS):
            messages = self._read(dialogue) or []
            if not -len(messages) <= idx < len(messages):
                return None
            if self._delete(dialogue, messages[idx]["id"]):
                return read_message(messages[idx])
        raise RuntimeError(f"others deleted the message {MOST_ATTEMPTS} times before")

    def get_keys(self) -> list[str]:
        """Return all keys, in the order they were made."""
        namespace = self._client.choose_namespace(self.namespace)
        listing = self._client.list_dialogues(namespace=namespace, tag=[TAG], status="all", order="asc")
        return [dialogue["metadata"]["key"] for dialogue in listing]

    def _dialogue(self, key: str) -> Dialogue:
        return self._client.dialogue(dialogue_id(key), namespace=self.namespace)

    def _create(self, dialogue: Dialogue, key: str) -> None:
        with suppress(DuplicateId):  # someone else has just created it
            dialogue.create(tags=[TAG], metadata={"key": key})

    def _append(self, dialogue: Dialogue, key: str, messages: Sequence[ChatMessage]) -> None:
        if not messages:
            return
        written = [write_message(message) for message in messages]
        try:
            dialogue.append(*written, create=False)
        except DialogueNotFound:
            self._create(dialogue, key)
            dialogue.append(*written, create=False)

    def _delete(self, dialogue: Dialogue, message: str) -> bool:
        try:
            self._client.delete_message(message, dialogue.id, namespace=dialogue.namespace)
        except NotFound:
            return False
        return True

    def _read(self, dialogue: Dialogue) -> list[Message] | None:
        """Return the current messages; None where there is no such dialogue."""
        try:
            current = dialogue.load()["state"].get(KEPT, {})
            while True:
                messages = self._read_current(dialogue, current)
                before, current = current, dialogue.load()["state"].get(KEPT, {})
                if current == before:  # if not, they were replaced while they were read
                    return messages
        except DialogueNotFound:
            return None

    def _read_current(self, dialogue: Dialogue, current: dict[str, Any]) -> list[Message]:
        """Return the messages behind those that were replaced, without sets in the making."""
        newest: list[Message] = []
        for message in dialogue.messages(order="desc", limit=500):
            if message["id"] == current.get("behind"):
                break
            if message["metadata"].get("set") in {None, current.get("set")}:
                newest.append(message)
        return newest[::-1]


def write_message(message: ChatMessage) -> NewMessage:
    """Return a message as it is stored: blocks and tool calls as model APIs have them, the rest beside."""
    plain = message.model_dump(mode="json", fallback=str)
    more = plain["additional_kwargs"]
    content: dict[str, Any] = {"content": [_write_block(block) for block in plain["blocks"]]}
    content |= {name: more.pop(name) for name in SHARED if more.get(name)}
    role = plain["role"] if plain["role"] in SPEAKERS else "assistant"
    content[KEPT] = given({"role": None if role == plain["role"] else plain["role"]}, {"kwargs": more})
    return cast("NewMessage", {"role": role, "content": content})


def read_message(message: Message) -> ChatMessage:
    """Return the message that was stored, or for one that came another way what it says."""
    content = message["content"]
    if not isinstance(content, dict) or KEPT not in content:
        return ChatMessage(
            role=message["role"], content=content if isinstance(content, str) else str(content)
        )
    kept = content[KEPT]
    shared = {name: content[name] for name in SHARED if name in content}
    return ChatMessage(
        role=kept.get("role", message["role"]),
        additional_kwargs={**kept["kwargs"], **shared},
        blocks=[_read_block(block) for block in content["content"]],
    )


def _write_block(block: dict[str, Any]) -> dict[str, Any]:
    kind, names = BLOCKS.get(block["block_type"], (block["block_type"], {}))
    return {"type": kind, **{names.get(name, name): value for name, value in block.items()}}


def _read_block(block: dict[str, Any]) -> dict[str, Any]:
    _, names = BLOCKS.get(block["block_type"], ("", {}))
    back = {new: old for old, new in names.items()}
    return {back.get(name, name): value for name, value in block.items() if name != "type"}
