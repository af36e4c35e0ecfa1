"""Sessions of the OpenAI Agents SDK. What its own SQLite session promises is asked of both."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import pytest
from agents import (
    Agent,
    Model,
    ModelResponse,
    OpenAIConversationsSession,
    RunConfig,
    Runner,
    SQLiteSession,
    Usage,
    function_tool,
)
from agents.memory import Session, SessionSettings
from agents.run_internal.session_persistence import rewind_session_items
from conftest import Example, restart
from live import LiveServer
from openai import AsyncOpenAI
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

from colloquy_client import AsyncColloquy, Colloquy
from colloquy_client.identifiers import dialogue_id
from colloquy_client.openai_agents import ColloquySession

pytestmark = pytest.mark.anyio

Connect = Callable[[LiveServer], AsyncColloquy]
Open = Callable[..., Session]

ITEMS: list[Any] = [
    {"role": "user", "content": "Hello"},
    {"role": "user", "content": ""},
    {"role": "user", "content": [{"type": "input_text", "text": ""}, {"type": "input_file", "file_id": "f"}]},
    {"role": "developer", "content": "Be brief", "type": "message"},
    {
        "id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []}],
    },
    {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAAA"},
    {"type": "function_call", "call_id": "c", "name": "find", "arguments": '{"a": 1}', "id": "fc_1"},
    {"type": "function_call_output", "call_id": "c", "output": "42"},
    {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "42"}]},
    {"type": "custom_tool_call", "call_id": "d", "name": "sql", "input": "select"},
    {"type": "custom_tool_call_output", "call_id": "d", "output": "1"},
    {"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search"}},
    {"type": "file_search_call", "id": "fs", "queries": ["q"], "status": "completed", "results": None},
    {"type": "computer_call", "id": "cu", "call_id": "e", "action": {"type": "click", "x": 1, "y": 2.5}},
    {"type": "computer_call_output", "call_id": "e", "output": {"type": "computer_screenshot"}},
    {"type": "code_interpreter_call", "id": "ci", "code": None, "container_id": "x", "outputs": []},
    {"type": "local_shell_call", "id": "ls", "call_id": "f", "action": {"type": "exec", "command": ["ls"]}},
    {"type": "local_shell_call_output", "id": "ls", "output": "a\nb"},
    {"type": "mcp_list_tools", "id": "ml", "server_label": "s", "tools": []},
    {"type": "mcp_approval_request", "id": "ma", "name": "x", "arguments": "{}", "server_label": "s"},
    {"type": "mcp_approval_response", "approval_request_id": "ma", "approve": True},
    {"type": "mcp_call", "id": "mc", "name": "x", "arguments": "{}", "server_label": "s", "output": "o"},
    {"type": "image_generation_call", "id": "ig", "result": "aGVsbG8=", "status": "completed"},
    {"type": "compaction", "id": "cm", "encrypted_content": "gAAAA"},
    {"type": "item_reference", "id": "msg_1"},
    {"id": "msg_2", "summary": [{"text": "no type of its own"}]},
    {"role": "user", "content": 'Unicode: 🚀 café \u202e 中文 "quoted" \\ \n\t'},
    {"role": "assistant", "content": [{"type": "x_output", "deep": {"a": [1, 2.5, None, True, {"b": {}}]}}]},
]  # fmt: skip


def _user(text: str) -> Any:
    return {"role": "user", "content": text}


@pytest.fixture(params=["sqlite", "colloquy"])
async def open_session(
    request: Any, server: LiveServer, connect: Connect, tmp_path: Path
) -> AsyncIterator[Open]:
    """Give a function that opens sessions of the SDK's own kind, and of ours."""
    connection = connect(server)

    def open_one(session_id: str, **options: Any) -> Session:
        if request.param == "colloquy":
            return ColloquySession(session_id, client=connection, **options)
        return SQLiteSession(session_id, tmp_path / "sessions.db", **options)

    yield open_one
    await connection.aclose()


