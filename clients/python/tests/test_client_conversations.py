"""Conversations as a program has them, against a live server."""

from __future__ import annotations

import asyncio
import gc
import uuid

import httpx
import pytest
from live import LiveServer

from colloquy_client import AsyncColloquy, Colloquy, ColloquyError, errors


def test_a_conversation_needs_no_creation(client: Colloquy) -> None:
    """The first append creates the dialogue; what was said reads back in order."""
    conversation = client.dialogue("order-4711")
    conversation.append("You are a clerk.", role="system")
    conversation.append(
        {"role": "user", "content": "Where is my order?"}, {"role": "assistant", "content": "Here."}
    )
    said = [(message["role"], message["content"]) for message in conversation.messages()]
    assert said == [("system", "You are a clerk."), ("user", "Where is my order?"), ("assistant", "Here.")]
    assert [message["content"] for message in conversation.last(2)] == ["Where is my order?", "Here."]
    assert conversation.last(0) == []


def test_append_creates_nothing_when_told_so(client: Colloquy) -> None:
    """With ``create=False`` an unknown dialogue is an error."""
    with pytest.raises(errors.DialogueNotFound) as raised:
        client.dialogue("nobody").append("Hello", role="user", create=False)
    assert (raised.value.status, raised.value.code) == (404, "DIALOGUE_NOT_FOUND")
    assert raised.value.request_id


def test_append_finds_what_someone_else_created(client: Colloquy) -> None:
    """A dialogue that appears, with other content, between the attempt and the creation is used as it is."""
    conversation = client.dialogue("d")
    create = conversation.create

    def create_late(**fields: object) -> object:
        client.create_dialogue(id="d", label="theirs")
        return create(**fields)

    conversation.create = create_late  # type: ignore[method-assign, assignment]  # a stand-in that is late
    conversation.append("Hello", role="user")
    assert client.get_dialogue("d")["label"] == "theirs"
    assert client.get_dialogue("d")["totalMessages"] == 1


