"""The import itself: each item read, checked and given to a loader; threads after their parents."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from .conversation import BadLine, Conversation, Fields, Part, Tree
from .drafts import Drafter
from .fitting import fit
from .ids import fit_id
from .input.containers import BROKEN, Document, UnsafeArchive
from .readers import read_document
from .readers.format import Format
from .spool import Spool
from .tally import Tally
from .times import keep_order
from .trees import flatten, has_branches

BOUNDS = frozenset({"export", "end"})
"""The first and the last line of an export."""


class Loader(Protocol):
    """Where conversations go.

    Threads whose parent is not there yet are put into ``waiting``. ``orphans`` says that no parent is to
    come any more.
    """

    orphans: bool
    waiting: Spool

    def add(self, place: str, conversation: Conversation, /) -> None:
        """Take a conversation; raises BadLine when it breaks a rule."""

    def add_part(self, place: str, part: Part, /) -> None:
        """Take another part of our own export; raises BadLine when it breaks a rule."""

    def present(self, conversation: Conversation, /) -> frozenset[str]:
        """Return the ids of the messages that the dialogue of this id has already."""

    def has(self, head: Fields, /) -> bool:
        """Whether a dialogue is there already, as long and as new as a server's list shows it."""

    def flush(self) -> None:
        """Store what was taken."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user wants: a namespace instead of the source's, a format instead of the one that is found.

    ``branches`` says whether abandoned branches become threads or are left out.
    """

    namespace: str | None = None
    format: Format | None = None
    branches: bool = True


class Intake:
    """Runs what readers find into a loader."""

    def __init__(self, loader: Loader, drafter: Drafter, tally: Tally, choices: Choices) -> None:
        self._loader = loader
        self._limits = drafter.limits
        self._tally = tally
        self._choices = choices
        self._is_open = False

    def run(self, documents: Iterable[Document], tick: Callable[[], None]) -> None:
        """Import all documents; ``tick`` is called after each conversation."""
        self._read_all(documents, tick)
        self.finish(tick)

    def finish(self, tick: Callable[[], None]) -> None:
        """Store what is left once everything was taken, threads that waited for their parents too."""
        try:
            self._loader.flush()
            self._load_held(tick)
        finally:
            self._loader.waiting.close()

    def has(self, head: Fields) -> bool:
        """Whether a dialogue is there already as a server's list shows it."""
        return self._loader.has({**head, "namespace": self._choices.namespace or head.get("namespace")})

    def _read_all(self, documents: Iterable[Document], tick: Callable[[], None]) -> None:
        try:
            for document in documents:
                self._read(document, tick)
        except (UnsafeArchive, *BROKEN) as error:
            self._tally.reject("The import", _describe(error))

    def _read(self, document: Document, tick: Callable[[], None]) -> None:
        try:
            for place, found in read_document(document, self._choices.format, self._tally):
                self.take(f"{document.name}, {place}", found)
                tick()
            if self._is_open:
                self._tally.reject(document.name, "The export has no last line: the file is cut short.")
                self._is_open = False
        except UnsafeArchive as error:
            self._tally.reject(document.name, str(error))
        except BROKEN as error:
            self._tally.reject(document.name, f"The compressed data is damaged from here on: {error}")

    def take(self, place: str, found: Conversation | Tree | Part) -> None:
        """Give what was read to the loader; what cannot be stored is counted and reported."""
        if isinstance(found, Part):
            self._take_part(place, found)
            return
        try:
            conversations = self._conversations(found)
        except BadLine as error:
            self._tally.reject(place, str(error))
            return
        for conversation in conversations:
            try:
                self._loader.add(place, fit(conversation, self._limits, self._tally.notes))
            except BadLine as error:
                self._tally.reject(place, str(error))

    def _take_part(self, place: str, part: Part) -> None:
        """Note where an export begins and ends, and give its settings and keys to the loader."""
        if part.kind in BOUNDS:
            self._is_open = part.kind == "export"
            return
        try:
            self._loader.add_part(place, part)
        except BadLine as error:
            self._tally.reject(place, str(error))

    def _conversations(self, found: Conversation | Tree) -> list[Conversation]:
        if self._choices.namespace is not None:
            for body in (found.dialogue, *found.memories):
                if body:
                    body["namespace"] = self._choices.namespace
        if isinstance(found, Tree):
            return flatten(found, branches=self._choices.branches, kept=self._kept(found))
        if not found.exact:
            keep_order(found.messages)
        return [found]

    def _kept(self, tree: Tree) -> frozenset[str]:
        """Return the nodes that the store has on the main path already."""
        if not has_branches(tree):
            return frozenset()
        head = fit(Conversation({**tree.dialogue}), self._limits, self._tally.notes.copy())
        present = self._loader.present(head)
        return frozenset(
            name
            for name, node in tree.nodes.items()
            if any(fit_id(message["id"]) in present for message in node.messages)
        )

    def _load_held(self, tick: Callable[[], None]) -> None:
        """Import the threads that had to wait, until none is left or none can be stored."""
        while self._loader.waiting.count:
            held, self._loader.waiting = self._loader.waiting, Spool()
            try:
                for place, conversation in held:
                    self._loader.add(place, conversation)
                    tick()
                self._loader.flush()
            finally:
                held.close()
            if self._loader.waiting.count == held.count:
                self._loader.orphans = True


def _describe(error: Exception) -> str:
    return str(error) or type(error).__name__
