"""Sessions and memory of Google's ADK. What its own services in memory promise is asked of both."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

import pytest
from conftest import Example, restart
from google.adk.agents import Agent
from google.adk.errors import StaleSessionError
from google.adk.errors.already_exists_error import AlreadyExistsError
from google.adk.errors.session_not_found_error import SessionNotFoundError
from google.adk.events.event import Event
from google.adk.events.event_actions import EventActions
from google.adk.memory import InMemoryMemoryService
from google.adk.memory.base_memory_service import BaseMemoryService
from google.adk.memory.memory_entry import MemoryEntry
from google.adk.models import BaseLlm, LlmRequest, LlmResponse
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.adk.sessions.base_session_service import BaseSessionService, GetSessionConfig
from google.adk.sessions.session import Session
from google.genai import types
from live import LiveServer

from colloquy_client import AsyncColloquy, Colloquy
from colloquy_client.google_adk import ColloquyMemoryService, ColloquySessionService
from colloquy_client.identifiers import dialogue_id

pytestmark = pytest.mark.anyio

Connect = Callable[[LiveServer], AsyncColloquy]
ADA = {"app_name": "shop", "user_id": "ada"}


def _content(*parts: types.Part, role: str = "model") -> types.Content:
    return types.Content(role=role, parts=list(parts))


def _says(text: str, **more: Any) -> Event:
    return Event(author="clerk", content=_content(types.Part(text=text)), **more)


def _changes(**delta: Any) -> Event:
    names = {key.replace("__", ":"): value for key, value in delta.items()}
    return Event(author="clerk", actions=EventActions(state_delta=names))


EVENTS = [
    Event(author="user", content=_content(types.Part(text="Hello"), role="user"), invocation_id="i1"),
    _says("Let me look", branch="root.clerk", turn_complete=True, custom_metadata={"k": [1, 2.5, None]}),
    Event(
        author="clerk",
        content=_content(
            types.Part(text="hmm", thought=True, thought_signature=b"\x00\xff"),
            types.Part(function_call=types.FunctionCall(id="c1", name="find", args={"a": 1})),
            types.Part(function_call=types.FunctionCall(name="find")),
            types.Part(inline_data=types.Blob(data=b"\x89PNG\xff", mime_type="image/png")),
            types.Part(executable_code=types.ExecutableCode(code="1", language="PYTHON")),
        ),
        long_running_tool_ids={"c1"},
    ),
    Event(
        author="clerk",
        content=_content(
            types.Part(function_response=types.FunctionResponse(id="c1", name="find", response={"r": "4"})),
            role="user",
        ),
        actions=EventActions(state_delta={"a": {"b": [1]}}, transfer_to_agent="other", escalate=True),
    ),
    Event(author="clerk", error_code="STOP", error_message="no"),
    Event(author="clerk", content=types.Content(role="model")),
    Event(author="x" * 200, content=_content(types.Part(text='🚀 café 中文 \\ "x" \n'))),
]


@pytest.fixture(params=["memory", "colloquy"])
async def service(request: Any, server: LiveServer, connect: Connect) -> AsyncIterator[BaseSessionService]:
    """Give the framework's own session service, and ours."""
    connection = connect(server)
    yield InMemorySessionService() if request.param == "memory" else ColloquySessionService(connection)
    await connection.aclose()


@pytest.fixture(params=["memory", "colloquy"])
async def memory(request: Any, server: LiveServer, connect: Connect) -> AsyncIterator[BaseMemoryService]:
    """Give the framework's own memory service, and ours."""
    connection = connect(server)
    yield InMemoryMemoryService() if request.param == "memory" else ColloquyMemoryService(connection)
    await connection.aclose()


async def _get(service: BaseSessionService, name: str = "s", **config: Any) -> Session:
    session = await service.get_session(**ADA, session_id=name, config=GetSessionConfig(**config))
    assert session is not None
    return session


async def test_events_of_every_kind_come_back_equal(service: BaseSessionService) -> None:
    """What was appended is what is returned, in order; the session in hand grows with it."""
    session = await service.create_session(**ADA, session_id="s")
    for event in EVENTS:
        await service.append_event(session, event.model_copy(deep=True))
    assert session.events == EVENTS
    stored = await _get(service)
    assert stored.events == EVENTS
    assert stored.last_update_time == EVENTS[-1].timestamp


