"""One dialogue as plain text, to be read, printed or put into a mail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...domain.records import Dialogue, Message
from ...summaries.content import Image, Part, Text, ToolCall, ToolResult, as_json, read_thought
from .writer import NO_WORDS, Said, Writer, said_of, title_of


def write(dialogue: Dialogue, messages: Iterable[Message]) -> Iterator[str]:
    """Yield the title, then each message behind a line that says who spoke and when."""
    yield f"{title_of(dialogue)}\n"
    for said in said_of(messages):
        yield f"\n{_heading(said)}\n"
        for part in said.parts:
            yield f"{_part(part)}\n"


def _heading(said: Said) -> str:
    name = f" ({said.turn.name})" if said.turn.name else ""
    return f"[{said.turn.created}] {said.role.capitalize()}{name}:"


def _part(part: Part) -> str:
    if isinstance(part, Text):
        return part.text
    if isinstance(part, ToolCall):
        return f"calls {part.name} with {part.arguments}"
    if isinstance(part, ToolResult):
        return f"{part.name or part.id or 'tool'} {'failed' if part.failed else 'answers'}: {part.text}"
    if isinstance(part, Image):
        return f"[image: {part.label}]"
    thought = read_thought(part)
    return as_json(part.raw) if thought is None else f"thinks: {thought or NO_WORDS}"


WRITER = Writer("text", "A text file a dialogue", ".txt", "text/plain; charset=utf-8", write, one_each=True)
