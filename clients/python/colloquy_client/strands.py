"""Sessions of Strands Agents, kept by Colloquy.

manager = RepositorySessionManager("order-4711", ColloquySessionRepository())
agent = Agent(session_manager=manager)
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from strands.session.session_repository import SessionRepository
from strands.types.exceptions import SessionException
from strands.types.session import Session, SessionAgent, SessionMessage

from colloquy_client import Colloquy, Dialogue
from colloquy_client.errors import DialogueNotFound, DuplicateId, NotFound
from colloquy_client.identifiers import dialogue_id
from colloquy_client.requests import given
from colloquy_client.types import Message

if TYPE_CHECKING:
    from strands.multiagent import MultiAgentBase

TAG = "strands"
KEPT = "strands"
"""In the state, the record of a session or agent; beside the content of a message, the rest of it."""

MULTI_AGENT = "multi-agent"
ADDED = frozenset({"type", "id", "name", "input", "tool_use_id", "content"})
"""What a stored block has beside its own single field, so that contexts understand it."""


class ColloquySessionRepository(SessionRepository):
    """Keeps each session in a dialogue, and each of its agents in a thread of it. All comes back equal.

    A message that is created again, equal, is stored once; another one under its number is
    ``SessionException``, so that of two workers that run an agent at the same moment one is told, and no
    message is lost. An update adds a version of the message in its place, and the newest version is read; the
    one before stays in the dialogue. Of a redacted message only the redacted version stays there, which has
    the original in it as the framework hands it over; contexts and search see the redacted one.

    Without ``client`` one is made from ``COLLOQUY_URL`` and ``COLLOQUY_KEY``.
    """

    def __init__(self, client: Colloquy | None = None, *, namespace: str | None = None) -> None:
        self._client = client or Colloquy()
        self._namespace = namespace

    def create_session(self, session: Session, **kwargs: Any) -> Session:
        """Create a session; ``SessionException`` where there is one."""
        if self.read_session(session.session_id) is not None:
            raise SessionException(f"Session {session.session_id} already exists")
        try:
            self._dialogue(session.session_id).create(tags=[TAG], state={KEPT: session.to_dict()})
        except DuplicateId as taken:
            raise SessionException(f"Session {session.session_id} already exists") from taken
        return session

    def read_session(self, session_id: str, **kwargs: Any) -> Session | None:
        """Return a session, or None."""
        kept = self._read_state(self._dialogue(session_id))
        return None if kept is None else Session.from_dict(kept)

    def delete_session(self, session_id: str, **kwargs: Any) -> None:
        """Delete a session with its agents and their messages."""
        dialogue = self._dialogue(session_id)
        threads = self._client.list_dialogues(
            thread_of=dialogue.id, namespace=dialogue.namespace, status="all"
        )
        for name in [thread["id"] for thread in threads]:
            with suppress(DialogueNotFound):
                self._client.delete_dialogue(name, namespace=dialogue.namespace, cascade=True)
        try:
            dialogue.delete(cascade=True)
        except DialogueNotFound as missing:
            raise SessionException(f"Session {session_id} does not exist") from missing

    def create_agent(self, session_id: str, session_agent: SessionAgent, **kwargs: Any) -> None:
        """Create an agent in a session, or replace what is kept of it."""
        self._create_thread(
            session_id, self._dialogue(session_id, session_agent.agent_id), session_agent.to_dict()
        )

    def read_agent(self, session_id: str, agent_id: str, **kwargs: Any) -> SessionAgent | None:
        """Return an agent, or None."""
        kept = self._read_state(self._dialogue(session_id, agent_id))
        return None if kept is None else SessionAgent.from_dict(kept)

    def update_agent(self, session_id: str, session_agent: SessionAgent, **kwargs: Any) -> None:
        """Replace what is kept of an agent; when it was created stays."""
        previous = self.read_agent(session_id, session_agent.agent_id)
        if previous is None:
            raise SessionException(f"Agent {session_agent.agent_id} in session {session_id} does not exist")
        session_agent.created_at = previous.created_at
        dialogue = self._dialogue(session_id, session_agent.agent_id)
        dialogue.update_state({KEPT: session_agent.to_dict()})

    def create_message(
        self, session_id: str, agent_id: str, session_message: SessionMessage, **kwargs: Any
    ) -> None:
        """Add a message of an agent."""
        dialogue = self._dialogue(session_id, agent_id)
        try:
            self._write(dialogue, session_message, 0)
        except DialogueNotFound as missing:
            raise SessionException(f"Agent {agent_id} in session {session_id} does not exist") from missing

    def read_message(
        self, session_id: str, agent_id: str, message_id: int, **kwargs: Any
    ) -> SessionMessage | None:
        """Return the newest version of a message, or None."""
        found = self._find(self._dialogue(session_id, agent_id), message_id)
        return None if found is None else read_message(found)

    def update_message(
        self, session_id: str, agent_id: str, session_message: SessionMessage, **kwargs: Any
    ) -> None:
        """Add a version of a message, which takes the place of the one before."""
        dialogue = self._dialogue(session_id, agent_id)
        found = self._find(dialogue, session_message.message_id)
        if found is None:
            raise SessionException(f"Message {session_message.message_id} does not exist")
        session_message.created_at = read_message(found).created_at
        self._write(dialogue, session_message, found["metadata"]["version"] + 1, found["created"])
        if session_message.redact_message is not None:
            with suppress(NotFound):
                self._client.delete_message(found["id"], dialogue.id, namespace=dialogue.namespace)

    def list_messages(
        self, session_id: str, agent_id: str, limit: int | None = None, offset: int = 0, **kwargs: Any
    ) -> list[SessionMessage]:
        """Return messages by their number, the newest version of each."""
        newest: dict[int, Message] = {}
        try:
            for message in self._dialogue(session_id, agent_id).messages(limit=500):
                number, version = message["metadata"]["number"], message["metadata"]["version"]
                if number not in newest or version > newest[number]["metadata"]["version"]:
                    newest[number] = message
        except DialogueNotFound as missing:
            raise SessionException(f"Agent {agent_id} in session {session_id} does not exist") from missing
        numbers = sorted(newest)[offset : None if limit is None else offset + limit]
        return [read_message(newest[number]) for number in numbers]

    def create_multi_agent(self, session_id: str, multi_agent: MultiAgentBase, **kwargs: Any) -> None:
        """Keep the state of a multi-agent."""
        dialogue = self._dialogue(session_id, MULTI_AGENT, multi_agent.id)
        self._create_thread(session_id, dialogue, multi_agent.serialize_state())

    def read_multi_agent(self, session_id: str, multi_agent_id: str, **kwargs: Any) -> dict[str, Any] | None:
        """Return the state of a multi-agent, or None."""
        return self._read_state(self._dialogue(session_id, MULTI_AGENT, multi_agent_id))

    def update_multi_agent(self, session_id: str, multi_agent: MultiAgentBase, **kwargs: Any) -> None:
        """Replace the state of a multi-agent."""
        try:
            self._dialogue(session_id, MULTI_AGENT, multi_agent.id).update_state(
                {KEPT: multi_agent.serialize_state()}
            )
        except DialogueNotFound as missing:
            raise SessionException(
                f"MultiAgent state {multi_agent.id} in session {session_id} does not exist"
            ) from missing

    def _dialogue(self, *names: str) -> Dialogue:
        return self._client.dialogue(dialogue_id(*names), namespace=self._namespace)

    def _read_state(self, dialogue: Dialogue) -> dict[str, Any] | None:
        try:
            return cast("dict[str, Any] | None", dialogue.load()["state"].get(KEPT))
        except DialogueNotFound:
            return None

    def _create_thread(self, session_id: str, dialogue: Dialogue, kept: dict[str, Any]) -> None:
        try:
            dialogue.create(threadOf=dialogue_id(session_id), tags=[TAG], state={KEPT: kept})
        except DuplicateId:
            dialogue.update_state({KEPT: kept})
        except DialogueNotFound as missing:
            raise SessionException(f"Session {session_id} does not exist") from missing

    def _write(
        self, dialogue: Dialogue, message: SessionMessage, version: int, created: str | None = None
    ) -> None:
        written = write_message(message, version)
        try:
            dialogue.append(given({"created": created}, written), create=False)
        except DuplicateId as taken:
            raise SessionException(f"Message {message.message_id} was written by somebody else") from taken

    def _find(self, dialogue: Dialogue, number: int) -> Message | None:
        """Return the newest version of a message; versions are numbered without gaps at the end."""
        newest: Message | None = None
        try:
            for message in dialogue.messages(order="desc", limit=500):
                same = message["metadata"].get("number") == number
                if same and (newest is None or _version(message) > _version(newest)):
                    newest = message
                elif not same and newest is not None:
                    break  # versions of a message stand together
        except DialogueNotFound:
            return None
        return newest


def _version(message: Message) -> int:
    return int(message["metadata"]["version"])


def write_message(message: SessionMessage, version: int) -> dict[str, Any]:
    """Return a message as it is stored: what the agent reads as blocks, the rest beside them."""
    plain = message.to_dict()
    shown = "message" if plain["redact_message"] is None else "redact_message"
    said = plain[shown]
    blocks = [_write_block(block) for block in said.pop("content")]
    return {
        "id": f"m{message.message_id}.{version}",
        "role": said["role"] if said["role"] in {"user", "assistant"} else "user",
        "content": {"content": blocks, KEPT: plain},
        "metadata": {"number": message.message_id, "version": version},
    }


def read_message(message: Message) -> SessionMessage:
    """Return the message that was stored."""
    content = cast("dict[str, Any]", message["content"])
    plain = dict(content[KEPT])
    shown = "message" if plain["redact_message"] is None else "redact_message"
    plain[shown] = {**plain[shown], "content": [_read_block(block) for block in content["content"]]}
    return SessionMessage.from_dict(plain)


def _write_block(block: dict[str, Any]) -> dict[str, Any]:
    call, result = block.get("toolUse"), block.get("toolResult")
    if call:
        return {
            "type": "tool_use",
            "id": call["toolUseId"],
            "name": call["name"],
            "input": call["input"],
            **block,
        }
    if result:
        texts = [
            each["text"] if "text" in each else json.dumps(each.get("json")) for each in result["content"]
        ]
        said = {"tool_use_id": result["toolUseId"], "content": "\n".join(texts)}
        return {"type": "tool_result", **said, **block}
    return {"type": next(iter(block), "text"), **block}


def _read_block(block: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in block.items() if name not in ADDED}
