"""The import itself: each line read, checked and given to a loader; threads after their parents."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from .conversation import BadLine, Conversation
from .reader import Line
from .sources import read_line
from .spool import Spool
from .tally import Tally


class Loader(Protocol):
    """Where conversations go.

    Lines of threads whose parent is not there yet are put into ``waiting``. ``orphans`` says that
    no parent is to come any more.
    """

    orphans: bool
    waiting: Spool

    def add(self, line: Line, conversation: Conversation, /) -> None:
        """Take a conversation; raises BadLine when it breaks a rule."""

    def flush(self) -> None:
        """Store what was taken."""


class Intake:
    """Runs lines into a loader; ``namespace`` replaces the one that a line names."""

    def __init__(self, loader: Loader, tally: Tally, namespace: str | None) -> None:
        self._loader = loader
        self._tally = tally
        self._namespace = namespace

    def run(self, lines: Iterable[Line], tick: Callable[[], None]) -> None:
        """Import all lines; ``tick`` is called after each."""
        try:
            self._pass(lines, tick)
            self._pass_held(tick)
        finally:
            self._loader.waiting.close()

    def _pass_held(self, tick: Callable[[], None]) -> None:
        """Import the threads that had to wait, until none is left or none can be stored."""
        while self._loader.waiting.count:
            held, self._loader.waiting = self._loader.waiting, Spool()
            try:
                self._pass(held, tick)
            finally:
                held.close()
            if self._loader.waiting.count == held.count:
                self._loader.orphans = True

    def _pass(self, lines: Iterable[Line], tick: Callable[[], None]) -> None:
        for line in lines:
            if line.problem is not None:
                self._tally.reject(line, line.problem)
                continue
            try:
                self._loader.add(line, self._placed(read_line(line.text)))
            except BadLine as error:
                self._tally.reject(line, str(error))
            tick()
        self._loader.flush()

    def _placed(self, conversation: Conversation) -> Conversation:
        if self._namespace is not None:
            conversation.dialogue["namespace"] = self._namespace
        return conversation
