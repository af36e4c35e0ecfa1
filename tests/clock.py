"""A clock that tests move, in place of the program's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.domain import timestamps
from app.domain.records import Timestamp


class Clock:
    """The program's clock, so many days and seconds ahead."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def advance(self, *, days: float = 0, seconds: float = 0) -> None:
        """Let time pass."""
        self.ahead += timedelta(days=days, seconds=seconds)

    def now(self) -> Timestamp:
        """Return the time."""
        return timestamps.format_time(datetime.now(UTC) + self.ahead)

    def after(self, *, days: float = 0, seconds: float = 0) -> Timestamp:
        """Return the time that it will be then."""
        return timestamps.format_time(datetime.now(UTC) + self.ahead + timedelta(days=days, seconds=seconds))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Give the program a clock that the test moves."""
    made = Clock()
    monkeypatch.setattr(timestamps, "now", made.now)
    return made
