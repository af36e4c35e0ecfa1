"""The dialogues that a transaction has locked.

A dialogue may be large, so that the transaction writes it once: where it is saved or removed or, if it stays
as it is, at the end. That write conflicts with what anybody else has written to it since it was read.
"""

from __future__ import annotations

from typing import Any

from pymongo.client_session import ClientSession

from ...domain.records import Dialogue, Scope
from .commit import WriteConflict
from .database import Document, Rows
from .mapping import DIALOGUE_FIELDS, dialogue_changes, dialogue_from, key_of
from .recent_sizes import SIZES, sizes_hold, sizes_of
from .statements import LOCK, read_document, update_document

LOCKED_FIELDS = {**DIALOGUE_FIELDS, SIZES: 1}


class LockedDialogues:
    """Those of one scope, each as this transaction last read or wrote it."""

    def __init__(self, rows: Rows, scope: Scope, session: ClientSession | None) -> None:
        self._rows = rows
        self._scope = scope
        self._session = session
        self._current: dict[str, Dialogue] = {}
        self._unwritten: set[str] = set()
        self._sized: set[str] = set()

    def read(self, dialogue_id: str) -> Dialogue | None:
        """Read a dialogue, which is locked from now on."""
        key = {"_id": key_of(self._scope, dialogue_id)}
        document = read_document(self._rows, key, LOCKED_FIELDS, self._session)
        if document is None:
            return None
        self._unwritten.add(dialogue_id)
        dialogue = self._current[dialogue_id] = dialogue_from(document)
        if sizes_hold(document):
            self._sized.add(dialogue_id)
        return dialogue

    def insert(self, dialogue: Dialogue) -> None:
        """Note a dialogue that this transaction has inserted."""
        self._current[dialogue.id] = dialogue

    def save(self, dialogue: Dialogue) -> dict[str, Any]:
        """Write what has changed of a dialogue, and return it; raises WriteConflict."""
        changes = dialogue_changes(self._current.get(dialogue.id), dialogue)
        changes["$set"] |= self._sizes(dialogue, embeds="recent" in changes["$set"])
        self._update(dialogue.id, dialogue.uid, changes)
        self._current[dialogue.id] = dialogue
        fields: dict[str, Any] = changes["$set"]
        return fields

    def _sizes(self, dialogue: Dialogue, *, embeds: bool) -> Document:
        """Return what to write of the sizes of embedded messages, so that they hold for this version."""
        if dialogue.id in self._sized and not embeds:
            return {f"{SIZES}.rev": dialogue.rev}
        sizes = sizes_of(dialogue.rev, dialogue.recent)
        (self._sized.add if sizes else self._sized.discard)(dialogue.id)
        return {SIZES: sizes}

    def remove(self, dialogue: Dialogue) -> None:
        """Delete a dialogue; raises WriteConflict."""
        query = self._version(dialogue.id, dialogue.uid)
        if self._rows.delete_one(query, session=self._session).deleted_count == 0:
            raise WriteConflict
        self._unwritten.discard(dialogue.id)
        self._current.pop(dialogue.id, None)
        self._sized.discard(dialogue.id)

    def touch_unwritten(self) -> None:
        """Write to those that stay as they are; raises WriteConflict."""
        for dialogue_id in sorted(self._unwritten):
            self._update(dialogue_id, self._current[dialogue_id].uid, LOCK)

    def _update(self, dialogue_id: str, uid: str, changes: Document) -> None:
        if not update_document(self._rows, self._version(dialogue_id, uid), changes, self._session):
            raise WriteConflict
        self._unwritten.discard(dialogue_id)

    def _version(self, dialogue_id: str, uid: str) -> Document:
        """Return the filter for a dialogue as it is known here."""
        query = {"_id": key_of(self._scope, dialogue_id), "uid": uid}
        known = self._current.get(dialogue_id)
        return query if known is None else {**query, "rev": known.rev}