async def test_an_unknown_session_is_none(service: BaseSessionService) -> None:
    """Reading, listing and deleting what does not exist is no error; appending to it is."""
    assert await service.get_session(**ADA, session_id="nobody") is None
    assert (await service.list_sessions(**ADA)).sessions == []
    await service.delete_session(**ADA, session_id="nobody")
    session = await service.create_session(**ADA, session_id="gone")
    await service.delete_session(**ADA, session_id="gone")
    with pytest.raises(SessionNotFoundError):
        await service.append_event(session, _says("x"))


async def test_an_id_is_taken_once(service: BaseSessionService) -> None:
    """A second session with an id is refused; without an id each is a new one; users share nothing."""
    await service.create_session(**ADA, session_id=" s ")
    with pytest.raises(AlreadyExistsError):
        await service.create_session(**ADA, session_id="s")
    await service.create_session(app_name="shop", user_id="bob", session_id="s")
    first, second = [await service.create_session(**ADA) for _ in range(2)]
    assert first.id != second.id


async def test_recent_events_are_asked_for(service: BaseSessionService) -> None:
    """A count and a time cut the history at its end."""
    session = await service.create_session(**ADA, session_id="s")
    for number in range(15):
        await service.append_event(session, _says(str(number), timestamp=1000.0 + number))

    async def texts(**config: Any) -> list[str]:
        events = (await _get(service, **config)).events
        return [event.content.parts[0].text for event in events]

    assert await texts() == [str(number) for number in range(15)]
    assert await texts(num_recent_events=2) == ["13", "14"]
    assert await texts(num_recent_events=0) == []
    assert await texts(after_timestamp=1012) == ["12", "13", "14"]
    assert await texts(after_timestamp=1013.5, num_recent_events=5) == ["14"]
    assert await texts(after_timestamp=2000) == []


async def test_states_are_shared_by_their_prefix(service: BaseSessionService) -> None:
    """``app:`` is shared by all sessions of an app, ``user:`` by a user's; ``temp:`` is never stored."""
    state = {"own": 1, "app:a": 1, "user:u": {"x": [1]}, "temp:t": 1}
    first = await service.create_session(**ADA, session_id="first", state=state)
    assert first.state == {"own": 1, "app:a": 1, "user:u": {"x": [1]}}
    event = _changes(own=2, app__a=2, app__b=None, user__u=3, temp__t=2)
    await service.append_event(first, event)
    assert first.state["temp:t"] == 2
    assert "temp:t" not in event.actions.state_delta
    assert (await _get(service, "first")).state == {"own": 2, "app:a": 2, "app:b": None, "user:u": 3}
    second = await service.create_session(**ADA, session_id="second")
    assert second.state == {"app:a": 2, "app:b": None, "user:u": 3}
    other = await service.create_session(app_name="shop", user_id="bob")
    assert other.state == {"app:a": 2, "app:b": None}
    assert await service.get_user_state(**ADA) == {"u": 3}
    assert await service.get_user_state(app_name="shop", user_id="bob") == {}


async def test_lists_are_ordered_by_the_last_update(service: BaseSessionService) -> None:
    """Sessions are listed without events, with their state, the one updated last at the end."""
    for number in range(3):
        await service.create_session(**ADA, session_id=f"s/{number}", state={"n": number, "user:u": 1})
    await service.create_session(app_name="shop", user_id="bob", session_id="b")
    await service.create_session(app_name="other", user_id="ada", session_id="o")
    await service.append_event(await _get(service, "s/0"), _says("x"))
    mine = (await service.list_sessions(**ADA)).sessions
    assert [session.id for session in mine] == ["s/1", "s/2", "s/0"]
    assert [session.state for session in mine] == [{"n": n, "user:u": 1} for n in (1, 2, 0)]
    assert all(session.events == [] for session in mine)
    everyone = (await service.list_sessions(app_name="shop")).sessions
    assert {session.id for session in everyone} == {"s/0", "s/1", "s/2", "b"}


async def test_partial_events_and_repeats_are_not_stored(service: BaseSessionService) -> None:
    """A partial event is passed on; an event that is delivered again is stored once."""
    session = await service.create_session(**ADA, session_id="s")
    await service.append_event(session, _says("Le", partial=True))
    event = _says("Let me look")
    for _ in range(2):
        await service.append_event(session, event)
    assert [each.id for each in (await _get(service)).events] == [event.id]


