"""Checking a whole store against what must hold after any crash at any moment.

Each check reads a dialogue and then its messages, a batch at a time. Servers may go on writing: a
dialogue in which something is wrong is read again, and what changed in between is checked anew.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import orjson

from ..domain.records import RECENT_MESSAGES, Dialogue, ScopeFilter, Tombstone
from ..stores.contents import Contents, StoredMessage, contents_of
from .recent import longest_tail

if TYPE_CHECKING:
    from ..stores import Backend

CHECKS_OF_ONE = 5
"""How often a dialogue that keeps changing is checked before its last result counts."""

NATIVE = ("id", "dialogueId", "namespace", "role", "tags", "metadata", "created", "modified")
"""The fields of a message's JSON that are stored beside it, too."""


class Kind(StrEnum):
    """What can be wrong."""

    TOTAL = "totalMessages"
    THREADS = "threadCount"
    NEWEST = "lastMessageCreated"
    RECENT = "embedded messages"
    TWICE = "message stored twice"
    EMPTY = "message without content"
    BODY = "message body"
    SEQUENCE = "sequence number"
    TOMBSTONE = "deleted dialogue"
    ORPHANS = "messages of no dialogue"
    INDEX = "search index"
    VECTORS = "vectors"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where."""

    kind: Kind
    project: str
    namespace: str
    dialogue_id: str
    text: str

    def __str__(self) -> str:
        where = f"project {self.project}"
        where += f", namespace {self.namespace}" if self.namespace else ""
        where += f", dialogue {self.dialogue_id}" if self.dialogue_id else ""
        return f"{where}: {self.kind.value}: {self.text}"


@dataclass(slots=True)
class Seen:
    """How much was checked."""

    dialogues: int = 0
    messages: int = 0
    indexed: int = 0
    """How many dialogues, messages and memories were compared with the search index."""
    unembedded: int = 0
    """How many items wait to be embedded, which is no problem."""


def verify(
    backend: Backend,
    project: str,
    seen: Seen,
    tick: Callable[[], None] = lambda: None,
    *,
    thorough: bool = False,
) -> Iterator[Problem]:
    """Yield all that is wrong in a project; ``seen`` counts what was checked.

    ``tick`` is called after each dialogue, and now and then while the search index is checked. If it is to be
    ``thorough``, the words of every message are derived anew; see ``Maintenance.index_problems``.
    """
    scope_filter = ScopeFilter(project)
    before = backend.stats(scope_filter).messages
    for contents in backend.iterate_contents(scope_filter):
        if isinstance(contents.owner, Tombstone):
            yield from _check_tombstone(backend, contents, contents.owner, seen)
        else:
            yield from _check_steady(backend, contents, contents.owner, seen)
            tick()
    after = backend.stats(scope_filter).messages
    if before == after != seen.messages:
        text = f"the store has {after} messages, {seen.messages} belong to a dialogue, living or deleted"
        yield Problem(Kind.ORPHANS, project, "", "", text)

    def note(items: int) -> None:
        seen.indexed += items
        tick()

    for text in backend.index_problems(project, note, thorough=thorough):
        yield Problem(Kind.INDEX, project, "", "", text)
    for text in _check_vectors(backend, project, seen):
        yield Problem(Kind.VECTORS, project, "", "", text)


def _check_vectors(backend: Backend, project: str, seen: Seen) -> Iterator[str]:
    """Check that vectors have items; if there is an embedder, that items have vectors or wait for them."""
    model = backend.queues_for()
    found = backend.embedding_progress(project, model or "")
    if found.orphans:
        yield f"{found.orphans} are of items that do not exist"
    if model is None:
        return
    seen.unembedded = found.waiting if found.is_walked else found.waiting + found.unqueued
    if found.is_walked and found.unqueued:
        yield f"{found.unqueued} items have none and do not wait for them"


def _check_steady(backend: Backend, contents: Contents, dialogue: Dialogue, seen: Seen) -> list[Problem]:
    """Check a dialogue until it did not change during the check, or was found right."""
    for _ in range(CHECKS_OF_ONE):
        check = DialogueCheck(contents, dialogue)
        problems = check.run()
        if not problems:
            break
        current = backend.get_dialogue(contents.scope, dialogue.id)
        if current is None:
            return []
        if (current.uid, current.rev) == (dialogue.uid, dialogue.rev):
            break
        dialogue = current
        contents = contents_of(backend, contents.scope, dialogue)
    seen.dialogues += 1
    seen.messages += check.count
    return problems


class DialogueCheck:
    """One pass over a dialogue's messages in the order of acceptance."""

    def __init__(self, contents: Contents, dialogue: Dialogue) -> None:
        self._contents = contents
        self._dialogue = dialogue
        self._scope = contents.scope
        self._problems: list[Problem] = []
        self._newest: list[StoredMessage] = []
        self.count = 0

    def run(self) -> list[Problem]:
        """Return what is wrong."""
        self._check_messages()
        dialogue = self._dialogue
        if dialogue.total != self.count:
            self._add(Kind.TOTAL, f"says {dialogue.total}, has {self.count} messages")
        newest = self._newest[-1].created if self._newest else None
        if dialogue.last_message_created != newest:
            self._add(Kind.NEWEST, f"says {dialogue.last_message_created}, the newest has {newest}")
        self._check_recent()
        self._check_threads()
        return self._problems

    def _check_messages(self) -> None:
        dialogue = self._dialogue
        last_seq = -1
        ids: set[int] = set()
        for message in self._contents.messages:
            self.count += 1
            if not last_seq < message.seq < dialogue.next_seq:
                text = f"message {message.id} has {message.seq}, after {last_seq}, below {dialogue.next_seq}"
                self._add(Kind.SEQUENCE, text)
            if hash(message.id) in ids:
                self._add(Kind.TWICE, f"message {message.id}")
            last_seq = message.seq
            ids.add(hash(message.id))
            self._problems += check_body(self._contents, message)
            self._keep(message)

    def _keep(self, message: StoredMessage) -> None:
        """Remember the last messages in (created, seq) order."""
        newest = self._newest
        if newest and message.created < newest[-1].created:
            insort(newest, message, key=attrgetter("created", "seq"))
        else:
            newest.append(message)
        if len(newest) > RECENT_MESSAGES:
            del newest[0]

    def _check_recent(self) -> None:
        expected, count = longest_tail([message.body for message in self._newest])
        stored = self._dialogue.recent
        if stored != expected and _parse(stored) != orjson.loads(expected):
            self._add(Kind.RECENT, f"are not the {count} newest messages that fit")
        elif self._dialogue.recent_count != count:
            self._add(Kind.RECENT, f"are {count}, counted as {self._dialogue.recent_count}")

    def _check_threads(self) -> None:
        said, threads = self._dialogue.thread_count, self._contents.threads
        if said != threads:
            self._add(Kind.THREADS, f"says {said}, has {threads} threads")

    def _add(self, kind: Kind, text: str) -> None:
        self._problems.append(
            Problem(kind, self._scope.project, self._scope.namespace, self._dialogue.id, text)
        )


