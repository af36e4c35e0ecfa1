"""Writing dialogues out, all that are asked for, in one file or one file each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..domain.records import Dialogue, Scope, ScopeFilter, Status, TimeRange
from .writers import colloquy
from .writers.names import file_name
from .writers.writer import Writer

if TYPE_CHECKING:
    from ..stores import Backend

ALWAYS = TimeRange()


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dialogues: all that have every tag, one of the statuses (empty: any), and began in the range."""

    scope_filter: ScopeFilter
    tags: tuple[str, ...] = ()
    statuses: tuple[Status, ...] = ()
    times: TimeRange = ALWAYS
    dialogue_id: str | None = None

    def __contains__(self, dialogue: Dialogue) -> bool:
        start, before = self.times.start, self.times.before
        return (
            self.dialogue_id in (None, dialogue.id)
            and set(self.tags) <= set(dialogue.tags)
            and (not self.statuses or dialogue.status in self.statuses)
            and (start is None or dialogue.created >= start)
            and (before is None or dialogue.created < before)
        )


def export(
    backend: Backend, selection: Selection, tick: Callable[[int], None], writer: Writer = colloquy.WRITER
) -> Iterator[str]:
    """Yield the text of all selected dialogues in pieces, oldest first, archived ones included.

    In Colloquy's own format a dialogue of any length is never in memory as a whole. ``tick`` is told the
    number of messages after each dialogue. What is written meanwhile may or may not be in it; messages of
    deleted dialogues and memories are not.
    """
    yield writer.head
    for dialogue in _selected(backend, selection):
        yield from _written(backend, dialogue, writer)
        tick(dialogue.total)


def export_each(
    backend: Backend, selection: Selection, tick: Callable[[int], None], writer: Writer, folder: Path
) -> None:
    """Write a file for each selected dialogue, named after its title and id; raises OSError."""
    for dialogue in _selected(backend, selection):
        path = folder / file_name(dialogue, writer)
        with path.open("w", encoding="utf-8") as file:
            file.write(writer.head)
            file.writelines(_written(backend, dialogue, writer))
        tick(dialogue.total)


def _selected(backend: Backend, selection: Selection) -> Iterator[Dialogue]:
    return (one for one in backend.iterate_dialogues(selection.scope_filter) if one in selection)


def _written(backend: Backend, dialogue: Dialogue, writer: Writer) -> Iterator[str]:
    scope = Scope(dialogue.project, dialogue.namespace)
    return writer.write(dialogue, backend.messages_since(scope, dialogue.id, dialogue.uid, -1))
