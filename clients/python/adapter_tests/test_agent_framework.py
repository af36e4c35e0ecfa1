"""Chat history of Microsoft's Agent Framework. What its own provider over files promises is asked of both."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from agent_framework import (
    Agent,
    AgentSession,
    BaseChatClient,
    ChatResponse,
    Content,
    FileHistoryProvider,
    FunctionInvocationLayer,
    HistoryProvider,
    Message,
    tool,
)
from conftest import Example, restart
from live import LiveServer

from colloquy_client import AsyncColloquy, Colloquy
from colloquy_client.agent_framework import ColloquyHistoryProvider

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore::agent_framework._feature_stage.ExperimentalWarning"),
]

Connect = Callable[[LiveServer], AsyncColloquy]
Make = Callable[..., HistoryProvider]

MESSAGES = [
    Message("system", ["Be brief"]),
    Message("user", ["Hello", Content.from_uri("https://example.org/a.png", media_type="image/png")]),
    Message(
        "user", [Content.from_data(b"\x00\xff", media_type="image/png")], author_name="Ada", message_id="m1"
    ),
    Message(
        "assistant",
        [
            Content.from_text_reasoning(text="hmm"),
            Content.from_text("Let me look", additional_properties={"k": [1, 2.5, None]}),
            Content.from_function_call("c1", "find", arguments={"a": 1}),
            Content.from_function_call("c2", "find", arguments='{"a": 2}'),
        ],
        additional_properties={"score": 1.5},
    ),
    Message("tool", [Content.from_function_result("c1", result="42")]),
    Message("tool", [Content.from_function_result("c2", result="", exception="no")]),
    Message("critic", ["a role of one's own"]),
    Message("assistant", []),
    Message("assistant", ['🚀 café 中文 \\ "x" \n']),
]


def _plain(messages: Sequence[Message]) -> list[dict[str, Any]]:
    return [message.to_dict() for message in messages]


def _says(*texts: str) -> list[Message]:
    return [Message("assistant", [text]) for text in texts]


@pytest.fixture(params=["file", "colloquy"])
async def make(request: Any, server: LiveServer, connect: Connect, tmp_path: Path) -> AsyncIterator[Make]:
    """Give a function that makes the framework's provider over files, and ours."""
    connection = connect(server)

    def make_one(**options: Any) -> HistoryProvider:
        if request.param == "file":
            return FileHistoryProvider(tmp_path, **options)
        return ColloquyHistoryProvider(client=connection, **options)

    yield make_one
    await connection.aclose()


async def test_messages_of_every_kind_come_back_equal(make: Make) -> None:
    """What was saved is what is returned, in order."""
    await make().save_messages("s", MESSAGES)
    await make().save_messages("s", [])
    assert _plain(await make().get_messages("s")) == _plain(MESSAGES)


async def test_sessions_are_kept_apart(make: Make) -> None:
    """Sessions with different ids, and the one without, share nothing; an unknown one is empty."""
    names = ["a", "a/b", "user 1:äöü", "..", None]
    for name in names:
        assert await make().get_messages(name) == []
        await make().save_messages(name, _says(str(name)))
    for name in names:
        assert _plain(await make().get_messages(name)) == _plain(_says(str(name)))


async def test_many_messages_stay_in_order(make: Make) -> None:
    """More messages than one request takes are stored in order."""
    messages = _says(*map(str, range(130)))
    await make().save_messages("s", messages)
    assert _plain(await make().get_messages("s")) == _plain(messages)


async def test_what_is_handed_over_again_is_stored_once(make: Make) -> None:
    """A whole history handed over again, or its end, adds only what is new; a turn that repeats is kept."""
    await make().save_messages("s", _says("one", "two"))
    await make().save_messages("s", _says("one", "two", "three"))
    await make().save_messages("s", _says("two", "three", "four"))
    await make().save_messages("s", _says("one"))
    found = [message.text for message in await make().get_messages("s")]
    assert found == ["one", "two", "three", "four", "one"]
    for _ in range(2):
        await make().save_messages("questions", [Message("user", ["again"])])
    assert len(await make().get_messages("questions")) == 2


