"""The rows of messages inside a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..bounds import take_bytes
from . import lookups
from .documents import MESSAGE_FIELDS, message_document, message_from, native
from .retry import WriteConflict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pymongo.client_session import ClientSession

    from ...domain.records import Dialogue, Message, Scope
    from .connection import Connection, Document

IN_ORDER = [("created", 1), ("seq", 1)]
NEWEST_FIRST = [("created", -1), ("seq", -1)]


class MessageRows:
    """The part of ``app.stores.Transaction`` that is about messages."""

    def __init__(self, connection: Connection, scope: Scope, session: ClientSession | None) -> None:
        self.scope = scope
        self._db = connection
        self._session = session

    def find_messages(self, dialogue: Dialogue, message_ids: Sequence[str]) -> dict[str, Message]:
        """The given messages of this generation, by id; missing ones are left out."""
        query = {**self._rows(dialogue), "messageId": {"$in": list(message_ids)}}
        return {found.id: found for found in self._read(query)}

    def find_message(self, dialogue_id: str, message_id: str) -> Message | None:
        """One message by id, of the newest generation that has it and is not purged."""
        return lookups.find_message(self._db, self._session, self.scope, dialogue_id, message_id)

    def messages_below(self, dialogue: Dialogue, seq: int) -> list[Message]:
        """The messages of this generation whose seq is below the given one, by seq."""
        return self._read({**self._rows(dialogue), "seq": {"$lt": seq}}, [("seq", 1)])

    def newest_messages(self, dialogue: Dialogue, limit: int) -> list[Message]:
        """The last messages in (created, seq) order, oldest first."""
        return self._read(self._rows(dialogue), NEWEST_FIRST, limit)[::-1]

    def messages_through(
        self, dialogue: Dialogue, message: Message, limit: int, most_bytes: int
    ) -> list[Message]:
        """The first messages in (created, seq) order, up to and including one; at most ``limit``.

        Reading stops behind the message with which the bodies exceed ``most_bytes``.
        """
        query = {
            **self._rows(dialogue),
            "created": {"$lte": message.created},
            "$or": [
                {"created": {"$lt": message.created}},
                {"created": message.created, "seq": {"$lte": message.seq}},
            ],
        }
        return self._read(query, IN_ORDER, limit, most_bytes)

    def insert_messages(self, messages: Sequence[Message]) -> None:
        """Add messages to the dialogue that was locked or inserted in this transaction."""
        if messages:
            documents = [message_document(self.scope, message) for message in messages]
            self._db.messages.insert_many(documents, session=self._session)

    def save_message(self, message: Message) -> None:
        """Replace one message (its tags, modified, body)."""
        names = ("tags", "modified", "body")
        changes = {"$set": {name: native(getattr(message, name)) for name in names}}
        result = self._db.messages.update_one(self._row(message), changes, session=self._session)
        if result.matched_count == 0:
            raise WriteConflict

    def remove_message(self, message: Message) -> None:
        """Delete one message."""
        result = self._db.messages.delete_one(self._row(message), session=self._session)
        if result.deleted_count == 0:
            raise WriteConflict

    def _rows(self, dialogue: Dialogue) -> Document:
        return lookups.in_dialogue(self.scope, dialogue.id, dialogue.uid)

    def _row(self, message: Message) -> Document:
        rows = lookups.in_dialogue(self.scope, message.dialogue_id, message.uid)
        return {**rows, "messageId": message.id}

    def _read(
        self,
        query: Document,
        sort: Sequence[tuple[str, int]] | None = None,
        limit: int = 0,
        most_bytes: int | None = None,
    ) -> list[Message]:
        with self._db.messages.find(
            query, MESSAGE_FIELDS, sort=sort, limit=limit, batch_size=limit, session=self._session
        ) as cursor:
            found = map(message_from, cursor)
            return list(found) if most_bytes is None else take_bytes(found, most_bytes)
