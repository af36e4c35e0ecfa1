"""The embedded recent messages: the longest tail of the last 10 that fits 1 MiB together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import orjson

from ..domain.json_text import compact_json
from ..domain.records import RECENT_BYTES, RECENT_MESSAGES, Dialogue, JsonText, Message
from .wire import array_of

Embedded = tuple[JsonText, int]
"""A JSON array and how many messages it has."""


def longest_tail(bodies: Sequence[JsonText]) -> Embedded:
    """Return the tail of ``bodies`` (oldest first) that may be embedded."""
    kept = list(bodies[-RECENT_MESSAGES:])
    sizes = [len(body.encode()) for body in kept]
    start = 0
    while sum(sizes[start:]) > RECENT_BYTES:
        start += 1
    return array_of(kept[start:]), len(kept) - start


def embed(dialogue: Dialogue, added: Sequence[Message], newest: Callable[[], list[Message]]) -> Embedded:
    """Insert newly accepted messages where their ``created`` puts them.

    A message older than everything embedded stays out when older messages are out already: its place
    is among those. Only where the 1 MiB kept some of the last 10 out may its place be between them;
    then ``newest``, which reads the last 10 that are stored, tells.
    """
    entries: list[dict[str, Any]] = orjson.loads(dialogue.recent)
    if dialogue.total > len(entries):
        floor = _floor(dialogue, entries)
        if len(entries) < RECENT_MESSAGES and any(message.created < floor for message in added):
            entries = [orjson.loads(message.body) for message in newest()]
            floor = _floor(dialogue, entries) if dialogue.total > len(entries) else ""
        added = [message for message in added if message.created >= floor]
    entries += [orjson.loads(message.body) for message in added]
    entries.sort(key=itemgetter("created"))  # stable: equal times keep the order of acceptance
    return longest_tail([compact_json(entry) for entry in entries])


def _floor(dialogue: Dialogue, entries: Sequence[dict[str, Any]]) -> str:
    """Return the time of the oldest entry; before it, all places are among those left out."""
    oldest: str = entries[0]["created"] if entries else dialogue.last_message_created or ""
    return oldest
