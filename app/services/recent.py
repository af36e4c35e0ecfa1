"""The embedded recent messages: the longest tail of the last 10 that fits 1 MiB together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import orjson

from ..domain.json_text import compact_json
from ..domain.records import RECENT_BYTES, RECENT_MESSAGES, Dialogue, JsonText, Message
from .bodies import array_of

Embedded = tuple[JsonText, int]
"""A JSON array and how many messages it has."""

Item = tuple[str, Any]
"""When a message was created, and its JSON, parsed or as a fragment."""

CREATED = itemgetter(0)
BODY = itemgetter(1)


def longest_tail(bodies: Sequence[JsonText]) -> Embedded:
    """Return the tail of ``bodies`` (oldest first) that may be embedded."""
    return _longest_tail([orjson.Fragment(body) for body in bodies[-RECENT_MESSAGES:]])


def embed(dialogue: Dialogue, added: Sequence[Message], newest: Callable[[], list[Message]]) -> Embedded:
    """Insert newly accepted messages where their ``created`` puts them.

    A message older than everything embedded stays out when older messages are out already: its place is among
    those. Only where the 1 MiB kept some of the last 10 out may its place be between them; then ``newest``,
    which reads the last 10 that are stored or those with which they exceed 1 MiB, tells.
    """
    items: list[Item] = [(fields["created"], fields) for fields in orjson.loads(dialogue.recent)]
    floor = ""
    if dialogue.total > len(items):
        floor = _floor(dialogue, items)
        if len(items) < RECENT_MESSAGES and any(message.created < floor for message in added):
            items = [(message.created, orjson.Fragment(message.body)) for message in newest()]
            floor = _floor(dialogue, items) if dialogue.total > len(items) else ""
    items += [
        (message.created, orjson.Fragment(message.body)) for message in added if message.created >= floor
    ]
    items.sort(key=CREATED)  # stable: equal times keep the order of acceptance
    return _longest_tail(list(map(BODY, items[-RECENT_MESSAGES:])))


def _floor(dialogue: Dialogue, items: Sequence[Item]) -> str:
    """Return the time of the oldest item; before it, all places are among those left out."""
    return items[0][0] if items else dialogue.last_message_created or ""


def _longest_tail(kept: list[Any]) -> Embedded:
    """Return what fits of up to 10 messages; brackets and commas do not count."""
    text = compact_json(kept)
    if len(text) <= RECENT_BYTES // MOST_BYTES_A_CHARACTER:
        return text, len(kept)
    bodies = [compact_json(body) for body in kept]
    sizes = [len(body.encode()) for body in bodies]
    start = 0
    while sum(sizes[start:]) > RECENT_BYTES:
        start += 1
    return array_of(bodies[start:]), len(bodies) - start


MOST_BYTES_A_CHARACTER = 4
"""How many bytes a character takes in UTF-8 at most."""