async def test_items_of_every_kind_come_back_equal(open_session: Open) -> None:
    """What was added is what is returned, in order, in any mixture."""
    session = open_session("s")
    await session.add_items(ITEMS)
    await session.add_items([])
    assert await session.get_items() == ITEMS
    for count in (1, 2, 27, 28, 40):
        assert await session.get_items(count) == ITEMS[-count:]
    assert await session.get_items(0) == []
    for item in reversed(ITEMS):
        assert await session.pop_item() == item
    assert await session.pop_item() is None


async def test_an_unknown_session_is_empty(open_session: Open) -> None:
    """Reading, popping and clearing what was never written is no error."""
    session = open_session("new")
    assert await session.get_items() == []
    assert await session.get_items(3) == []
    assert await session.pop_item() is None
    await session.clear_session()
    assert await session.get_items() == []


async def test_a_cleared_session_starts_anew(open_session: Open) -> None:
    """After clearing, only what is added later is there."""
    session = open_session("s")
    await session.add_items([_user("before")])
    await session.clear_session()
    assert await session.get_items() == []
    await session.add_items([_user("after")])
    assert await session.get_items() == [_user("after")]


async def test_sessions_are_kept_apart(open_session: Open) -> None:
    """Sessions with different ids share nothing, whatever characters their ids have."""
    names = ["a", "a/b", "a%2Fb", "user 1:äöü", "~~a", "~", "..", "x" * 300, "x" * 301]
    for name in names:
        await open_session(name).add_items([_user(name)])
    for name in names:
        assert await open_session(name).get_items() == [_user(name)]


async def test_settings_limit_what_is_read(open_session: Open) -> None:
    """A limit in the settings holds unless the call gives its own."""
    session = open_session("s", session_settings=SessionSettings(limit=2))
    await session.add_items([_user(str(number)) for number in range(5)])
    assert await session.get_items() == [_user("3"), _user("4")]
    assert await session.get_items(limit=3) == [_user("2"), _user("3"), _user("4")]


async def test_many_items_stay_in_order(open_session: Open) -> None:
    """More items than one request takes are stored in order."""
    items = [_user(str(number)) for number in range(130)]
    await open_session("s").add_items(items)
    assert await open_session("s").get_items() == items


async def test_parallel_pops_take_each_item_once(open_session: Open) -> None:
    """Several runs that pop at once each get items of their own, and together all of them."""
    await open_session("s").add_items([_user(str(number)) for number in range(20)])
    taken: list[Any] = []

    async def pop_all(session: Session) -> None:
        while (item := await session.pop_item()) is not None:
            taken.append(item)

    await asyncio.gather(*(pop_all(open_session("s")) for _ in range(4)))
    assert sorted(int(item["content"]) for item in taken) == list(range(20))


async def test_rewinding_removes_the_tail_that_matches(open_session: Open) -> None:
    """The SDK's rewind takes back what a failed attempt stored, and nothing when the tail is another's."""
    session = open_session("s")
    await session.add_items([_user("kept"), _user("one"), _user("two")])
    await rewind_session_items(session, [_user("one"), _user("two")])
    assert await session.get_items() == [_user("kept")]
    await rewind_session_items(session, [_user("something else")])
    assert await session.get_items() == [_user("kept")]


