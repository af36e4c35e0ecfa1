"""The application of the expiry proof, as gunicorn loads it: a file says how many days its clock is ahead."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app import sweeper
from app.domain import timestamps
from app.domain.records import Timestamp
from app.wiring import start_app

NOTE = "CLOCK_NOTE"
"""The environment's variable that names the file."""

DAY = timedelta(days=1)


def read_clock(note: Path) -> Timestamp:
    """Return the time by the clock of a file."""
    return timestamps.format_time(datetime.now(UTC) + int(note.read_text()) * DAY)


def create() -> object:
    """Return the application, whose sweeper looks often."""
    note = Path(os.environ[NOTE])
    timestamps.now = lambda: read_clock(note)
    sweeper.PERIOD = 0.2
    return start_app()
