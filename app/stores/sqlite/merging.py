"""Merging the segments of the search index, in small steps.

Each transaction that indexes something adds a segment to the index, and a search looks into all of them. FTS5
can merge them within the writes (``automerge``), which now and then makes one of them slow; here that is off,
and the sweeper does it. Two segments that have come to the same level become one of the next, so that a level
keeps one at most. A write merges a whole level only where the sweeper is so far behind that very many have
gathered there (``crisismerge``).
"""

from __future__ import annotations

from sqlite3 import Connection
from typing import Final

from .reindexing import INDEXED

PAGES: Final = 16
"""How many pages of the index, of 4 KB, a step writes, but that it ends behind a whole token."""

LEAST_CHANGES: Final = 2
"""FTS5 changes fewer rows of its tables when it finds nothing to merge."""


def merge_step(connection: Connection) -> int:
    """Merge a few pages of the first index that has segments to merge; 1, or 0 when none has."""
    for table in INDEXED:
        before = connection.total_changes
        connection.execute(f"INSERT INTO {table}_tokens ({table}_tokens, rank) VALUES ('merge', ?)", (PAGES,))
        if connection.total_changes - before >= LEAST_CHANGES:
            return 1
    return 0
