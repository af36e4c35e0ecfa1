"""The embedded recent messages: the longest tail of the last 10 that fits 1 MiB together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from app.domain import RECENT_BYTES, RECENT_MESSAGES, Dialogue, JsonText, Message
from app.identity import compact
from app.services.wire import array_of

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


def embed(dialogue: Dialogue, added: Sequence[Message]) -> Embedded:
    """Insert newly accepted messages where their ``created`` puts them.

    A message older than everything embedded stays out when older messages are out already:
    its place is among those.
    """
    entries: list[dict[str, Any]] = orjson.loads(dialogue.recent)
    outside = dialogue.total > len(entries)
    newest = dialogue.last_message_created or ""
    for message in added:
        floor = entries[0]["created"] if entries else newest
        if outside and message.created < floor:
            continue
        entries.insert(_place(entries, message.created), orjson.loads(message.body))
        newest = max(newest, message.created)
        outside = _trim(entries) or outside
    return compact(entries), len(entries)


def _place(entries: list[dict[str, Any]], created: str) -> int:
    """Return the index behind the last entry that is not newer: equal times keep their order."""
    index = len(entries)
    while index and entries[index - 1]["created"] > created:
        index -= 1
    return index


def _trim(entries: list[dict[str, Any]]) -> bool:
    """Drop the oldest entries until the rest may be embedded; whether any was dropped."""
    before = len(entries)
    del entries[:-RECENT_MESSAGES]
    while len(orjson.dumps(entries)) - len(entries) - 1 > RECENT_BYTES:
        del entries[0]
    return len(entries) < before
