"""One conversation between formats: what every reader makes and every loader takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from ..domain.records import Status, Timestamp

BATCH_MESSAGES = 25
"""How many messages a request of the API may bring."""

BATCH_BYTES = 6 * 1024 * 1024
"""How much JSON of messages goes into one request: below the API's 8 MiB, with room for a state."""

Fields = dict[str, Any]


class BadLine(ValueError):
    """A line or an item that cannot be imported; the text says why."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A dialogue as the API's requests would carry it.

    ``dialogue`` is the body of POST /dialogue without messages, its ``id`` included; ``messages``
    are those bodies, each with its ``id``; ``memories`` are bodies of POST /memory. Without an id it
    is memories and nothing else. ``alternate`` is the id to take where ``id`` was made from how the
    conversation begins and another begins alike. ``exact`` marks what a server of this API had: it
    needs no fitting, and what follows ``exact`` is what no request can say. ``origin`` is how a dialogue,
    or a memory, lay in its store. ``fate`` is set of a deleted dialogue: its messages are kept, or purged.
    """

    dialogue: Fields
    messages: list[Fields] = field(default_factory=list)
    memories: list[Fields] = field(default_factory=list)
    alternate: str | None = None
    exact: bool = False
    modified: tuple[Timestamp, ...] = ()
    status: Status = Status.ACTIVE
    ended_at: Timestamp | None = None
    archived_at: Timestamp | None = None
    last_modified: Timestamp | None = None
    origin: Fields | None = None
    fate: Literal["kept", "purged"] | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What our own export has beside dialogues and memories: its first and last line, settings, keys."""

    kind: str
    fields: Fields


@dataclass(frozen=True, slots=True)
class Node:
    """A place in a tree: the id of the one before it, and the messages here (none: a place alone)."""

    parent: str | None
    messages: list[Fields]


@dataclass(frozen=True, slots=True)
class Tree:
    """A conversation whose messages follow on each other in several ways.

    ``nodes`` are in the source's order. ``current`` is the last node of the path that the source shows;
    None where it does not say: then it is the newest. ``archived_at`` is set where the source archived it.
    """

    dialogue: Fields
    nodes: dict[str, Node]
    current: str | None = None
    memories: list[Fields] = field(default_factory=list)
    archived_at: Timestamp | None = None


def batches(messages: Sequence[Fields]) -> Iterator[Sequence[Fields]]:
    """Yield the messages as requests may carry them; nothing for none."""
    start, size = 0, 0
    for place, message in enumerate(messages):
        added = len(orjson.dumps(message))
        if place - start == BATCH_MESSAGES or (place > start and size + added > BATCH_BYTES):
            yield messages[start:place]
            start, size = place, 0
        size += added
    if start < len(messages):
        yield messages[start:]


def first_batch(messages: Sequence[Fields]) -> int:
    """Return how many messages the request that creates the dialogue carries."""
    return len(next(batches(messages), ()))
