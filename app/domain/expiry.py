"""Expiry: what of a project has expired at a moment.

A dialogue expires at its own ``expires_at``, or when it was not changed for as many days as its project's
policy gives to its status; a memory likewise. What has expired is hidden from then on, until the sweeper
removes it. A project that is immutable keeps all its dialogues.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from . import timestamps
from .records import Timestamp
from .retention import FOR_GOOD, Retention

if TYPE_CHECKING:
    from .list_items import DialogueItem, MemoryItem
    from .records import Dialogue, Memory, Project

NEVER: Final = Timestamp("")
"""Before every time: nothing has expired by then."""


class Lifetime(NamedTuple):
    """What of a dialogue decides whether it has expired."""

    status: str
    modified: Timestamp
    expires_at: Timestamp | None


class DialogueHorizon(NamedTuple):
    """Which dialogues have expired.

    Those with an ``expires_at`` up to ``moment``, and those of a status that were last changed up to its
    time.
    """

    moment: Timestamp
    active: Timestamp
    ended: Timestamp
    archived: Timestamp

    @property
    def idle(self) -> dict[str, Timestamp]:
        """The times by status, of those statuses that have one."""
        times = {"active": self.active, "ended": self.ended, "archived": self.archived}
        return {status: time for status, time in times.items() if time != NEVER}


class MemoryHorizon(NamedTuple):
    """Which memories have expired: by an ``expires_at`` up to ``moment``, or last changed up to ``idle``."""

    moment: Timestamp
    idle: Timestamp


@dataclass(frozen=True, slots=True)
class Expiry:
    """What expires in a project, and when."""

    retention: Retention = FOR_GOOD
    keeps_dialogues: bool = False

    @classmethod
    def of(cls, project: Project | None) -> Expiry:
        """Return that of a project; one that does not exist has no policy."""
        return cls() if project is None else cls(project.retention, keeps_dialogues=project.immutable)

    def hides_dialogue(self, one: Dialogue | DialogueItem | Lifetime) -> bool:
        """Whether a dialogue has expired."""
        if self.keeps_dialogues:
            return False
        if one.expires_at is not None and one.expires_at <= timestamps.now():
            return True
        days = self.retention.days_of(one.status)
        return days is not None and one.modified <= _days_ago(days)

    def hides_memory(self, one: Memory | MemoryItem) -> bool:
        """Whether a memory has expired."""
        if one.expires_at is not None and one.expires_at <= timestamps.now():
            return True
        days = self.retention.memory_days
        return days is not None and one.modified <= _days_ago(days)

    def dialogues(self) -> DialogueHorizon:
        """Return which dialogues have expired by now."""
        if self.keeps_dialogues:
            return DialogueHorizon(NEVER, NEVER, NEVER, NEVER)
        days_of = self.retention.days_of
        idle = (_idle_since(days_of(status)) for status in ("active", "ended", "archived"))
        return DialogueHorizon(timestamps.now(), *idle)

    def memories(self) -> MemoryHorizon:
        """Return which memories have expired by now."""
        return MemoryHorizon(timestamps.now(), _idle_since(self.retention.memory_days))


def _days_ago(days: int) -> Timestamp:
    now = datetime.fromisoformat(timestamps.now())
    return timestamps.format_time(now.astimezone(UTC) - timedelta(days=days))


def _idle_since(days: int | None) -> Timestamp:
    return NEVER if days is None else _days_ago(days)
