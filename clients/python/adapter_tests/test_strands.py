"""Sessions of Strands Agents. What its own repository over files promises is asked of both."""

from __future__ import annotations

import threading
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from conftest import PATIENT, Example
from live import LiveServer
from strands import Agent, tool
from strands.models import Model
from strands.session import FileSessionManager
from strands.session.repository_session_manager import RepositorySessionManager
from strands.session.session_repository import SessionRepository
from strands.types.exceptions import SessionException
from strands.types.session import Session, SessionAgent, SessionMessage, SessionType

from colloquy_client import Colloquy
from colloquy_client.identifiers import dialogue_id
from colloquy_client.strands import ColloquySessionRepository

CONTENTS: list[tuple[str, list[Any]]] = [
    ("user", [{"text": "Hello"}]),
    ("user", [{"text": "Look"}, {"image": {"format": "png", "source": {"bytes": b"\x89PNG\xff"}}}]),
    (
        "assistant",
        [
            {"reasoningContent": {"reasoningText": {"text": "hmm", "signature": "x"}}},
            {"text": "Let me look"},
            {"toolUse": {"toolUseId": "t1", "name": "find", "input": {"a": [1, 2.5, None]}}},
        ],
    ),
    (
        "user",
        [
            {
                "toolResult": {
                    "toolUseId": "t1",
                    "status": "success",
                    "content": [{"text": "4"}, {"json": {"n": 2}}],
                }
            }
        ],
    ),
    ("assistant", [{"text": '🚀 café 中文 \\ "x" \n'}, {"cachePoint": {"type": "default"}}]),
    ("assistant", []),
]


def _message(number: int, role: str = "user", content: Any = None) -> SessionMessage:
    message: Any = {"role": role, "content": [{"text": str(number)}] if content is None else content}
    return SessionMessage(message=message, message_id=number)


def _agent(name: str = "clerk", **state: Any) -> SessionAgent:
    return SessionAgent(
        agent_id=name,
        state=state,
        conversation_manager_state={"__name__": "x", "removed_message_count": 0},
        _internal_state={"interrupt_state": {}, "blob": b"\x00\xff"},
    )


@pytest.fixture(params=["file", "colloquy"])
def repository(request: Any, client: Colloquy, tmp_path: Path) -> SessionRepository:
    """Give the framework's own repository, and ours, each with a session and an agent."""
    made: SessionRepository
    if request.param == "file":
        made = FileSessionManager(session_id="file", storage_dir=str(tmp_path))
    else:
        made = ColloquySessionRepository(client)
    made.create_session(Session(session_id="s", session_type=SessionType.AGENT))
    made.create_agent("s", _agent())
    return made


def test_sessions_and_agents_come_back_equal(repository: SessionRepository) -> None:
    """What was created is what is read; an update replaces it and keeps when it was created."""
    session = Session(session_id="other", session_type=SessionType.AGENT)
    assert repository.create_session(session) == session
    assert repository.read_session("other") == session
    agent = _agent("a", step=1, deep={"k": [1, None]})
    repository.create_agent("other", agent)
    assert repository.read_agent("other", "a") == agent
    changed = _agent("a", step=2)
    repository.update_agent("other", changed)
    assert changed.created_at == agent.created_at
    assert repository.read_agent("other", "a") == changed


def test_what_is_unknown_is_none_or_refused(repository: SessionRepository) -> None:
    """Unknown things are read as None; to change them, or to create a session twice, is refused."""
    assert repository.read_session("nobody") is None
    assert repository.read_agent("s", "nobody") is None
    assert repository.read_message("s", "clerk", 0) is None
    assert repository.list_messages("s", "clerk") == []
    with pytest.raises(SessionException):
        repository.create_session(Session(session_id="s", session_type=SessionType.AGENT))
    with pytest.raises(SessionException):
        repository.update_agent("s", _agent("nobody"))
    with pytest.raises(SessionException):
        repository.update_message("s", "clerk", _message(0))
    with pytest.raises(SessionException):
        repository.list_messages("s", "nobody")


