"""Chat message history of LangChain. What its own history in memory promises is asked of both."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from conftest import PATIENT, Example
from langchain_core.chat_history import BaseChatMessageHistory, InMemoryChatMessageHistory
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    ChatMessageChunk,
    FunctionMessage,
    FunctionMessageChunk,
    HumanMessage,
    HumanMessageChunk,
    RemoveMessage,
    SystemMessage,
    SystemMessageChunk,
    ToolMessage,
    ToolMessageChunk,
)
from live import LiveServer

from colloquy_client import Colloquy
from colloquy_client.langchain import ColloquyChatMessageHistory

pytestmark = pytest.mark.filterwarnings("ignore:.*was deprecated in LangChain")

CALL: Any = {"name": "find", "args": {"a": 1}, "id": "c1", "type": "tool_call"}

MESSAGES: list[BaseMessage] = [
    SystemMessage("Be brief", id="s1"),
    HumanMessage("Hello", name="Ada", additional_kwargs={"k": [1, 2.5, None]}),
    HumanMessage(
        [{"type": "text", "text": "Look"}, {"type": "image", "base64": "AA==", "mime_type": "image/png"}]
    ),
    HumanMessage(["plain", "strings", {"type": "text", "text": "x"}]),
    AIMessage(
        "",
        tool_calls=[CALL],
        invalid_tool_calls=[
            {"name": "find", "args": "{", "id": "c9", "error": "no", "type": "invalid_tool_call"}
        ],
        usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
        response_metadata={"model_name": "m", "finish_reason": "tool_calls"},
    ),
    ToolMessage("42", tool_call_id="c1", artifact={"rows": [1]}, status="success", name="find"),
    ToolMessage([{"type": "text", "text": "no"}], tool_call_id="c9", status="error"),
    AIMessage(
        [
            {"type": "thinking", "thinking": "hmm", "signature": "x"},
            {"type": "tool_use", "id": "t1", "name": "find", "input": {}},
        ],
        tool_calls=[{"name": "find", "args": {}, "id": "t1", "type": "tool_call"}],
    ),
    AIMessage([{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "Hi", "annotations": []}]),
    ChatMessage("as a critic", role="critic"),
    ChatMessage("as a developer", role="developer"),
    FunctionMessage("1", name="legacy"),
    RemoveMessage(id="s1"),
    AIMessageChunk("chunk", tool_call_chunks=[{"name": "find", "args": "{}", "id": "c2", "index": 0}]),
    HumanMessageChunk("chunk"),
    SystemMessageChunk("chunk"),
    ToolMessageChunk("chunk", tool_call_id="c2"),
    FunctionMessageChunk("chunk", name="legacy"),
    ChatMessageChunk("chunk", role="critic"),
    HumanMessage('🚀 café 中文 \\ "x" \n'),
]

Open = Callable[[str], BaseChatMessageHistory]


@pytest.fixture(params=["memory", "colloquy"])
def open_history(request: Any, client: Colloquy) -> Open:
    """Give a function that opens histories of the framework's own kind, and of ours."""
    kept: dict[str, BaseChatMessageHistory] = {}

    def open_one(session_id: str) -> BaseChatMessageHistory:
        if request.param == "colloquy":
            return ColloquyChatMessageHistory(session_id, client=client)
        return kept.setdefault(session_id, InMemoryChatMessageHistory())

    return open_one


def test_messages_of_every_class_come_back_equal(open_history: Open) -> None:
    """What was added is what is returned, in order, of the same class."""
    open_history("s").add_messages(MESSAGES)
    open_history("s").add_messages([])
    found = open_history("s").messages
    assert found == MESSAGES
    assert [type(message) for message in found] == [type(message) for message in MESSAGES]


def test_a_cleared_session_starts_anew(open_history: Open) -> None:
    """Unknown sessions are empty, cleared ones too; what is added later is there."""
    history = open_history("s")
    history.clear()
    assert history.messages == []
    history.add_user_message("before")
    history.clear()
    assert history.messages == []
    history.add_ai_message("after")
    assert history.messages == [AIMessage("after")]
    assert str(history) == "AI: after"


