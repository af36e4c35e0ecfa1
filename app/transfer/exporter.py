"""Writing dialogues out as JSON lines that the import reads back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ..domain.records import Scope, ScopeFilter
from . import archive

if TYPE_CHECKING:
    from ..stores import Backend


def export(backend: Backend, scope_filter: ScopeFilter, tick: Callable[[int], None]) -> Iterator[str]:
    """Yield the lines of all dialogues in pieces, oldest first, archived ones included.

    A dialogue of any length is never in memory as a whole. ``tick`` is told the number of messages
    after each dialogue. What is written meanwhile may or may not be in it; messages of deleted
    dialogues and memories are not.
    """
    for dialogue in backend.iterate_dialogues(scope_filter):
        scope = Scope(dialogue.project, dialogue.namespace)
        messages = backend.messages_since(scope, dialogue.id, dialogue.uid, -1)
        yield from archive.write(dialogue, messages)
        tick(dialogue.total)
