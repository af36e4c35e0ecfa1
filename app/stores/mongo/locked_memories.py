"""The memories that a transaction has locked.

As a dialogue, a memory is written once: where it is saved or removed or, if it stays as it is, at the end.
That write conflicts with what anybody else has written to it since the transaction began to read.
"""

from __future__ import annotations

from pymongo.client_session import ClientSession

from ...domain.records import Memory, Scope
from .commit import WriteConflict
from .database import Document, Rows
from .mapping import MEMORY_FIELDS, key_of, memory_changes, memory_from
from .statements import LOCK, read_document, update_document


class LockedMemories:
    """Those of one scope."""

    def __init__(self, rows: Rows, scope: Scope, session: ClientSession | None) -> None:
        self._rows = rows
        self._scope = scope
        self._session = session
        self._unwritten: set[str] = set()

    def read(self, memory_id: str) -> Memory | None:
        """Read a memory, which is locked from now on."""
        document = read_document(self._rows, self._key(memory_id), MEMORY_FIELDS, self._session)
        if document is None:
            return None
        self._unwritten.add(memory_id)
        return memory_from(document)

    def save(self, memory: Memory) -> None:
        """Replace a memory; raises WriteConflict."""
        self._update(memory.id, memory_changes(self._scope, memory))

    def remove(self, memory_id: str) -> None:
        """Delete a memory."""
        self._rows.delete_one(self._key(memory_id), session=self._session)
        self._unwritten.discard(memory_id)

    def touch_unwritten(self) -> None:
        """Write to those that stay as they are; raises WriteConflict."""
        if not self._unwritten:
            return
        query = {"_id": {"$in": [key_of(self._scope, one) for one in sorted(self._unwritten)]}}
        if self._rows.update_many(query, LOCK, session=self._session).matched_count < len(self._unwritten):
            raise WriteConflict
        self._unwritten.clear()

    def _update(self, memory_id: str, changes: Document) -> None:
        if not update_document(self._rows, self._key(memory_id), changes, self._session):
            raise WriteConflict
        self._unwritten.discard(memory_id)

    def _key(self, memory_id: str) -> Document:
        return {"_id": key_of(self._scope, memory_id)}