async def test_what_compaction_excluded_can_be_skipped(make: Make) -> None:
    """Messages that are marked as excluded stay stored and are left out when asked."""
    excluded = Message("user", ["old"], additional_properties={"_excluded": True})
    await make().save_messages("s", [excluded, *_says("new")])
    assert [message.text for message in await make(skip_excluded=True).get_messages("s")] == ["new"]
    assert len(await make().get_messages("s")) == 2


class Clerk(FunctionInvocationLayer, BaseChatClient):
    """Calls the tool at a question and answers with what the tool said."""

    async def _inner_get_response(
        self, *, messages: Sequence[Message], stream: bool, options: Mapping[str, Any], **_: Any
    ) -> ChatResponse:
        results = [content for content in messages[-1].contents if content.type == "function_result"]
        if results:
            return ChatResponse(messages=_says(f"It is {results[0].result}."))
        call = Content.from_function_call(f"call_{uuid.uuid4()}", "find", arguments={})
        return ChatResponse(messages=[Message("assistant", [call])])


async def _ask(history: HistoryProvider, question: str, find: Callable[[], Any]) -> str:
    found = tool(name="find", approval_mode="never_require")(find)
    agent = Agent(Clerk(), tools=[found], context_providers=[history])
    return (await agent.run(question, session=AgentSession(session_id="s"))).text


TURN = ["user", "assistant", "tool", "assistant"]


async def test_a_run_survives_a_killed_server(own_server: LiveServer, connect: Connect) -> None:
    """The server is killed while a tool runs; the run ends well, and the next one continues it."""
    async with connect(own_server) as connection:
        history = ColloquyHistoryProvider(client=connection)

        async def find() -> str:
            """Find it."""
            await restart(own_server)
            return "found"

        async def find_again() -> str:
            """Find it."""
            return "there"

        assert await _ask(history, "Where?", find) == "It is found."
        assert await _ask(ColloquyHistoryProvider(client=connection), "Again?", find_again) == "It is there."
        assert [str(message.role) for message in await history.get_messages("s")] == TURN * 2


async def test_two_workers_run_in_one_session(server: LiveServer, connect: Connect) -> None:
    """Runs at the same moment lose nothing and double nothing, and each stays in one piece."""
    async with connect(server) as connection:
        questions = [f"Question {number}" for number in range(6)]

        async def find() -> str:
            """Find it."""
            await asyncio.sleep(0.05)
            return "found"

        await asyncio.gather(*(_ask(ColloquyHistoryProvider(client=connection), q, find) for q in questions))
        messages = await ColloquyHistoryProvider(client=connection).get_messages("s")
        assert [str(message.role) for message in messages] == TURN * 6
        assert sorted(message.text for message in messages if message.role == "user") == questions


async def test_long_ids_are_kept_apart(server: LiveServer, connect: Connect) -> None:
    """Ids that are too long for a dialogue, and for the framework's files, are sessions of their own."""
    async with connect(server) as connection:
        history = ColloquyHistoryProvider(client=connection)
        for length in (300, 301):
            await history.save_messages("x" * length, _says(str(length)))
        assert _plain(await history.get_messages("x" * 300)) == _plain(_says("300"))


def test_a_second_process_continues(example: Example, server: LiveServer) -> None:
    """The example, run twice, remembers in its second run; its context is one that a model can take."""
    name = f"order-{uuid.uuid4()}"
    first = example("agent_framework_history", name)
    second = example("agent_framework_history", name)
    assert first.splitlines() == ["Question 1: it left Berlin this morning.", "4 messages are stored"]
    assert second.splitlines() == ["Question 2: it left Berlin this morning.", "8 messages are stored"]
    with Colloquy(server.url, server.key) as client:
        context = client.dialogue(name).context(format="openai")["messages"]
    assert [message["role"] for message in context] == ["user", "assistant", "tool", "assistant"] * 2
    assert context[2]["content"] == "it left Berlin this morning."  # type: ignore[typeddict-item]  # a message has it here
