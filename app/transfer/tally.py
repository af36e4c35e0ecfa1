"""What an import did, in numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .reader import Line

Report = Callable[[str], None]


@dataclass(slots=True)
class Tally:
    """Counts as an import goes on; ``report`` is told of each bad line."""

    report: Report = print
    dialogues: int = 0
    messages: int = 0
    unchanged: int = 0
    bad: int = 0

    def count(self, *, created: bool, messages: int) -> None:
        """Count a conversation that is stored now."""
        self.dialogues += created
        self.messages += messages
        self.unchanged += not created and not messages

    def reject(self, line: Line, reason: str) -> None:
        """Count and report a line that was not imported."""
        self.bad += 1
        self.report(f"{line.source}, line {line.number}: {reason}")