def check_body(contents: Contents, message: StoredMessage) -> list[Problem]:
    """Return what is wrong with the JSON that clients see of a message."""
    body = _parse(message.body)
    scope, dialogue_id = contents.scope, contents.dialogue_id
    if not isinstance(body, dict):
        text = f"message {message.id} is not a JSON object"
        return [Problem(Kind.BODY, scope.project, scope.namespace, dialogue_id, text)]
    expected = (
        message.id,
        dialogue_id,
        scope.namespace or None,
        message.role,
        _parse(message.tags),
        _parse(message.metadata),
        message.created,
        message.modified,
    )
    problems = []
    if body.get("content") in (None, "", []):
        problems.append((Kind.EMPTY, f"message {message.id}"))
    if tuple(map(body.get, NATIVE)) != expected:
        wrong = [name for name, value in zip(NATIVE, expected, strict=True) if body.get(name) != value]
        problems.append((Kind.BODY, f"message {message.id} differs from its record in {', '.join(wrong)}"))
    return [Problem(kind, scope.project, scope.namespace, dialogue_id, text) for kind, text in problems]


def _check_tombstone(
    backend: Backend, contents: Contents, tombstone: Tombstone, seen: Seen
) -> Iterator[Problem]:
    """Check what a deleted dialogue has left: readable messages, under a uid that lives no more."""
    scope = contents.scope
    living = backend.get_dialogue(scope, tombstone.dialogue_id)
    if living is not None and living.uid <= tombstone.uid:
        text = f"uid {tombstone.uid} is not older than the living dialogue's"
        yield Problem(Kind.TOMBSTONE, scope.project, scope.namespace, tombstone.dialogue_id, text)
    for message in contents.messages:
        seen.messages += 1
        yield from check_body(contents, message)


def _parse(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
