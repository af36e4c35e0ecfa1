"""LlamaIndex's chat store. What its own store in memory promises is asked of both."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections import Counter
from typing import Any

import pytest
from conftest import PATIENT, Example
from live import LiveServer
from llama_index.core.base.llms.types import (
    AudioBlock,
    ImageBlock,
    MessageRole,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from llama_index.core.llms import ChatMessage
from llama_index.core.storage.chat_store import SimpleChatStore
from llama_index.core.storage.chat_store.base import BaseChatStore

from colloquy_client import Colloquy
from colloquy_client.llama_index import ColloquyChatStore

CALL = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": "{}"}}

MESSAGES = [
    ChatMessage(role="system", content="Be brief"),
    ChatMessage(
        role="user", blocks=[TextBlock(text="Look"), ImageBlock(image=b"\x89PNG\xff", detail="low")]
    ),
    ChatMessage(role="user", blocks=[AudioBlock(audio=b"\x00\xff", format="wav")]),
    ChatMessage(
        role="assistant",
        blocks=[
            ThinkingBlock(content="hmm", num_tokens=3, additional_information={"k": 1}),
            TextBlock(text="Let me look"),
            ToolCallBlock(tool_call_id="c2", tool_name="find", tool_kwargs={"a": [1, 2.5, None]}),
        ],
    ),
    ChatMessage(role="tool", content="42", additional_kwargs={"tool_call_id": "c2", "name": "find"}),
    ChatMessage(role="assistant", content="", additional_kwargs={"tool_calls": [CALL], "k": {"b": True}}),
    ChatMessage(role="tool", content="43", additional_kwargs={"tool_call_id": "c1"}),
    ChatMessage(role="chatbot", content="x"),
    ChatMessage(role="assistant", blocks=[]),
    ChatMessage(role="user", content='🚀 café 中文 \\ "x" \n'),
    *(ChatMessage(role=role, content=str(role)) for role in MessageRole),
]  # fmt: skip


def _says(*texts: Any) -> list[ChatMessage]:
    return [ChatMessage(role="user", content=str(text)) for text in texts]


@pytest.fixture(params=["memory", "colloquy"])
def store(request: Any, client: Colloquy) -> BaseChatStore:
    """Give the framework's own store, and ours."""
    return SimpleChatStore() if request.param == "memory" else ColloquyChatStore(client)


def test_messages_of_every_kind_come_back_equal(store: BaseChatStore) -> None:
    """What was added or set is what is returned, in order."""
    for message in MESSAGES:
        store.add_message("added", message)
    store.set_messages("set", list(MESSAGES))
    assert store.get_messages("added") == store.get_messages("set") == MESSAGES


def test_an_unknown_key_is_empty(store: BaseChatStore) -> None:
    """Reading and deleting what was never written is no error."""
    assert store.get_messages("nobody") == []
    assert store.delete_messages("nobody") is None
    assert store.delete_message("nobody", 0) is None
    assert store.delete_last_message("nobody") is None
    assert store.get_keys() == []


def test_a_set_replaces_what_was_there(store: BaseChatStore) -> None:
    """After a set there is what it gave, shorter, longer or other; and nothing after an empty one."""
    for texts in (range(3), range(5), [0, 9], range(30), range(10, 40), [], ["x"]):
        store.set_messages("k", _says(*texts))
        assert store.get_messages("k") == _says(*texts)
        store.add_message("k", *_says("added"))
        assert store.get_messages("k") == _says(*texts, "added")
    assert store.get_keys() == ["k"]


def test_messages_are_deleted_by_their_place(store: BaseChatStore) -> None:
    """A message is deleted by its index or from the end, and returned."""
    store.set_messages("k", _says(*range(5)))
    assert store.delete_message("k", 1) == _says(1)[0]
    assert store.delete_message("k", 7) is None
    assert store.delete_last_message("k") == _says(4)[0]
    assert store.get_messages("k") == _says(0, 2, 3)
    assert store.delete_messages("k") == _says(0, 2, 3)
    assert store.get_messages("k") == []
    assert store.get_keys() == []
    store.add_message("k", *_says("new"))
    assert store.get_messages("k") == _says("new")