def test_messages_of_every_kind_come_back_equal(repository: SessionRepository) -> None:
    """What was created is what is read, one by one and in a list."""
    messages = [_message(number, role, content) for number, (role, content) in enumerate(CONTENTS)]
    for message in messages:
        repository.create_message("s", "clerk", message)
    assert repository.list_messages("s", "clerk") == messages
    assert [repository.read_message("s", "clerk", number) for number in range(6)] == messages
    assert repository.list_messages("s", "clerk", limit=2) == messages[:2]
    assert repository.list_messages("s", "clerk", limit=2, offset=3) == messages[3:5]
    assert repository.list_messages("s", "clerk", offset=5) == messages[5:]
    assert repository.list_messages("s", "clerk", offset=9) == []


def test_an_updated_message_keeps_its_place(repository: SessionRepository) -> None:
    """An update, with a redaction or without, is read in the place of the message, which is kept in it."""
    for number in range(4):
        repository.create_message("s", "clerk", _message(number))
    redacted = _message(1, content=[{"text": "secret"}])
    redacted.redact_message = {"role": "user", "content": [{"text": "[redacted]"}]}
    repository.update_message("s", "clerk", redacted)
    for text in ("first", "second"):
        repository.update_message("s", "clerk", _message(2, content=[{"text": text}]))
    found = repository.list_messages("s", "clerk")
    said = [message.to_message()["content"][0]["text"] for message in found]
    assert said == ["0", "[redacted]", "second", "3"]
    assert found[1] == redacted
    assert repository.read_message("s", "clerk", 2) == found[2]


def test_names_are_kept_apart(client: Colloquy) -> None:
    """Sessions and agents with ids of any characters share nothing."""
    repository = ColloquySessionRepository(client)
    names = ["a", "a/b", "user 1:äöü", "x" * 300]
    for session in names:
        repository.create_session(Session(session_id=session, session_type=SessionType.AGENT))
        for agent in ("b", "b/c", "c"):
            repository.create_agent(session, _agent(agent))
            repository.create_message(session, agent, _message(0, content=[{"text": session + agent}]))
    for session in names:
        for agent in ("b", "b/c", "c"):
            (message,) = repository.list_messages(session, agent)
            assert message.message["content"][0]["text"] == session + agent


def test_a_number_is_taken_once(client: Colloquy) -> None:
    """A message that is created again is stored once; another one under its number is refused."""
    repository = ColloquySessionRepository(client)
    repository.create_session(Session(session_id="s", session_type=SessionType.AGENT))
    repository.create_agent("s", _agent())
    message = _message(0)
    repository.create_message("s", "clerk", message)
    repository.create_message("s", "clerk", message)
    with pytest.raises(SessionException, match="somebody else"):
        repository.create_message("s", "clerk", _message(0, content=[{"text": "other"}]))
    assert repository.list_messages("s", "clerk") == [message]
    with pytest.raises(SessionException):
        repository.create_message("s", "nobody", message)
    with pytest.raises(SessionException):
        repository.create_agent("nobody", _agent())


def test_contexts_show_what_is_redacted_redacted(client: Colloquy) -> None:
    """A context pairs calls and results, and has the redacted version of a message alone."""
    repository = ColloquySessionRepository(client)
    repository.create_session(Session(session_id="s", session_type=SessionType.AGENT))
    repository.create_agent("s", _agent())
    for number, (role, content) in enumerate(CONTENTS[:5]):
        repository.create_message("s", "clerk", _message(number, role, content))
    redacted = _message(0, content=[{"text": "secret"}])
    redacted.redact_message = {"role": "user", "content": [{"text": "[redacted]"}]}
    repository.update_message("s", "clerk", redacted)
    context = client.dialogue(dialogue_id("s", "clerk")).context(format="openai")["messages"]
    assert [message["role"] for message in context] == ["user", "user", "assistant", "tool", "assistant"]
    assert context[0]["content"] == "[redacted]"  # type: ignore[typeddict-item]  # a message has it here
    assert context[3]["content"] == '4\n{"n": 2}'  # type: ignore[typeddict-item]  # a message has it here
    repository.delete_session("s")
    assert repository.read_session("s") is None
    assert client.get_stats()["messages"] == 0
    with pytest.raises(SessionException):
        repository.delete_session("s")


