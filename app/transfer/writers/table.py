"""Messages as a table (CSV), a row each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from ...domain.records import Dialogue, Message
from ...summaries.content import Image, Part, Text, ToolCall, ToolResult
from .writer import Writer, said_of

COLUMNS = (
    "dialogueId",
    "namespace",
    "label",
    "messageId",
    "role",
    "name",
    "created",
    "text",
    "tags",
    "metadata",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write(dialogue: Dialogue, messages: Iterable[Message]) -> Iterator[str]:
    """Yield a row for each message; what holds no words is named in brackets."""
    ordered = list(messages)
    tags = {message.id: (",".join(message.tags), message.metadata) for message in ordered}
    for said in said_of(ordered):
        yield _row(
            dialogue.id,
            dialogue.namespace,
            dialogue.label or "",
            said.turn.id,
            said.role,
            said.turn.name or "",
            said.turn.created,
            "\n".join(map(_words, said.parts)),
            *tags[said.turn.id],
        )


def _words(part: Part) -> str:
    if isinstance(part, Text | ToolResult):
        return part.text
    if isinstance(part, ToolCall):
        return f"[{part.name} {part.arguments}]"
    return f"[image: {part.label}]" if isinstance(part, Image) else f"[{part.kind}]"


def _row(*cells: str) -> str:
    """Return a row; a cell that a spreadsheet would take for a formula begins with an apostrophe."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(
        f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells
    )
    return line.getvalue()


WRITER = Writer("csv", "A table of messages", ".csv", "text/csv; charset=utf-8", write, head=_row(*COLUMNS))