async def test_a_deleted_session_leaves_what_is_shared(service: BaseSessionService) -> None:
    """Its events are gone, also for a new session of that id; the user's state stays."""
    session = await service.create_session(**ADA, session_id="s", state={"user:u": 1, "own": 1})
    await service.append_event(session, _says("x"))
    await service.delete_session(**ADA, session_id="s")
    again = await service.create_session(**ADA, session_id="s")
    assert (again.state, again.events) == ({"user:u": 1}, [])
    assert (await _get(service)).events == []


async def test_a_stale_session_is_refused(server: LiveServer, connect: Connect) -> None:
    """An append to a session that somebody else moved on is ``StaleSessionError`` and stores nothing."""
    async with connect(server) as connection:
        service = ColloquySessionService(connection)
        await service.create_session(**ADA, session_id="s")
        mine, theirs = await _get(service), await _get(service)
        await service.append_event(theirs, _changes(step=1))
        with pytest.raises(StaleSessionError):
            await service.append_event(mine, _changes(step=2, user__u=2))
        bare = mine.model_copy(deep=True)
        bare._storage_update_marker = None
        with pytest.raises(StaleSessionError):
            await service.append_event(bare, _says("x"))
        stored = await _get(service)
        assert (len(stored.events), stored.state) == (1, {"step": 1})


async def test_a_change_beside_the_session_makes_nothing_stale(server: LiveServer, connect: Connect) -> None:
    """A label that someone gives the dialogue moves its version, and not the session."""
    async with connect(server) as connection:
        service = ColloquySessionService(connection)
        session = await service.create_session(**ADA, session_id="s")
        name = dialogue_id("shop", "ada", "s")
        await connection.update_dialogue(name, label="A title")
        await service.append_event(session, _says("x"))
        assert len((await _get(service)).events) == 1


async def test_branches_append_to_one_session(server: LiveServer, connect: Connect) -> None:
    """Tasks that share a session object append all they have; an event's id is taken once."""
    async with connect(server) as connection:
        service = ColloquySessionService(connection)
        session = await service.create_session(**ADA, session_id="s")
        await asyncio.gather(*(service.append_event(session, _says(str(n))) for n in range(20)))
        assert (await _get(service)).events == session.events
        with pytest.raises(AlreadyExistsError):
            await service.append_event(session, _says("other", id=session.events[0].id))
        assert len((await _get(service)).events) == 20


async def test_what_is_no_json_is_stored_as_text(server: LiveServer, connect: Connect) -> None:
    """A value that JSON does not have is kept as its text, and the write succeeds."""
    async with connect(server) as connection:
        service = ColloquySessionService(connection)
        session = await service.create_session(**ADA, session_id="s", state={"when": print, "tags": {"x"}})
        await service.append_event(session, _changes(user__f=print))
        assert (await _get(service)).state == {"when": str(print), "tags": ["x"], "user:f": str(print)}


async def _texts(memory: BaseMemoryService, query: str, user: str = "ada") -> list[str]:
    found = await memory.search_memory(app_name="shop", user_id=user, query=query)
    return sorted(entry.content.parts[0].text for entry in found.memories)


def _session(*events: Event, user: str = "ada") -> Session:
    return Session(id="s", app_name="shop", user_id=user, events=list(events))


async def test_memories_are_found_by_their_words(memory: BaseMemoryService) -> None:
    """What was said is found by its user alone, however often the session is added."""
    events = [_says("The parcel is in Berlin"), _says("The invoice is paid"), _changes(a=1)]
    await memory.add_session_to_memory(_session(*events[:1]))
    await memory.add_session_to_memory(_session(*events))
    await memory.add_session_to_memory(_session(_says("A parcel for Bob"), user="bob"))
    assert await _texts(memory, "parcel") == ["The parcel is in Berlin"]
    assert await _texts(memory, "invoice") == ["The invoice is paid"]
    assert await _texts(memory, "parcel", "bob") == ["A parcel for Bob"]
    assert await _texts(memory, "nothing") == []
    assert await _texts(memory, " ") == []
    (entry,) = (await memory.search_memory(**ADA, query="invoice")).memories
    assert (entry.author, entry.content) == ("clerk", events[1].content)


