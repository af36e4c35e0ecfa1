"""What an import did, in numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .input.decoding import Notes

if TYPE_CHECKING:
    from ..services.restore_inputs import Outcome

Report = Callable[[str], None]

MOST_REPORTS = 50
"""How many bad items are reported one by one; the others are counted."""


@dataclass(slots=True)
class Tally:
    """Counts as an import goes on; ``report`` is told of each bad item.

    ``different`` counts messages, heads and memories that are not as the source has them; ``deleted``
    messages that were deleted here since an earlier import and stay away; ``tombstones`` dialogues that
    were deleted at the source; ``notes`` what was changed to make things fit, by kind; ``skipped`` files
    of a folder or zip that hold no conversations.
    """

    report: Report = print
    dialogues: int = 0
    messages: int = 0
    memories: int = 0
    summaries: int = 0
    keys: int = 0
    tombstones: int = 0
    updated: int = 0
    unchanged: int = 0
    different: int = 0
    deleted: int = 0
    bad: int = 0
    skipped: int = 0
    notes: Notes = field(default_factory=Counter)

    def count(self, outcome: Outcome) -> None:
        """Count a conversation that is stored now."""
        self.dialogues += outcome.created
        self.summaries += outcome.summaries
        self.tombstones += outcome.tombstone
        self.messages += outcome.messages
        self.updated += outcome.updated
        did = outcome.created, outcome.messages, outcome.updated, outcome.tombstone, outcome.summaries
        self.unchanged += not any(did)
        self.different += outcome.different
        self.deleted += outcome.deleted

    def count_memory(self, outcome: Outcome) -> None:
        """Count a memory that is stored now."""
        self.memories += outcome.created
        self.different += outcome.different

    def reject(self, place: str, reason: str) -> None:
        """Count and report what was not imported."""
        self.bad += 1
        if self.bad <= MOST_REPORTS:
            self.report(f"{place}: {reason}")
        if self.bad == MOST_REPORTS + 1:
            self.report("More items are bad; they are counted, and not reported one by one.")
