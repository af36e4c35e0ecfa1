"""What a writer is: one module a format, each with a ``WRITER`` that says what it makes of a dialogue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import orjson

from ...domain.records import Dialogue, Message
from ...services.summaries import turn_of
from ...summaries import Turn
from ...summaries.content import Part, read_parts

NO_WORDS = "(nothing readable)"
"""What stands for a thought that its provider keeps to itself."""

Write = Callable[[Dialogue, Iterable[Message]], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Writer:
    """One format to export.

    ``write`` yields what a dialogue becomes, in pieces; it takes the messages in the order in which they were
    accepted. ``head`` comes once before all dialogues of a file. ``one_each`` says that each dialogue needs a
    file of its own.
    """

    name: str
    about: str
    suffix: str
    media_type: str
    write: Write
    head: str = ""
    one_each: bool = False


@dataclass(frozen=True, slots=True)
class Said:
    """One message as a person reads it."""

    turn: Turn
    parts: Sequence[Part]
    role: str


def in_order(messages: Iterable[Message]) -> list[Message]:
    """Return messages in the order in which the API lists them; they are in memory then."""
    return sorted(messages, key=lambda message: (message.created, message.seq))


def turns_of(messages: Iterable[Message]) -> list[Turn]:
    """Return messages as turns, in the order in which the API lists them."""
    return [turn_of(message) for message in in_order(messages)]


def said_of(messages: Iterable[Message]) -> Iterator[Said]:
    """Yield messages with what they hold, in the order in which the API lists them."""
    for message in in_order(messages):
        turn = turn_of(message)
        yield Said(turn, read_parts(turn), message.role)


def json_line(value: object) -> str:
    """Return a value as a line of JSON."""
    return orjson.dumps(value).decode() + "\n"


def title_of(dialogue: Dialogue) -> str:
    """Return what to call a dialogue: its label, else its id."""
    return dialogue.label or dialogue.id
