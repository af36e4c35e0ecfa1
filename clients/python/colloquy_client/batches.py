"""Cuts what is too much for one request into several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from colloquy_client.messages import measure
from colloquy_client.types import NewMessage

MOST_MESSAGES = 25
"""The most messages that the API takes in one request."""

MOST_BYTES = 4 * 1024 * 1024
"""Where a request ends early. A message that is longer goes alone."""


def cut_batches(messages: Sequence[NewMessage]) -> Iterator[list[NewMessage]]:
    """Yield the messages in order, in batches of at most 25 and about 4 MiB.

    The same messages are always cut in the same places: the server recognises a batch that it has.
    """
    batch: list[NewMessage] = []
    size = 0
    for message in messages:
        more = measure(message)
        if batch and (len(batch) == MOST_MESSAGES or size + more > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += more
    if batch:
        yield batch
