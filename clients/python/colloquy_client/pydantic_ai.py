"""Conversations of Pydantic AI, kept by Colloquy.

store = ColloquyConversationStore()
conversation = await store.load("order-4711") or Conversation(conversation_id="order-4711")
result = await agent.run("Where is my order?", conversation=conversation)
await store.save(result)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast

from pydantic import TypeAdapter
from pydantic_ai.conversation_store import (
    ConversationConflict,
    ConversationEntry,
    ConversationRecord,
    ConversationStore,
)
from pydantic_ai.messages import ModelMessage, ModelMessagesTypeAdapter

from colloquy_client import AsyncColloquy, AsyncDialogue
from colloquy_client.cancellation import finish
from colloquy_client.errors import DialogueNotFound, DuplicateId, NotFound, PreconditionFailed
from colloquy_client.identifiers import dialogue_id
from colloquy_client.requests import given
from colloquy_client.types import Dialogue, Message, NewMessage

TAG = "pydantic-ai"
RECORD = "pydantic_ai_record"
SHARED = "pydantic_ai_shared"
"""Keys of a dialogue's state: its record, and whether a fork shares its messages."""

MOST_AT_ONCE = 25
"""The most entries that are written together with their record."""

MOST_ATTEMPTS = 20

RECORDS = TypeAdapter(ConversationRecord)

TYPES = {
    # Of parts, and how their fields are called by the model APIs, so that contexts and search read them.
    "system-prompt": ("text", {"content": "text"}),
    "user-prompt": ("text", {"content": "text"}),
    "text": ("text", {"content": "text"}),
    "thinking": ("thinking", {"content": "thinking"}),
    "tool-call": ("tool_call", {"tool_call_id": "call_id", "tool_name": "name"}),
    "tool-return": ("tool_result", {"tool_call_id": "tool_use_id"}),
    "retry-prompt": ("tool_result", {"tool_call_id": "tool_use_id"}),
}


class EntryId(str):
    """The id of an entry, with the dialogue that has it: the id alone does not say, and forks share."""

    __slots__ = ("dialogue",)

    dialogue: str

    def __new__(cls, text: str, dialogue: str) -> EntryId:
        """Make one."""
        made = super().__new__(cls, text)
        made.dialogue = dialogue
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return EntryId, (str(self), self.dialogue)


