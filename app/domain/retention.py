"""Retention: the policy for how long a project keeps what nobody changes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kept(StrEnum):
    """What a project keeps, and what expires."""

    DIALOGUE = "dialogue"
    MEMORY = "memory"


MOST_DAYS: Final = 36_500
"""The longest that a policy can keep anything, about a century."""

FIELDS: Final = {
    "dialogueDays": "dialogue_days",
    "activeDays": "active_days",
    "endedDays": "ended_days",
    "archivedDays": "archived_days",
    "memoryDays": "memory_days",
}
"""The fields of a policy by their names in JSON."""


@dataclass(frozen=True, slots=True)
class Retention:
    """A policy: for how many days dialogues, and memories, are kept after their last change (None: for good).

    ``dialogue_days`` is for the statuses that have no number of their own.
    """

    dialogue_days: int | None = None
    active_days: int | None = None
    ended_days: int | None = None
    archived_days: int | None = None
    memory_days: int | None = None

    def days_of(self, status: str) -> int | None:
        """Return for how many days dialogues of a status are kept."""
        own: int | None = getattr(self, f"{status}_days")
        return self.dialogue_days if own is None else own


FOR_GOOD: Final = Retention()
"""The policy of a project that has none: everything is kept."""


def retention_fields(retention: Retention) -> dict[str, int]:
    """Return what a policy limits, in days."""
    pairs = ((name, getattr(retention, field)) for name, field in FIELDS.items())
    return {name: days for name, days in pairs if days is not None}