class Clerk(Model):
    """Calls the tool at a question and answers with what the tool said."""

    def update_config(self, **_: Any) -> None:
        """There is nothing to configure."""

    def get_config(self) -> Any:
        """There is nothing to configure."""
        return {}

    def structured_output(self, *_: Any, **__: Any) -> Any:
        """Structured output is not part of the script."""
        raise NotImplementedError

    async def stream(self, messages: Any, *_: Any, **__: Any) -> AsyncIterator[Any]:
        """Follow the script."""
        result = messages[-1]["content"][0].get("toolResult")
        yield {"messageStart": {"role": "assistant"}}
        if result:
            yield {"contentBlockStart": {"start": {}}}
            yield {"contentBlockDelta": {"delta": {"text": f"It is {result['content'][0]['text']}."}}}
        else:
            call = {"toolUseId": f"call_{uuid.uuid4()}", "name": "find"}
            yield {"contentBlockStart": {"start": {"toolUse": call}}}
            yield {"contentBlockDelta": {"delta": {"toolUse": {"input": "{}"}}}}
        yield {"contentBlockStop": {}}
        yield {"messageStop": {"stopReason": "end_turn" if result else "tool_use"}}


def _ask(client: Colloquy, session: str, find: Any) -> str:
    manager = RepositorySessionManager(session, ColloquySessionRepository(client))
    agent = Agent(
        model=Clerk(), tools=[find], session_manager=manager, agent_id="clerk", callback_handler=None
    )
    return str(agent("Where?")).strip()


def test_a_run_survives_a_killed_server(own_server: LiveServer) -> None:
    """The server is killed while a tool runs; the run ends well, and the next one continues it."""
    with Colloquy(own_server.url, own_server.key, retries=PATIENT) as client:

        @tool
        def find() -> str:
            """Find it."""
            own_server.kill()
            own_server.start()
            return "found"

        assert _ask(client, "s", find) == "It is found."
        assert _ask(client, "s", find) == "It is found."
        found = ColloquySessionRepository(client).list_messages("s", "clerk")
        assert [message.message["role"] for message in found] == ["user", "assistant"] * 4
        assert [message.message_id for message in found] == list(range(8))


def test_of_two_workers_none_loses_a_message(client: Colloquy) -> None:
    """Two workers that write the same numbers at once: each number is one's, and the other is told."""
    repository = ColloquySessionRepository(client)
    repository.create_session(Session(session_id="s", session_type=SessionType.AGENT))
    repository.create_agent("s", _agent())
    won: list[tuple[int, str]] = []

    def work(name: str) -> None:
        for number in range(20):
            try:
                repository.create_message("s", "clerk", _message(number, content=[{"text": name}]))
            except SessionException:
                continue
            won.append((number, name))

    workers = [threading.Thread(target=work, args=(name,)) for name in ("left", "right")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    stored = [
        (message.message_id, message.message["content"][0]["text"])
        for message in repository.list_messages("s", "clerk")
    ]
    assert stored == sorted(won)
    assert [number for number, _ in stored] == list(range(20))


class Swarm:
    """Stands for a multi-agent, of which a repository needs the id and the state."""

    def __init__(self, name: str, **state: Any) -> None:
        self.id = name
        self.state = state

    def serialize_state(self) -> dict[str, Any]:
        """Return its state."""
        return self.state


def test_states_of_multi_agents(repository: SessionRepository) -> None:
    """The state of a multi-agent is kept and replaced; an unknown one is None, or refused."""
    first: Any = Swarm("swarm", nodes=["a"], step=1)
    second: Any = Swarm("swarm", nodes=[])
    assert repository.read_multi_agent("s", "swarm") is None
    with pytest.raises(SessionException):
        repository.update_multi_agent("s", first)
    repository.create_multi_agent("s", first)
    assert repository.read_multi_agent("s", "swarm") == first.state
    repository.update_multi_agent("s", second)
    assert repository.read_multi_agent("s", "swarm") == second.state


def test_a_second_process_continues(example: Example) -> None:
    """The example, run twice, remembers in its second run."""
    name = f"order {uuid.uuid4()}"
    first = example("strands_session", name)
    second = example("strands_session", name)
    assert first.splitlines() == ["Question 1: it left Berlin this morning.", "4 messages are stored"]
    assert second.splitlines() == ["Question 2: it left Berlin this morning.", "8 messages are stored"]
