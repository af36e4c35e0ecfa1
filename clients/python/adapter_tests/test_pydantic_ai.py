"""Conversations of Pydantic AI. What its own store in memory promises is asked of both."""

from __future__ import annotations

import asyncio
import copy
import pickle
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from conftest import Example, restart
from live import LiveServer
from pydantic_ai import Agent
from pydantic_ai.conversation import Conversation
from pydantic_ai.conversation_store import (
    ConversationConflict,
    ConversationEntry,
    ConversationRecord,
    ConversationStore,
    InMemoryConversationStore,
)
from pydantic_ai.messages import (
    BinaryContent,
    BinaryImage,
    ImageUrl,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.tools import DeferredToolRequests
from pydantic_ai.usage import RequestUsage, RunUsage

from colloquy_client import AsyncColloquy, Colloquy
from colloquy_client.identifiers import dialogue_id
from colloquy_client.pydantic_ai import ColloquyConversationStore, EntryId

pytestmark = pytest.mark.anyio

Connect = Callable[[LiveServer], AsyncColloquy]

MESSAGES: list[ModelMessage] = [
    ModelRequest(parts=[SystemPromptPart("Be brief"), UserPromptPart("Hello")], instructions="x" * 70_000),
    ModelResponse(
        parts=[
            ThinkingPart("hmm", signature="c2ln"),
            TextPart("Let me look", id="t1"),
            ToolCallPart("find", {"a": [1, 2.5, None]}, tool_call_id="c1"),
            ToolCallPart("find", '{"a": 1}', tool_call_id="c2", id="fc_2"),
        ],
        usage=RequestUsage(input_tokens=3, output_tokens=4),
        model_name="m",
        provider_details={"finish": "stop"},
    ),
    ModelRequest(
        parts=[
            ToolReturnPart("find", {"found": "42"}, tool_call_id="c1"),
            ToolReturnPart("find", "try again", tool_call_id="c2", outcome="retried"),
        ]
    ),
    ModelResponse(parts=[]),
    ModelRequest(
        parts=[
            UserPromptPart(
                [
                    "Look:",
                    ImageUrl("https://example.org/a.png"),
                    BinaryImage(b"\x00\xff", media_type="image/png"),
                ]
            )
        ]
    ),
    ModelRequest(parts=[UserPromptPart([BinaryContent(b"%PDF", media_type="application/pdf")])]),
    ModelResponse(parts=[TextPart("")], finish_reason="stop"),
    ModelRequest(parts=[UserPromptPart('🚀 café 中文 \\ "x" \n')], metadata={"type": "mine", "content": 1}),
]


@pytest.fixture(params=["memory", "colloquy"])
async def store(request: Any, server: LiveServer, connect: Connect) -> AsyncIterator[ConversationStore]:
    """Give the framework's own store, and ours."""
    connection = connect(server)
    yield InMemoryConversationStore() if request.param == "memory" else ColloquyConversationStore(connection)
    await connection.aclose()


def _says(*texts: str) -> list[ModelMessage]:
    return [ModelRequest(parts=[UserPromptPart(text)]) for text in texts]


def _texts(conversation: Conversation | None) -> list[Any]:
    assert conversation is not None
    return [message.parts[0].content for message in conversation.messages]  # type: ignore[union-attr]  # text


async def _saved(store: ConversationStore, name: str, *texts: str, **options: Any) -> Conversation:
    conversation = Conversation(messages=_says(*texts), conversation_id=name)
    await store.save(conversation, **options)
    return conversation


async def test_messages_of_every_kind_come_back_equal(store: ConversationStore) -> None:
    """What was saved is what is loaded, in order, with usage and deferred requests."""
    usage = RunUsage(requests=2, input_tokens=5, details={"cached": 1})
    deferred = DeferredToolRequests(calls=[ToolCallPart("ask", {"q": 1}, tool_call_id="d")])
    conversation = Conversation(
        messages=list(MESSAGES), conversation_id="c", usage=usage, deferred_tool_requests=deferred
    )
    entries = await store.save(conversation)
    loaded = await store.load("c")
    assert loaded is not None
    assert loaded.messages == MESSAGES
    assert (loaded.usage, loaded.deferred_tool_requests) == (usage, deferred)
    assert loaded.revision == conversation.revision
    stored = await store.load_entries("c")
    assert stored == entries
    assert [entry.parent_id for entry in entries] == [None, *(entry.id for entry in entries[:-1])]


async def test_an_unknown_conversation_is_none(store: ConversationStore) -> None:
    """Loading, listing and deleting what was never saved is no error; an unknown entry is a LookupError."""
    assert await store.load("nobody") is None
    assert await store.load_entries("nobody") is None
    assert await store.list_conversations() == []
    await store.delete("nobody")
    with pytest.raises(LookupError):
        await store.read_entry("nothing")


async def test_a_save_appends_what_is_new(store: ConversationStore) -> None:
    """Only the messages that a conversation gained are stored; nothing new is nothing stored."""
    conversation = await _saved(store, "c", "one", "two")
    assert await store.save(conversation) == []
    conversation.messages += _says("three")
    assert len(await store.save(conversation)) == 1
    assert _texts(await store.load("c")) == ["one", "two", "three"]


async def test_a_window_is_loaded_and_extended(store: ConversationStore) -> None:
    """With a limit the newest messages are loaded, and what is added to them goes behind the whole."""
    await _saved(store, "c", *map(str, range(8)))
    window = await store.load("c", limit=3)
    assert _texts(window) == ["5", "6", "7"]
    assert window is not None
    window.messages += _says("8")
    await store.save(window)
    assert _texts(await store.load("c")) == [str(number) for number in range(9)]
    assert _texts(await store.load("c", limit=0)) == []


async def test_of_two_writers_one_wins(store: ConversationStore) -> None:
    """A save over somebody else's is a conflict and leaves nothing behind."""
    await _saved(store, "c", "one")
    mine, theirs = await store.load("c"), await store.load("c")
    assert mine is not None
    assert theirs is not None
    theirs.messages += _says("theirs")
    await store.save(theirs)
    mine.messages += _says("mine")
    with pytest.raises(ConversationConflict):
        await store.save(mine)
    with pytest.raises(ConversationConflict):
        await _saved(store, "c", "new")
    assert _texts(await store.load("c")) == ["one", "theirs"]


async def test_a_deleted_conversation_can_be_made_again(store: ConversationStore) -> None:
    """After a deletion the id is free, and copies from before cannot be saved over the new one."""
    before = await _saved(store, "c", "before")
    await store.delete("c")
    assert await store.load("c") is None
    before.messages += _says("more")
    with pytest.raises(ConversationConflict):
        await store.save(before)
    await _saved(store, "c", "after")
    assert _texts(await store.load("c")) == ["after"]
    with pytest.raises(ConversationConflict):
        await store.save(before)
    with pytest.raises(ConversationConflict):
        await store.delete_record("c", expected_revision="another")


async def test_a_branch_leaves_the_old_history_stored(store: ConversationStore) -> None:
    """A branch continues from an earlier point, and leads back to what it left."""
    conversation = await _saved(store, "c", "one", "two", "three")
    branch = await store.branch("c", at=1, expected_revision=conversation.revision)
    branch.messages += _says("other")
    await store.save(branch)
    assert _texts(await store.load("c")) == ["one", "other"]
    (record,) = await store.list_conversations()
    back = await store.branch("c", from_entry=record.branches[0], expected_revision=branch.revision)
    assert _texts(back) == ["one", "two", "three"]
    assert _texts(await store.load("c")) == ["one", "two", "three"]


async def test_a_rewritten_history_branches_off(store: ConversationStore) -> None:
    """A history that was changed instead of extended goes off where both part."""
    conversation = await _saved(store, "c", "one", "two")
    rewritten = Conversation(
        messages=_says("one", "changed"), conversation_id="c", revision=conversation.revision
    )
    rewritten.messages[0] = conversation.messages[0]
    await store.save(rewritten)
    assert _texts(await store.load("c")) == ["one", "changed"]
    (record,) = await store.list_conversations()
    assert len(record.branches) == 1


async def test_forks_share_their_history(store: ConversationStore) -> None:
    """A fork, and a fork of it, have the history before them, and go on alone, whatever is deleted."""
    await _saved(store, "a", "one", "two", "three")
    fork = await store.fork("a", at=2, new_conversation_id="b")
    fork.messages += _says("fork")
    await store.save(fork)
    second = await store.fork("b", new_conversation_id="c")
    second.messages += _says("second")
    await store.save(second)
    at_root = await store.fork("b", at=1, new_conversation_id="d")
    assert _texts(at_root) == ["one"]
    for gone in ("a", "b"):
        await store.delete(gone)
        assert _texts(await store.load("c")) == ["one", "two", "fork", "second"]
        assert _texts(await store.load("d")) == ["one"]
    assert _texts(await store.load("c", limit=3)) == ["two", "fork", "second"]
    late = await store.branch("c", at=1, expected_revision=second.revision)
    late.messages += _says("late")
    await store.save(late)
    assert _texts(await store.load("c")) == ["one", "late"]
    with pytest.raises(ConversationConflict):
        await store.fork("c", new_conversation_id="d")


async def test_a_record_needs_the_entry_that_it_ends_in(store: ConversationStore) -> None:
    """A head that is neither stored nor new is a conflict."""
    with pytest.raises(ConversationConflict):
        await store.write_record(
            ConversationRecord(conversation_id="c", head_id="gone"), expected_revision=None
        )
    assert await store.read_record("c") is None


async def test_scopes_keep_conversations_apart(store: ConversationStore) -> None:
    """With a scope only its conversations are loaded, listed, saved and deleted."""
    await _saved(store, "a", "x", scope="ada")
    await _saved(store, "b", "x", scope="bob")
    await _saved(store, "c", "x")
    assert await store.load("a", scope="bob") is None
    await store.delete("a", scope="bob")
    assert [record.conversation_id for record in await store.list_conversations(scope="ada")] == ["a"]
    assert {record.conversation_id for record in await store.list_conversations()} == {"a", "b", "c"}


async def test_the_one_saved_last_is_listed_first(store: ConversationStore) -> None:
    """Records are ordered by when they were saved, and cut after that."""
    start = datetime(2026, 1, 1, tzinfo=timezone.utc)
    for number in (2, 0, 3, 1):
        record = ConversationRecord(
            conversation_id=str(number), head_id=None, updated_at=start + timedelta(hours=number)
        )
        await store.write_record(record, expected_revision=None)
    assert [record.conversation_id for record in await store.read_records()] == ["3", "2", "1", "0"]
    assert [record.conversation_id for record in await store.read_records(limit=2)] == ["3", "2"]


async def test_long_histories_and_odd_names(store: ConversationStore) -> None:
    """More entries than one request takes are stored in order, under any id."""
    for name in ("a/b c", "äöü", "x" * 300):
        texts = [f"{name[:9]} {number}" for number in range(60)]
        await _saved(store, name, *texts)
        assert _texts(await store.load(name)) == texts
        assert _texts(await store.load(name, limit=7)) == texts[-7:]


async def test_a_long_save_that_lost_leaves_nothing(server: LiveServer, connect: Connect) -> None:
    """Of two long saves at once one wins; the entries that the other sent ahead are taken back."""
    async with connect(server) as connection:
        store = ColloquyConversationStore(connection)
        await _saved(store, "c", "one")
        copies = [await store.load("c") for _ in range(4)]

        async def save(conversation: Conversation | None, name: str) -> bool:
            assert conversation is not None
            conversation.messages += _says(*(f"{name} {number}" for number in range(40)))
            try:
                await store.save(conversation)
            except ConversationConflict:
                return False
            return True

        won = await asyncio.gather(*(save(copy, str(n)) for n, copy in enumerate(copies)))
        assert sum(won) == 1
        assert len(_texts(await store.load("c"))) == 41
        assert (await connection.get_dialogue("c"))["totalMessages"] == 41


async def test_entries_are_found_by_their_bare_id(server: LiveServer, connect: Connect) -> None:
    """An id that lost its place, as JSON makes it, is looked for; one that was copied keeps it."""
    async with connect(server) as connection:
        store = ColloquyConversationStore(connection)
        await _saved(store, "a", "x")
        await _saved(store, "b", "one", "two")
        entries = await store.load_entries("b")
        assert entries is not None
        last = entries[-1]
        assert isinstance(last.id, EntryId)
        for same in (copy.deepcopy(last.id), pickle.loads(pickle.dumps(last.id))):  # noqa: S301 - our own bytes
            assert (same, same.dialogue) == (last.id, "b")
        bare = str.__str__(last.id)
        assert await store.read_entry(str(bare)) == last
        assert await store.read_history(bare) == entries


async def test_deleting_erases_unless_there_is_a_fork(server: LiveServer, connect: Connect) -> None:
    """Messages of a conversation that was never forked are gone with it."""
    async with connect(server) as connection:
        store = ColloquyConversationStore(connection)
        await _saved(store, "alone", "x")
        await _saved(store, "forked", "x")
        await store.fork("forked", new_conversation_id="fork")
        await store.delete("alone")
        await store.delete("forked")
        assert (await connection.get_stats())["messages"] == 1


def _answer(messages: list[ModelMessage], _: AgentInfo) -> ModelResponse:
    last = messages[-1].parts[-1]
    if isinstance(last, ToolReturnPart):
        return ModelResponse(parts=[TextPart(f"It is {last.content}.")])
    return ModelResponse(parts=[ToolCallPart("find", {})])


async def test_a_run_survives_a_killed_server(own_server: LiveServer, connect: Connect) -> None:
    """The server is killed while a tool runs, and while the result is saved; the history is whole."""
    async with connect(own_server) as connection:
        store = ColloquyConversationStore(connection)
        agent = Agent(FunctionModel(_answer))

        @agent.tool_plain
        async def find() -> str:
            """Find it."""
            await restart(own_server)
            return "found"

        await _saved(store, "c", "before")
        result = await agent.run("Where?", conversation=await store.load("c"))
        _, saved = await asyncio.gather(restart(own_server), store.save(result))
        assert result.output == "It is found."
        assert len(saved) == 4
        assert [message.kind for message in (await store.load("c")).messages] == [  # type: ignore[union-attr]  # it was stored above
            "request",
            "request",
            "response",
            "request",
            "response",
        ]


async def test_two_workers_on_one_conversation(server: LiveServer, connect: Connect) -> None:
    """Runs at once, each of which loads again after a conflict, lose nothing and double nothing."""
    async with connect(server) as connection:
        store = ColloquyConversationStore(connection)
        await _saved(store, "c")

        async def work(name: str) -> None:
            for number in range(5):
                while True:
                    conversation = await store.load("c")
                    assert conversation is not None
                    conversation.messages += _says(f"{name} {number}")
                    try:
                        await store.save(conversation)
                    except ConversationConflict:
                        continue
                    break

        await asyncio.gather(work("left"), work("right"))
        texts = _texts(await store.load("c"))
        for name in ("left", "right"):
            assert [text for text in texts if text.startswith(name)] == [f"{name} {n}" for n in range(5)]
        assert len(texts) == 10


def test_a_second_process_continues(example: Example, server: LiveServer) -> None:
    """The example, run twice, remembers in its second run; its context is one that a model can take."""
    name = f"order {uuid.uuid4()}"
    first = example("pydantic_ai_store", name)
    second = example("pydantic_ai_store", name)
    assert first.splitlines() == ["Question 1: it left Berlin this morning.", "4 messages are stored"]
    assert second.splitlines() == ["Question 2: it left Berlin this morning.", "8 messages are stored"]
    with Colloquy(server.url, server.key) as client:
        context = client.dialogue(dialogue_id(name)).context(format="openai")["messages"]
    assert [message["role"] for message in context] == ["user", "assistant", "tool", "assistant"] * 2
    assert context[-1]["content"] == "Question 2: it left Berlin this morning."  # type: ignore[typeddict-item]  # a message has it here


def test_entries_are_equal_whatever_their_ids_know() -> None:
    """An id with a place is the id without it."""
    entry = ConversationEntry(id="e", parent_id="d", message=MESSAGES[0])
    assert ConversationEntry(id=EntryId("e", "x"), parent_id=EntryId("d", "x"), message=MESSAGES[0]) == entry
