"""A dialogue as plain text: who, and what they said."""

from __future__ import annotations

from . import Turn
from .content import SILENT_KINDS, Image, Part, Text, ToolCall, ToolResult, Unknown, read_parts

KIND_CHARACTERS = 40
"""A block of an unknown kind is named by so much of its kind."""


def write_turn(turn: Turn, longest_result: int | None = None) -> str:
    """Return one message as text, or an empty text when there is nothing to read in it.

    Of a tool's answer of more than ``longest_result`` characters it is the beginning.
    """
    parts = read_parts(turn)
    said = "\n".join(filter(None, (_write_part(part, longest_result) for part in parts)))
    if not said or all(isinstance(part, Unknown) for part in parts):
        return ""
    return f"{name_speaker(turn)}: {said}"


def name_speaker(turn: Turn) -> str:
    """Return who speaks: the role, and the name if there is one."""
    return f"{turn.role} {turn.name}" if turn.name else turn.role


def _write_part(part: Part, longest_result: int | None) -> str:
    if isinstance(part, Text):
        return part.text
    if isinstance(part, ToolCall):
        return f"(calls {part.name} with {part.arguments})"
    if isinstance(part, ToolResult):
        more = 0 if longest_result is None else len(part.text) - longest_result
        return part.text if more <= 0 else f"{part.text[:longest_result]} ({more} more characters)"
    if isinstance(part, Image):
        return f"(image: {part.label})"
    return "" if part.kind in SILENT_KINDS else f"({part.kind[:KIND_CHARACTERS]})"
