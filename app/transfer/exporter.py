"""Writing dialogues out, all that are asked for, in one file or one file each; or everything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..domain.list_queries import SummaryListQuery
from ..domain.records import Dialogue, Message, Order, Scope, ScopeFilter, Status, Summary, TimeRange
from ..stores.paging import walk
from .writers import colloquy
from .writers.names import file_name

if TYPE_CHECKING:
    from ..domain.list_queries import Page
    from ..stores import Backend
    from .writers.writer import Write, Writer

ALWAYS = TimeRange()
SUMMARIES_PAGE = 100


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dialogues: all that have every tag, one of the statuses (empty: any), and began in the range."""

    scope_filter: ScopeFilter
    tags: tuple[str, ...] = ()
    statuses: tuple[Status, ...] = ()
    times: TimeRange = ALWAYS
    dialogue_id: str | None = None

    @property
    def is_partial(self) -> bool:
        """Whether some dialogues are chosen among those of the scope."""
        return bool(self.tags or self.statuses or self.dialogue_id) or self.times != ALWAYS

    def __contains__(self, dialogue: Dialogue) -> bool:
        start, before = self.times.start, self.times.before
        return (
            self.dialogue_id in (None, dialogue.id)
            and set(self.tags) <= set(dialogue.tags)
            and (not self.statuses or dialogue.status in self.statuses)
            and (start is None or dialogue.created >= start)
            and (before is None or dialogue.created < before)
        )


@dataclass(slots=True)
class Counts:
    """How much was written; ``tick`` is called now and then."""

    tick: Callable[[], None] = lambda: None
    dialogues: int = 0
    messages: int = 0
    deleted: int = 0
    memories: int = 0
    summaries: int = 0
    keys: int = 0

    def count_messages(self, messages: Iterable[Message]) -> Iterator[Message]:
        """Yield messages and count them."""
        for message in messages:
            self.messages += 1
            yield message

    def count_summaries(self, summaries: Iterable[Summary]) -> Iterator[Summary]:
        """Yield summaries and count them."""
        for summary in summaries:
            self.summaries += 1
            yield summary


def export_whole(
    backend: Backend, selection: Selection, counts: Counts, *, with_keys: bool = False
) -> Iterator[str]:
    """Yield all that a project or a namespace holds, in our own format, in pieces.

    Where a selection chooses among dialogues, only those are written. Each dialogue is as it was at one
    moment, and is never in memory as a whole. What is written meanwhile may or may not be in it.
    """
    scope_filter = selection.scope_filter
    yield colloquy.begin(scope_filter.project, scope_filter.namespace)
    if not selection.is_partial:
        if scope_filter.namespace is None:
            yield from _export_project(backend, scope_filter.project, counts, with_keys=with_keys)
        yield from _export_deleted(backend, scope_filter, counts)
    for dialogue, scope in iterate_whole(backend, selection):
        summaries = counts.count_summaries(summaries_of(backend, scope, dialogue.id, dialogue.uid))
        yield from colloquy.write(dialogue, _messages(backend, dialogue, counts), summaries)
        counts.dialogues += 1
        counts.tick()
    if not selection.is_partial:
        for memory in backend.iterate_memories(scope_filter):
            yield colloquy.memory_line(memory)
            counts.memories += 1
            counts.tick()
    yield colloquy.end(
        {
            "dialogues": counts.dialogues,
            "messages": counts.messages,
            "deleted": counts.deleted,
            "memories": counts.memories,
            "summaries": counts.summaries,
        }
    )


def _export_project(backend: Backend, name: str, counts: Counts, *, with_keys: bool) -> Iterator[str]:
    project = backend.get_project(name)
    if project is not None:
        yield colloquy.project_line(project)
    for key in backend.list_keys(name) if with_keys else ():
        yield colloquy.key_line(key)
        counts.keys += 1


def _export_deleted(backend: Backend, scope_filter: ScopeFilter, counts: Counts) -> Iterator[str]:
    for scope, tombstone in backend.iterate_tombstones(scope_filter):
        name = (scope, tombstone.dialogue_id, tombstone.uid)
        messages = counts.count_messages(backend.messages_since(*name, -1))
        summaries = counts.count_summaries(summaries_of(backend, *name))
        yield from colloquy.write_deleted(scope, tombstone, messages, summaries)
        counts.deleted += 1
        counts.tick()


def export(backend: Backend, selection: Selection, counts: Counts, writer: Writer) -> Iterator[str]:
    """Yield the text of all selected dialogues in another format, oldest first, archived ones included."""
    yield writer.head
    for dialogue, _ in iterate_whole(backend, selection):
        yield from _write(backend, dialogue, counts, writer.write)


def export_each(backend: Backend, selection: Selection, counts: Counts, writer: Writer, folder: Path) -> None:
    """Write a file for each selected dialogue, named after its title and id; raises OSError."""
    for dialogue, _ in iterate_whole(backend, selection):
        path = folder / file_name(dialogue, writer)
        with path.open("w", encoding="utf-8") as file:
            file.write(writer.head)
            file.writelines(_write(backend, dialogue, counts, writer.write))


def iterate_whole(backend: Backend, selection: Selection) -> Iterator[tuple[Dialogue, Scope]]:
    """Yield the dialogues, each while the store shows it as it is at that moment."""
    for found in backend.iterate_dialogues(selection.scope_filter):
        if found not in selection:
            continue
        scope = Scope(found.project, found.namespace)
        with backend.snapshot():
            dialogue = backend.get_dialogue(scope, found.id)
            if dialogue is not None:
                yield dialogue, scope


def _write(backend: Backend, dialogue: Dialogue, counts: Counts, write: Write) -> Iterator[str]:
    yield from write(dialogue, _messages(backend, dialogue, counts))
    counts.dialogues += 1
    counts.tick()


def _messages(backend: Backend, dialogue: Dialogue, counts: Counts) -> Iterator[Message]:
    scope = Scope(dialogue.project, dialogue.namespace)
    return counts.count_messages(backend.messages_since(scope, dialogue.id, dialogue.uid, -1))


def summaries_of(backend: Backend, scope: Scope, dialogue_id: str, uid: str) -> Iterator[Summary]:
    """Yield the summaries of a generation, the oldest first."""
    query = SummaryListQuery(uid, SUMMARIES_PAGE, Order.ASC)

    def read(last: Summary | None) -> Page[Summary]:
        after = None if last is None else (last.created, last.id)
        return backend.list_summaries(scope, dialogue_id, replace(query, after=after))

    return walk(read)