def test_context_pairs_tool_calls(client: Colloquy) -> None:
    """A tool call and its result come back from ``context`` as OpenAI's API takes them."""
    conversation = client.dialogue()
    call = {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": '{"id": 1}'}}
    conversation.append("Where is it?", role="user")
    conversation.append({"role": "assistant", "content": None, "tool_calls": [call]})
    conversation.append({"role": "tool", "tool_call_id": "call_1", "content": "in Berlin"})
    messages = conversation.context(max_tokens=8000, format="openai")["messages"]
    assert messages == [
        {"role": "user", "content": "Where is it?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "in Berlin"},
    ]


def test_lists_follow_their_pages(client: Colloquy) -> None:
    """Iterating over a list gives every item once, however small its pages; ``page`` gives one of them."""
    conversation = client.dialogue()
    conversation.append(*(f"message {number}" for number in range(30)), role="user")
    listing = conversation.messages(limit=7)
    assert [message["content"] for message in listing] == [f"message {number}" for number in range(30)]
    first, cursor = listing.page()
    second, _ = listing.page(cursor)
    assert [message["content"] for message in first + second] == [f"message {number}" for number in range(14)]


def test_a_life(client: Colloquy) -> None:
    """End, archive, reopen, summarise, fork and delete do what they say."""
    conversation = client.dialogue()
    (question,) = conversation.append("Where is my order 4711?", role="user")
    conversation.append("In Berlin.", role="assistant")
    assert conversation.end()["status"] == "ended"
    with pytest.raises(errors.DialogueEnded):
        conversation.append("More", role="user")
    assert conversation.archive()["status"] == "archived"
    assert conversation.reopen()["status"] == "active"
    assert conversation.summarize(template="default")["status"] == "completed"
    thread = conversation.fork("branch", at=question["id"], label="Another answer")
    assert [message["content"] for message in thread.messages()] == ["Where is my order 4711?"]
    assert thread.label == "Another answer"
    assert [each["id"] for each in client.list_dialogues(thread_of=conversation.id)] == ["branch"]
    client.create_dialogue(id="other", metadata={"plan": "pro", "seats": 5, "beta": True})
    chosen = client.list_dialogues(
        order_by="lastMessageCreated", roots=True, metadata={"plan": "pro", "seats": 5, "beta": True}, limit=1
    )
    assert [each["id"] for each in chosen] == ["other"]
    assert conversation.delete(cascade=True)["success"]
    with pytest.raises(errors.NotFound):
        conversation.load()


def test_memories_and_search(client: Colloquy) -> None:
    """Memories are kept with any value, null too, and found by their words."""
    client.create_memory(id="prefs", value={"theme": "dark"}, label="Preferences", tags=["settings"])
    client.create_memory(id="nothing", value=None)
    assert client.get_memory("nothing")["value"] is None
    assert client.update_memory("prefs", label=None)["tags"] == ["settings"]
    assert "label" not in client.get_memory("prefs")
    assert [memory["id"] for memory in client.list_memories(order="asc")] == ["prefs", "nothing"]
    assert [item["id"] for item in client.search(query="theme dark", object="memory")["items"]] == ["prefs"]
    client.delete_memory("nothing")
    with pytest.raises(errors.MemoryNotFound):
        client.get_memory("nothing")


def test_namespaces_are_kept_apart(client: Colloquy) -> None:
    """A client in another namespace sees nothing of the first, over the same connections."""
    client.dialogue("d").append("mine", role="user")
    other = client.in_namespace(f"other {uuid.uuid4()}")
    with pytest.raises(errors.DialogueNotFound):
        other.get_dialogue("d")
    other.dialogue("d").append("theirs", role="user")
    assert [each["content"] for each in client.dialogue("d").messages()] == ["mine"]
    assert other.namespace is not None
    assert other.erase_namespace(other.namespace)["dialogues"] == 1


def test_system_routes(client: Colloquy) -> None:
    """Probes and documents answer; those that are no JSON as text."""
    assert client.get_health()["status"] == "ok"
    assert client.get_readiness()["status"] == "ready"
    assert client.get_spec_yaml().startswith("openapi: 3.0.3")
    assert client.get_spec_json()["openapi"] == "3.0.3"
    assert client.get_docs().lstrip().lower().startswith("<!doctype html>")


def test_not_modified_is_raised(client: Colloquy) -> None:
    """Reading with the current ETag raises ``NotModified`` instead of answering nothing."""
    conversation = client.dialogue("d")
    conversation.create()
    with pytest.raises(errors.NotModified):
        client.get_dialogue("d", if_none_match=conversation.etag)


def test_settings_come_from_the_environment(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """``COLLOQUY_URL`` and ``COLLOQUY_KEY`` are used where nothing is given, and a missing key is named."""
    monkeypatch.setenv("COLLOQUY_URL", server.url)
    monkeypatch.setenv("COLLOQUY_KEY", server.key)
    with Colloquy() as client:
        assert client.get_stats()["messages"] >= 0
    monkeypatch.delenv("COLLOQUY_KEY")
    with pytest.raises(ColloquyError, match="COLLOQUY_KEY"):
        Colloquy()


def test_a_wrong_key_is_unauthorized(server: LiveServer) -> None:
    """A key that the server does not know raises ``Unauthorized``, and does not appear in it."""
    with Colloquy(server.url, "wrong") as client, pytest.raises(errors.Unauthorized) as raised:
        client.get_stats()
    assert "wrong" not in str(raised.value)
    assert "wrong" not in repr(client._connections._client)


def test_another_program_at_the_address_is_told() -> None:
    """An answer that is not of this API is an error that says so."""
    transport = httpx.MockTransport(
        lambda _: httpx.Response(200, headers={"Content-Type": "application/json"}, text="<html>")
    )
    with (
        Colloquy("http://example.invalid", "k", transport=transport) as client,
        pytest.raises(errors.UnexpectedAnswer),
    ):
        client.get_stats()


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # what an ended loop had open, it leaves open
def test_one_asynchronous_client_serves_several_loops(server: LiveServer) -> None:
    """The same client works in one event loop after the other, and closes what is open in the last."""
    assert _say_in_two_loops(server) == ["one", "two"]
    gc.collect()


def _say_in_two_loops(server: LiveServer) -> list[object]:
    client = AsyncColloquy(server.url, server.key, f"loops {uuid.uuid4()}")
    conversation = client.dialogue("d")

    async def say(text: str) -> None:
        await conversation.append(text, role="user")

    async def read() -> list[object]:
        async with client:
            return [message["content"] async for message in conversation.messages()]

    asyncio.run(say("one"))
    asyncio.run(say("two"))
    return asyncio.run(read())


def test_many_tasks_append_at_once(server: LiveServer) -> None:
    """Fifty tasks that append to a dialogue that does not exist yet lose nothing and double nothing."""

    async def run() -> list[object]:
        async with AsyncColloquy(server.url, server.key, f"crowd {uuid.uuid4()}") as client:
            conversation = client.dialogue("d")
            await asyncio.gather(*(conversation.append(str(n), role="user") for n in range(50)))
            return [message["content"] async for message in conversation.messages()]

    assert sorted(map(str, asyncio.run(run())), key=int) == [str(number) for number in range(50)]
