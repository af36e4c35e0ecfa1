"""The policies of projects: stored as JSON, and remembered for a few seconds by each process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import orjson

from ..domain.expiry import Expiry
from ..domain.json_text import compact_json
from ..domain.records import Project
from ..domain.retention import FIELDS, FOR_GOOD, Retention, retention_fields

BELIEVED_SECONDS: Final = 5.0
"""For how long a process believes what it read of a project: so long a change may take to hold everywhere."""

KEEPS_ALL: Final = Expiry(keeps_dialogues=True)
"""What expires where what has expired is looked at, too: no dialogue."""

MOST: Final = 10_000
"""How many projects a process remembers before it forgets all of them."""


class Policies:
    """What expires in each project; ``read`` gives a project by its name."""

    def __init__(self, read: Callable[[str], Project | None]) -> None:
        self._read = read
        self._known: dict[str, tuple[float, Expiry]] = {}

    def of(self, name: str) -> Expiry:
        """Return what expires in a project."""
        known = self._known.get(name)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        return self.note(name, self._read(name))

    def note(self, name: str, project: Project | None) -> Expiry:
        """Remember a project as it was just read."""
        if len(self._known) >= MOST:
            self._known.clear()
        expiry = Expiry.of(project)
        self._known[name] = (time.monotonic() + BELIEVED_SECONDS, expiry)
        return expiry

    def forget(self, name: str) -> None:
        """Read a project again, since it was changed."""
        self._known.pop(name, None)


def write_retention(retention: Retention) -> str | None:
    """Return a policy as JSON; None for one that keeps everything."""
    fields = retention_fields(retention)
    return compact_json(fields) if fields else None


def read_retention(text: str | None) -> Retention:
    """Return a stored policy."""
    if text is None:
        return FOR_GOOD
    return Retention(**{FIELDS[name]: days for name, days in orjson.loads(text).items()})
