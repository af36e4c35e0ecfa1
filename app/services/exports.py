"""One dialogue as a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from ..domain.errors import PayloadTooLarge
from .dialogue_reads import find_dialogue

if TYPE_CHECKING:
    from ..domain.records import Dialogue, Message, Scope
    from ..stores import Store

EXPORT_BYTES = 64 * 1024 * 1024
"""The largest export that a request is answered with."""


def export_dialogue(
    store: Store,
    scope: Scope,
    dialogue_id: str,
    write: Callable[[Dialogue, Iterable[Message]], Iterator[str]],
) -> tuple[Dialogue, bytes]:
    """Return a dialogue and what ``write`` makes of it; raises DialogueNotFound and PayloadTooLarge."""
    dialogue = find_dialogue(store, scope, dialogue_id)
    pieces, size = [], 0
    for piece in write(dialogue, store.messages_since(scope, dialogue.id, dialogue.uid, -1)):
        pieces.append(piece.encode())
        size += len(pieces[-1])
        if size > EXPORT_BYTES:
            raise PayloadTooLarge("The export is larger than 64 MiB: 'colloquy export' writes it to a file.")
    return dialogue, b"".join(pieces)
