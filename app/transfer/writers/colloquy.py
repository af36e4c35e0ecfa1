"""Our own format: one dialogue a line, as the API shows it, with all its messages and a mark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...domain.json_text import compact_json
from ...domain.records import Dialogue, Message
from ...services.bodies import head_fields
from .writer import Writer

MARK = "colloquy"
"""The field that tells our format from others; its value is the format's version."""

VERSION = 1

DERIVED = frozenset({"projectId", "totalMessages", "threadCount", "lastMessageCreated"})
"""What the API shows of a dialogue and derives from others; it is not written."""


def write(dialogue: Dialogue, messages: Iterable[Message]) -> Iterator[str]:
    """Yield the line of a dialogue in pieces, a message at a time."""
    fields = {name: value for name, value in head_fields(dialogue).items() if name not in DERIVED}
    yield compact_json({MARK: VERSION, **fields})[:-1]
    yield f',"state":{dialogue.state},"messages":['
    separator = ""
    for message in messages:
        yield separator + message.body
        separator = ","
    yield "]}\n"


WRITER = Writer("colloquy", "Everything, to be imported again", ".jsonl", "application/jsonl", write)
