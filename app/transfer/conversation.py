"""One conversation between formats: what every source is read into and every loader takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from ..domain.records import Status, Timestamp

BATCH_MESSAGES = 25
"""How many messages a request of the API may bring."""

BATCH_BYTES = 6 * 1024 * 1024
"""How much JSON of messages goes into one request: below the API's 8 MiB, with room for a state."""


class BadLine(ValueError):
    """A line that cannot be imported; the text says why."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A dialogue as the API's requests would carry it.

    ``dialogue`` is the body of POST /dialogue without messages, its ``id`` included; ``messages``
    are those bodies, each with its ``id``. The rest is what no request can say, and is known only
    of conversations that were exported.
    """

    dialogue: dict[str, Any]
    messages: list[dict[str, Any]]
    modified: tuple[Timestamp, ...] = ()
    status: Status = Status.ACTIVE
    ended_at: Timestamp | None = None
    archived_at: Timestamp | None = None
    last_modified: Timestamp | None = None


def batches(messages: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
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


def first_batch(messages: Sequence[dict[str, Any]]) -> int:
    """Return how many messages the request that creates the dialogue carries."""
    return len(next(batches(messages), ()))
