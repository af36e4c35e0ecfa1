"""Reading each dialogue with its messages, one dialogue after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...domain.records import Scope, ScopeFilter
from ..contents import Contents, contents_of

if TYPE_CHECKING:
    from .. import Backend


def iterate_contents(backend: Backend, scope_filter: ScopeFilter) -> Iterator[Contents]:
    """Yield what ``Maintenance.iterate_contents`` promises; a dialogue is read before its messages are."""
    for dialogue in backend.iterate_dialogues(scope_filter):
        yield contents_of(backend, Scope(dialogue.project, dialogue.namespace), dialogue)
    for scope, tombstone in backend.iterate_tombstones(scope_filter):
        if not tombstone.purged:
            yield contents_of(backend, scope, tombstone)