def test_keys_are_kept_apart(store: BaseChatStore) -> None:
    """Keys of any characters share nothing, and are listed as they were made."""
    names = ["a", "a/b", "user 1:äöü", "..", "x" * 300, "x" * 301]
    for name in names:
        store.add_message(name, *_says(name))
    assert store.get_keys() == names
    for name in names:
        assert store.get_messages(name) == _says(name)


def test_the_asynchronous_methods_do_the_same(store: BaseChatStore) -> None:
    """Each asynchronous method does what its twin does."""

    async def use() -> None:
        await store.aset_messages("k", _says(1, 2, 3))
        await store.async_add_message("k", *_says(4))
        assert await store.adelete_message("k", 0) == _says(1)[0]
        assert await store.adelete_last_message("k") == _says(4)[0]
        assert await store.aget_messages("k") == _says(2, 3)
        assert await store.aget_keys() == ["k"]
        assert await store.adelete_messages("k") == _says(2, 3)

    asyncio.run(use())


def test_replaced_messages_are_gone(client: Colloquy) -> None:
    """What a set replaced is deleted; a set that only adds keeps what is there."""
    store = ColloquyChatStore(client)
    store.set_messages("k", _says(*range(40)))
    first = client.dialogue("k").last(40)[0]["id"]
    store.set_messages("k", _says(*range(50)))
    assert client.dialogue("k").last(50)[0]["id"] == first
    store.set_messages("k", _says("x", "y"))
    assert client.get_dialogue("k")["totalMessages"] == 2


def test_contexts_pair_calls_and_results(client: Colloquy) -> None:
    """Tool calls come back from ``context`` as OpenAI's API takes them, from blocks and arguments alike."""
    ColloquyChatStore(client).set_messages("k", [*_says("Find it"), *MESSAGES[3:7]])
    context = client.dialogue("k").context(format="openai")["messages"]
    assert [message["role"] for message in context] == ["user", "assistant", "tool", "assistant", "tool"]
    assert context[2]["content"] == "42"  # type: ignore[typeddict-item]  # a message has it here


def test_a_killed_server_loses_nothing(own_server: LiveServer) -> None:
    """Messages added and set while the server is killed and started again are all there, once, in order."""
    with Colloquy(own_server.url, own_server.key, retries=PATIENT) as client:
        store = ColloquyChatStore(client)

        def write() -> None:
            for number in range(12):
                store.add_message("added", *_says(number))
                store.set_messages("set", _says(*range(number, number + 4)))

        writer = threading.Thread(target=write)
        writer.start()
        own_server.kill()
        own_server.start()
        writer.join(timeout=180)
        assert store.get_messages("added") == _says(*range(12))
        assert store.get_messages("set") == _says(*range(11, 15))


def test_workers_share_a_key(client: Colloquy) -> None:
    """Workers that add at once lose nothing; of messages that several delete each is given to one."""
    store = ColloquyChatStore(client)
    taken: list[str] = []

    def add(name: str) -> None:
        for number in range(15):
            store.add_message("k", *_says(f"{name} {number}"))

    def take() -> None:
        while (message := store.delete_last_message("k")) is not None:
            taken.append(str(message.content))

    for work in ([lambda n=n: add(n) for n in ("left", "right")], [take, take, take]):
        workers = [threading.Thread(target=each) for each in work]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(timeout=60)
    assert Counter(taken) == Counter(f"{name} {n}" for name in ("left", "right") for n in range(15))


def test_readers_see_the_old_messages_or_the_new(client: Colloquy) -> None:
    """While a long history is replaced, every read is one whole version of it."""
    store = ColloquyChatStore(client)
    versions = [_says(*(f"{version} {n}" for n in range(30))) for version in range(4)]
    store.set_messages("k", versions[0])
    seen: list[list[ChatMessage]] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.append(store.get_messages("k"))

    reader = threading.Thread(target=read)
    reader.start()
    for version in versions[1:]:
        store.set_messages("k", version)
    done.set()
    reader.join(timeout=60)
    assert len(seen) > 1
    assert all(messages in versions for messages in seen)


def test_a_second_process_continues(example: Example) -> None:
    """The example, run twice, remembers in its second run."""
    name = f"order {uuid.uuid4()}"
    first = example("llama_index_memory", name)
    second = example("llama_index_memory", name)
    assert first.splitlines() == ["Question 1: it left Berlin this morning.", "2 messages are stored"]
    assert second.splitlines() == ["Question 2: it left Berlin this morning.", "4 messages are stored"]