class ColloquyConversationStore(ConversationStore):
    """Keeps each conversation as a dialogue: its entries are messages, its record stands in the state.

    A save is one write of the record with up to 25 entries, decided by the revision: of several writers one
    wins, the others get ``ConversationConflict`` and leave nothing behind. More entries go ahead of the
    record, unreachable until it is written. Messages come back equal, as Pydantic AI's own JSON has them: an
    image that was given as ``BinaryContent`` is a ``BinaryImage``.

    ``delete`` erases a conversation's messages, unless a fork was ever made of it: then they stay readable
    for the forks, until the namespace is erased. ``list_conversations`` reads the records of all that match.
    ``read_entry`` finds ids that this store gave at once; for an id from elsewhere it looks through all
    conversations.

    Without ``client`` one is made from ``COLLOQUY_URL`` and ``COLLOQUY_KEY``, and ``close`` closes it.
    """

    def __init__(self, client: AsyncColloquy | None = None, *, namespace: str | None = None) -> None:
        self._owned = client is None
        self._client = client or AsyncColloquy()
        self._namespace = self._client.choose_namespace(namespace)

    async def close(self) -> None:
        """Close the client, if it was made here."""
        if self._owned:
            await self._client.aclose()

    async def read_record(self, conversation_id: str) -> ConversationRecord | None:
        """Return the record of a conversation; None where there is none."""
        dialogue = self._dialogue(conversation_id)
        data = await _load(dialogue)
        return _read_record(data) if data else None

    async def read_records(
        self, *, scope: str | None = None, limit: int | None = None
    ) -> Sequence[ConversationRecord]:
        """Return records, the one that was saved last first."""
        listing = self._client.list_dialogues(namespace=self._namespace, tag=[TAG], status="all", limit=500)
        ids = [
            each["id"] async for each in listing if scope is None or each["metadata"].get("scope") == scope
        ]
        records: list[ConversationRecord | None] = []
        for start in range(0, len(ids), 100):
            page = self._client.list_dialogues(
                namespace=self._namespace, ids=ids[start : start + 100], include=["state"]
            )
            records += [_read_record(cast("Dialogue", each)) async for each in page]
        found = [record for record in records if record is not None]
        return sorted(found, key=lambda record: record.updated_at, reverse=True)[:limit]

    async def write_record(
        self,
        record: ConversationRecord,
        *,
        new_entries: Sequence[ConversationEntry] = (),
        expected_revision: str | None,
    ) -> None:
        """Store the record with its new entries, if the stored revision is the expected one."""
        await finish(self._write(record, list(new_entries), expected_revision))

    async def _write(
        self, record: ConversationRecord, entries: list[ConversationEntry], expected: str | None
    ) -> None:
        dialogue = self._dialogue(record.conversation_id)
        new = {entry.id for entry in entries}
        await self._hold_head(record, new, dialogue.id)
        messages = [_write_entry(entry, dialogue.id) for entry in entries]
        early, last = messages[:-MOST_AT_ONCE], messages[-MOST_AT_ONCE:]
        update = {"state": {RECORD: _write_record(record, new, dialogue.id)}, "messages": last}
        sent = False
        for _ in range(MOST_ATTEMPTS):
            data = await _load(dialogue)
            if _revision_of(data) != expected:
                break
            try:
                if data is None:
                    await self._create(dialogue, record)
                elif early and not sent:
                    await dialogue.append(*early, create=False)
                    sent = True
                else:
                    await self._update(dialogue, update)
                    return
            except (DialogueNotFound, DuplicateId, PreconditionFailed):
                continue  # somebody else was there: look again
        if sent:
            await self._take_back(dialogue, early)
        raise ConversationConflict(record.conversation_id)

    async def _hold_head(self, record: ConversationRecord, new: set[str], own: str) -> None:
        """See that the entry that the record ends in exists, and will not be erased with another dialogue."""
        head = record.head_id
        if head is None or head in new:
            return
        place = head.dialogue if isinstance(head, EntryId) else own
        if place != own:
            # Of a deleted one the messages were kept; if not, the next step finds out.
            with suppress(DialogueNotFound):
                await self._client.update_state(place, {SHARED: True}, namespace=self._namespace)
        try:
            await self._client.get_message(dialogue_id(head), place, namespace=self._namespace)
        except NotFound as missing:
            raise ConversationConflict(record.conversation_id) from missing

    async def _create(self, dialogue: AsyncDialogue, record: ConversationRecord) -> None:
        """Create the dialogue without a record, so that it is no conversation yet."""
        metadata = given({"scope": record.scope}, {"framework": TAG, "conversation": record.conversation_id})
        parent = dialogue_id(record.forked_from) if record.forked_from else None
        await dialogue.create(tags=[TAG], metadata=metadata, **given({"threadOf": parent}))

    async def _update(self, dialogue: AsyncDialogue, update: dict[str, Any]) -> None:
        await self._client.update_dialogue(
            dialogue.id, namespace=self._namespace, if_match=dialogue.etag, **update
        )

    async def _take_back(self, dialogue: AsyncDialogue, messages: list[NewMessage]) -> None:
        """Remove entries that no record will name."""
        for message in messages:
            with suppress(NotFound):
                await self._client.delete_message(message["id"], dialogue.id, namespace=self._namespace)

    async def delete_record(self, conversation_id: str, *, expected_revision: str) -> None:
        """Delete a conversation; its messages too, unless a fork was ever made of it."""
        await finish(self._delete(conversation_id, expected_revision))

    async def _delete(self, conversation_id: str, expected: str) -> None:
        dialogue = self._dialogue(conversation_id)
        for _ in range(MOST_ATTEMPTS):
            data = await _load(dialogue)
            if data is None or _revision_of(data) != expected:
                break
            try:
                await self._client.delete_dialogue(
                    dialogue.id,
                    namespace=self._namespace,
                    cascade=not data["state"].get(SHARED, False),
                    if_match=dialogue.etag,
                )
            except (DialogueNotFound, PreconditionFailed):
                continue
            return
        raise ConversationConflict(conversation_id)

    async def read_entry(self, entry_id: str) -> ConversationEntry:
        """Return one entry; ``LookupError`` where there is none."""
        if isinstance(entry_id, EntryId):
            return await self._read_entry_in(entry_id.dialogue, entry_id)
        async for each in self._client.list_dialogues(namespace=self._namespace, tag=[TAG], status="all"):
            try:
                return await self._read_entry_in(each["id"], entry_id)
            except LookupError:
                continue
        raise LookupError(f"there is no entry {entry_id!r}")

    async def _read_entry_in(self, dialogue: str, entry_id: str) -> ConversationEntry:
        try:
            message = await self._client.get_message(
                dialogue_id(entry_id), dialogue, namespace=self._namespace
            )
        except NotFound as missing:
            raise LookupError(f"there is no entry {entry_id!r}") from missing
        return _read_entry(message)

    async def read_history(self, head_id: str | None, *, limit: int | None = None) -> list[ConversationEntry]:
        """Return the entries up to ``head_id``, page by page rather than one by one."""
        history: list[ConversationEntry] = []
        known: dict[str, ConversationEntry] = {}
        looked_in: set[str] = set()
        at = head_id
        while at is not None and (limit is None or len(history) < limit):
            place = at.dialogue if isinstance(at, EntryId) else None
            if at not in known and place is not None and place not in looked_in:
                looked_in.add(place)
                known |= await self._read_entries(place, None if limit is None else limit - len(history))
            entry = known.get(at) or await self.read_entry(at)
            history.append(entry)
            at = entry.parent_id
        return history[::-1]

    async def _read_entries(self, dialogue: str, limit: int | None) -> dict[str, ConversationEntry]:
        """Return the newest entries of a dialogue; what is not among them is read by its id."""
        conversation = self._client.dialogue(dialogue, namespace=self._namespace)
        try:
            if limit is not None:
                messages = await conversation.last(limit)
            else:
                messages = [message async for message in conversation.messages(limit=500)]
        except DialogueNotFound:
            return {}
        return {entry.id: entry for entry in map(_read_entry, messages)}

    def _dialogue(self, conversation_id: str) -> AsyncDialogue:
        return self._client.dialogue(dialogue_id(conversation_id), namespace=self._namespace)