class Clerk(Model):
    """Calls the tool at a question and answers with what the tool said."""

    async def get_response(self, *_: Any, **request: Any) -> ModelResponse:
        """Follow the script."""
        last = request["input"][-1]
        if last.get("type") == "function_call_output":
            text = ResponseOutputText(text=f"It is {last['output']}.", type="output_text", annotations=[])
            output: Any = ResponseOutputMessage(
                id="m", role="assistant", type="message", status="completed", content=[text]
            )
        else:
            call_id = f"call_{uuid.uuid4()}"
            output = ResponseFunctionToolCall(
                call_id=call_id, name="find", arguments="{}", type="function_call"
            )
        return ModelResponse(output=[output], usage=Usage(), response_id=None)

    def stream_response(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        """Streams are not part of the script."""
        raise NotImplementedError


async def _ask(session: Session, question: str, find: Callable[[], Any]) -> str:
    agent = Agent(name="Clerk", model=Clerk(), tools=[function_tool(find, name_override="find")])
    done = await Runner.run(agent, question, session=session, run_config=RunConfig(tracing_disabled=True))
    return str(done.final_output)


def _kinds(items: list[Any]) -> list[str]:
    return [str(item.get("role") or item["type"]) for item in items]


TURN = ["user", "function_call", "function_call_output", "assistant"]


async def test_a_run_survives_a_killed_server(own_server: LiveServer, connect: Connect) -> None:
    """The server is killed while a tool runs; the run ends well, and the next one continues it."""
    async with connect(own_server) as connection:
        session = ColloquySession("s", client=connection)

        async def find() -> str:
            """Find it."""
            await restart(own_server)
            return "found"

        assert await _ask(session, "Where?", find) == "It is found."
        assert (
            await _ask(ColloquySession("s", client=connection), "Again?", lambda: "there") == "It is there."
        )
        assert _kinds(cast("list[Any]", await session.get_items())) == TURN * 2


async def test_two_workers_run_in_one_session(server: LiveServer, connect: Connect) -> None:
    """Runs at the same moment lose nothing and double nothing."""
    async with connect(server) as connection:
        questions = [f"Question {number}" for number in range(6)]

        async def find() -> str:
            """Find it."""
            await asyncio.sleep(0.05)
            return "found"

        sessions = [ColloquySession("s", client=connection) for _ in questions]
        await asyncio.gather(*(_ask(s, q, find) for s, q in zip(sessions, questions, strict=True)))
        items = cast("list[Any]", await sessions[0].get_items())
        assert sorted(item["content"] for item in items if item.get("role") == "user") == questions
        assert sorted(_kinds(items)) == sorted(TURN * 6)
        calls = [item["call_id"] for item in items if item.get("type") == "function_call"]
        assert len(set(calls)) == 6
        assert sorted(calls) == sorted(i["call_id"] for i in items if i.get("type") == "function_call_output")


async def test_a_cancelled_write_is_finished(server: LiveServer, connect: Connect) -> None:
    """A cancellation during ``add_items`` is obeyed once the outcome is known, and that is: stored."""
    async with connect(server) as connection:
        session = ColloquySession("s", client=connection)
        task = asyncio.create_task(session.add_items([_user(str(number)) for number in range(60)]))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(await session.get_items()) == 60


def test_a_second_process_continues(example: Example, server: LiveServer) -> None:
    """The example, run twice, remembers in its second run; its context is one that a model can take."""
    name = f"order {uuid.uuid4()}"
    first = example("openai_agents_session", name)
    second = example("openai_agents_session", name)
    assert first.splitlines() == ["Question 1: it left Berlin this morning.", "4 items are stored"]
    assert second.splitlines() == ["Question 2: it left Berlin this morning.", "8 items are stored"]
    with Colloquy(server.url, server.key) as client:
        context = client.dialogue(dialogue_id(name)).context(format="openai")["messages"]
    assert [message["role"] for message in context] == ["user", "assistant", "tool", "assistant"] * 2


async def test_the_sdk_s_own_session_over_openai_s_api_runs_on_colloquy_as_well(server: LiveServer) -> None:
    """``OpenAIConversationsSession`` keeps, limits, pops and clears items at ``/v1/conversations``."""
    async with AsyncOpenAI(base_url=f"{server.url}/v1", api_key=server.key) as client:
        session = OpenAIConversationsSession(openai_client=client)
        call = {"type": "function_call", "call_id": "c", "name": "find", "arguments": "{}"}
        output = {"type": "function_call_output", "call_id": "c", "output": "42"}
        await session.add_items(cast("Any", [{"role": "user", "content": "Hello"}, call, output]))

        kinds = [cast("Any", item)["type"] for item in await session.get_items()]
        assert kinds == ["message", "function_call", "function_call_output"]
        (newest,) = await session.get_items(limit=1)
        assert cast("Any", newest)["output"] == "42"
        assert cast("Any", await session.pop_item())["type"] == "function_call_output"
        assert len(await session.get_items()) == 2

        again = OpenAIConversationsSession(
            conversation_id=await session._get_session_id(), openai_client=client
        )
        assert await again.get_items() == await session.get_items()
        await session.clear_session()
        assert await session.get_items() == []