async def test_single_events_are_added_and_forgotten(memory: BaseMemoryService) -> None:
    """Events can be added alone; what was deleted does not come back with its session."""
    event = _says("The parcel is in Berlin")
    await memory.add_events_to_memory(**ADA, events=[event], session_id="s")
    (entry,) = (await memory.search_memory(**ADA, query="parcel")).memories
    await memory.delete_memory(**ADA, memory_id=entry.id)
    await memory.delete_memory(**ADA, memory_id="never there")
    assert await _texts(memory, "parcel") == []
    await memory.add_session_to_memory(_session(event))
    assert await _texts(memory, "parcel") == []


async def test_memories_of_ones_own(server: LiveServer, connect: Connect) -> None:
    """A memory that was written by hand is found as it was given; one with its id takes its place."""
    async with connect(server) as connection:
        memory = ColloquyMemoryService(connection)
        for text in ("likes green tea", "likes black tea"):
            entry = MemoryEntry(
                id="tea", content=_content(types.Part(text=text)), author="clerk", custom_metadata={"k": 1}
            )
            await memory.add_memory(**ADA, memories=[entry], custom_metadata={"from": "chat"})
        (found,) = (await memory.search_memory(**ADA, query="tea")).memories
        assert found == entry.model_copy(update={"custom_metadata": {"k": 1, "from": "chat"}})


class Clerk(BaseLlm):
    """Calls the tool at a question and answers with what the tool said."""

    model: str = "scripted"

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        """Follow the script."""
        last = llm_request.contents[-1].parts[-1]
        if last.function_response:
            part = types.Part(text=f"It is {last.function_response.response['result']}.")
        else:
            part = types.Part.from_function_call(name="find", args={})
        yield LlmResponse(content=_content(part))


async def test_a_run_survives_a_killed_server(own_server: LiveServer, connect: Connect) -> None:
    """The server is killed while a tool runs; the run ends well, and the session is whole."""
    async with connect(own_server) as connection:
        service = ColloquySessionService(connection)

        async def find() -> str:
            """Find it."""
            await restart(own_server)
            return "found"

        agent = Agent(name="clerk", model=Clerk(), tools=[find])
        runner = Runner(agent=agent, app_name="shop", session_service=service, auto_create_session=True)
        question = _content(types.Part(text="Where?"), role="user")
        said = [
            event async for event in runner.run_async(user_id="ada", session_id="s", new_message=question)
        ]
        assert said[-1].content.parts[0].text == "It is found."
        events = (await _get(service)).events
        assert [event.author for event in events] == ["user", "clerk", "clerk", "clerk"]
        assert [event.id for event in events[1:]] == [event.id for event in said]


async def test_two_workers_on_one_session(server: LiveServer, connect: Connect) -> None:
    """Workers that get the session again when it was stale lose nothing and double nothing."""
    async with connect(server) as connection:
        service = ColloquySessionService(connection)
        await service.create_session(**ADA, session_id="s")

        async def work(name: str) -> None:
            for number in range(5):
                while True:
                    own = ColloquySessionService(connection)
                    try:
                        await own.append_event(await _get(own), _says(f"{name} {number}"))
                    except StaleSessionError:
                        continue
                    break

        await asyncio.gather(work("left"), work("right"))
        texts = [event.content.parts[0].text for event in (await _get(service)).events]
        assert len(texts) == 10
        for name in ("left", "right"):
            assert [text for text in texts if text.startswith(name)] == [f"{name} {n}" for n in range(5)]


def test_a_second_process_continues(example: Example, server: LiveServer) -> None:
    """The example, run twice, remembers in its second run; its context is one that a model can take."""
    name = f"order {uuid.uuid4()}"
    first = example("google_adk_session", name)
    second = example("google_adk_session", name)
    assert first.splitlines() == ["Question 1: it left Berlin this morning.", "4 events are stored"]
    assert second.splitlines() == ["Question 2: it left Berlin this morning.", "8 events are stored"]
    with Colloquy(server.url, server.key) as client:
        context = client.dialogue(dialogue_id("shop", "ada", name)).context(format="openai")["messages"]
    assert [message["role"] for message in context] == ["user", "assistant", "tool", "assistant"] * 2