async def _load(dialogue: AsyncDialogue) -> Dialogue | None:
    try:
        return await dialogue.load()
    except DialogueNotFound:
        return None


def _revision_of(data: Dialogue | None) -> str | None:
    record = data["state"].get(RECORD) if data else None
    return record["record"]["revision"] if record else None


def _write_record(record: ConversationRecord, new: set[str], own: str) -> dict[str, Any]:
    """Return a record as the state keeps it: with the dialogue of each entry that is not in its own."""
    named = [entry for entry in (record.head_id, *record.branches) if isinstance(entry, EntryId)]
    places = {entry: entry.dialogue for entry in named if entry not in new and entry.dialogue != own}
    return {"record": RECORDS.dump_python(record, mode="json"), "places": places}


def _read_record(data: Dialogue) -> ConversationRecord | None:
    kept = data["state"].get(RECORD)
    if kept is None:
        return None
    record = RECORDS.validate_python(kept["record"])
    places = kept["places"]
    head = record.head_id and EntryId(record.head_id, places.get(record.head_id, data["id"]))
    branches: list[str] = [EntryId(tip, places.get(tip, data["id"])) for tip in record.branches]
    return dataclasses.replace(record, head_id=head, branches=branches)


def _write_entry(entry: ConversationEntry, own: str) -> NewMessage:
    """Return an entry as a message: parts as blocks that contexts understand, the rest beside them."""
    plain = ModelMessagesTypeAdapter.dump_python([entry.message], mode="json")[0]
    content = {**plain, "content": [_write_part(part) for part in plain["parts"]]}
    del content["parts"]
    parent = entry.parent_id
    place = parent.dialogue if isinstance(parent, EntryId) and parent.dialogue != own else None
    metadata = given({"parentDialogue": place}, {"entry": entry.id, "parent": parent, "kind": entry.kind})
    role = _role_of(entry.message)
    message = {"id": dialogue_id(entry.id), "role": role, "content": content, "metadata": metadata}
    return cast("NewMessage", message)


def _read_entry(message: Message) -> ConversationEntry:
    metadata, own = message["metadata"], message["dialogueId"]
    content = dict(cast("dict[str, Any]", message["content"]))
    content["parts"] = [_read_part(block) for block in content.pop("content")]
    parent = metadata["parent"]
    return ConversationEntry(
        id=EntryId(metadata["entry"], own),
        parent_id=parent and EntryId(parent, metadata.get("parentDialogue", own)),
        message=ModelMessagesTypeAdapter.validate_python([content])[0],
        kind=metadata["kind"],
    )


def _write_part(part: dict[str, Any]) -> dict[str, Any]:
    kind, names = TYPES.get(part["part_kind"], (part["part_kind"], {}))
    content = part.get("content")
    if kind == "text" and isinstance(content, list):  # of a prompt with images: its words go beside it
        return {"type": kind, "text": "\n".join(each for each in content if isinstance(each, str)), **part}
    return {"type": kind, **{names.get(name, name): value for name, value in part.items()}}


def _read_part(block: dict[str, Any]) -> dict[str, Any]:
    kind, names = TYPES.get(block["part_kind"], (block["part_kind"], {}))
    back = {new: old for old, new in names.items()}
    if kind == "text" and "content" in block:
        return {name: value for name, value in block.items() if name not in {"type", "text"}}
    return {back.get(name, name): value for name, value in block.items() if name != "type"}


def _role_of(message: ModelMessage) -> str:
    if message.kind == "response":
        return "assistant"
    kinds = {part.part_kind for part in message.parts}
    if kinds and kinds <= {"tool-return", "retry-prompt"}:
        return "tool"
    return "system" if kinds == {"system-prompt"} else "user"