def test_sessions_are_kept_apart(open_history: Open) -> None:
    """Sessions with different ids share nothing, whatever characters their ids have."""
    names = ["a", "a/b", "user 1:äöü", "..", "x" * 300, "x" * 301]
    for name in names:
        open_history(name).add_user_message(name)
    for name in names:
        assert open_history(name).messages == [HumanMessage(name)]


def test_the_asynchronous_methods_do_the_same(open_history: Open) -> None:
    """Each asynchronous method does what its twin does."""

    async def use() -> None:
        history = open_history("s")
        await history.aadd_messages(MESSAGES)
        assert await history.aget_messages() == MESSAGES
        await history.aclear()
        assert await history.aget_messages() == []

    asyncio.run(use())


def test_many_messages_stay_in_order(client: Colloquy) -> None:
    """More messages than one request takes are stored in order."""
    messages = [HumanMessage(str(number)) for number in range(130)]
    history = ColloquyChatMessageHistory("s", client=client)
    history.add_messages(messages)
    assert history.messages == messages


def test_messages_that_came_another_way_are_read(client: Colloquy) -> None:
    """What was appended through the client becomes a message of the class of its role."""
    client.dialogue("s").append("Hello", role="user")
    client.dialogue("s").append({"role": "tool", "tool_call_id": "c", "content": "42"})
    user, tool = ColloquyChatMessageHistory("s", client=client).messages
    assert user == HumanMessage("Hello")
    assert isinstance(tool, ChatMessage)


def test_contexts_pair_calls_and_results(client: Colloquy) -> None:
    """Tool calls of every shape come back from ``context`` as OpenAI's API takes them."""
    ColloquyChatMessageHistory("s", client=client).add_messages(
        [
            HumanMessage("Find it"),
            AIMessage("", tool_calls=[CALL]),
            ToolMessage("42", tool_call_id="c1"),
            MESSAGES[7],
            ToolMessage("43", tool_call_id="t1"),
        ]
    )
    context = client.dialogue("s").context(format="openai")["messages"]
    assert [message["role"] for message in context] == ["user", "assistant", "tool", "assistant", "tool"]
    assert [len(message.get("tool_calls", [])) for message in context] == [0, 1, 0, 1, 0]  # type: ignore[call-overload, attr-defined]  # the fields of these messages
    assert context[-1]["content"] == "43"  # type: ignore[typeddict-item]  # a message has it here


def test_a_killed_server_loses_nothing(own_server: LiveServer) -> None:
    """Messages added while the server is killed and started again are all there, once and in order."""
    with Colloquy(own_server.url, own_server.key, retries=PATIENT) as client:
        history = ColloquyChatMessageHistory("s", client=client)
        writer = threading.Thread(
            target=lambda: [
                history.add_messages([HumanMessage(f"{n}"), AIMessage(f"{n}")]) for n in range(40)
            ]
        )
        writer.start()
        own_server.kill()
        own_server.start()
        writer.join(timeout=120)
        said = [(message.type, message.content) for message in history.messages]
        assert said == [(kind, str(number)) for number in range(40) for kind in ("human", "ai")]


def test_workers_share_a_session(client: Colloquy) -> None:
    """Workers that add at once lose nothing, and what each adds together stays together."""

    def work(name: str) -> None:
        for number in range(15):
            history = ColloquyChatMessageHistory("s", client=client)
            history.add_messages([HumanMessage(f"{name} {number}"), AIMessage(f"{name} {number}")])

    workers = [threading.Thread(target=work, args=(name,)) for name in ("left", "right")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    said = [message.content for message in ColloquyChatMessageHistory("s", client=client).messages]
    assert said[::2] == said[1::2]
    for name in ("left", "right"):
        assert [text for text in said[::2] if str(text).startswith(name)] == [
            f"{name} {n}" for n in range(15)
        ]


def test_a_second_process_continues(example: Example) -> None:
    """The example, run twice, remembers in its second run."""
    name = f"order {uuid.uuid4()}"
    first = example("langchain_history", name)
    second = example("langchain_history", name)
    assert first.splitlines() == ["Question 1: it left Berlin this morning.", "2 messages are stored"]
    assert second.splitlines() == ["Question 2: it left Berlin this morning.", "4 messages are stored"]
