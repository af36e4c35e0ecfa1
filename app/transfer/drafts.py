"""Checking conversations by the API's own rules, and turning them into what the services restore."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..domain.errors import ColloquyError, quote
from ..domain.limits import MESSAGE_BYTES
from ..domain.records import DEFAULT_NAMESPACE
from ..schemas.administration import ProjectUpdateSchema
from ..schemas.dialogues import DialogueSchema, with_messages
from ..schemas.json_schema import BodyValidator
from ..schemas.load import load
from ..schemas.memories import MemorySchema
from ..schemas.messages import draft_valid
from ..services.inputs import NewMemory, NewMessage
from ..services.projects import ProjectUpdate
from ..services.restore_inputs import Record
from .conversation import BadLine, Conversation, Fields, first_batch
from .fitting import Limits
from .origin import origin_of

DIALOGUE = DialogueSchema()
MEMORY = MemorySchema()
PROJECT = ProjectUpdateSchema()


@dataclass(frozen=True, slots=True)
class Drafted:
    """What the services restore of a conversation; ``problem`` is set, and the rest empty, of a bad one.

    ``record`` is None of one that is memories and nothing else.
    """

    memories: list[tuple[str, NewMemory]]
    namespace: str = ""
    record: Record | None = None
    problem: str | None = None


class Drafter:
    """Holds the compiled schemas of a new dialogue, message and memory in ``openapi.yaml``."""

    def __init__(self, specification: Fields) -> None:
        self.specification = specification
        schemas = specification["components"]["schemas"]
        self._dialogue = BodyValidator(_resolve(schemas["NewDialogue"], specification))
        self._message = BodyValidator(_resolve(schemas["NewMessage"], specification))
        self._memory = BodyValidator(_resolve(schemas["NewMemory"], specification))
        self._project = BodyValidator(_resolve(schemas["ProjectUpdate"], specification))
        self._roles = frozenset(schemas["Role"]["enum"])

    @property
    def limits(self) -> Limits:
        """What one message may hold."""
        return Limits(MESSAGE_BYTES, self._roles)

    def prepare(self, conversation: Conversation) -> Drafted:
        """Check a conversation and turn it into what the services restore; nothing of a bad one is left."""
        try:
            self.check(conversation)
            memories = self.memories(conversation)
            if not conversation.dialogue:
                return Drafted(memories)
            return Drafted(memories, *self.draft(conversation))
        except BadLine as error:
            return Drafted([], problem=str(error))

    def check(self, conversation: Conversation) -> None:
        """Raise BadLine unless the API would take the conversation, sizes apart."""
        for memory in conversation.memories:
            if not self._memory.validator.is_valid(memory):
                raise BadLine(f"Memory {quote(memory.get('id'))}: {_reason(self._memory.refusal(memory))}")
        if not conversation.dialogue:
            return
        if not self._dialogue.validator.is_valid(conversation.dialogue):
            raise BadLine(_reason(self._dialogue.refusal(conversation.dialogue)))
        for place, message in enumerate(conversation.messages):
            if not self._message.validator.is_valid(message):
                raise BadLine(f"Message {place}: {_reason(self._message.refusal(message))}")
        ids = {message["id"] for message in conversation.messages}
        if len(ids) < len(conversation.messages):
            raise BadLine("Two messages have the same id.")

    def memories(self, conversation: Conversation) -> list[tuple[str, NewMemory]]:
        """Return the memories of a checked conversation, with their namespaces; raises BadLine for sizes."""
        try:
            placed = [load(MEMORY, memory) for memory in conversation.memories]
        except ColloquyError as error:
            raise BadLine(_reason(error)) from None
        return [(one.namespace or DEFAULT_NAMESPACE, one.command) for one in placed]

    def project(self, settings: Fields) -> ProjectUpdate:
        """Return the settings of a project; raises BadLine."""
        if not self._project.validator.is_valid(settings):
            raise BadLine(_reason(self._project.refusal(settings)))
        command: ProjectUpdate = load(PROJECT, settings)
        return command

    def draft(self, conversation: Conversation) -> tuple[str, Record]:
        """Return the namespace and the record of a checked conversation; raises BadLine for sizes."""
        try:
            placed = load(DIALOGUE, conversation.dialogue)
        except ColloquyError as error:
            raise BadLine(_reason(error)) from None
        drafts = tuple(_draft(place, message) for place, message in enumerate(conversation.messages))
        first = drafts[: first_batch(conversation.messages)]
        record = Record(
            command=with_messages(placed.command, first),
            messages=drafts,
            modified=conversation.modified,
            status=conversation.status,
            ended_at=conversation.ended_at,
            archived_at=conversation.archived_at,
            last_modified=conversation.last_modified,
            guessed=conversation.alternate is not None,
            origin=None if conversation.origin is None else origin_of(conversation.origin),
            fate=conversation.fate,
        )
        return placed.namespace or DEFAULT_NAMESPACE, record


def _draft(place: int, message: Fields) -> NewMessage:
    try:
        return draft_valid(message)
    except ColloquyError as error:
        raise BadLine(f"Message {place}: {_reason(error)}") from None


def _reason(error: ColloquyError) -> str:
    return error.message.replace("The body", "The conversation", 1)


def _resolve(schema: Any, specification: Fields) -> Any:
    """Return a schema with what it refers to in the references' place."""
    if isinstance(schema, list):
        return [_resolve(item, specification) for item in schema]
    if not isinstance(schema, dict):
        return schema
    reference = schema.get("$ref")
    if isinstance(reference, str):
        target: Any = specification
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
        return _resolve(target, specification)
    return {name: _resolve(value, specification) for name, value in schema.items()}
