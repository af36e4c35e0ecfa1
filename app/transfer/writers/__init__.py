"""Writers of other programs' formats, and of our own."""

from __future__ import annotations

from . import colloquy, markdown, page, table, text, training
from .writer import Writer

WRITERS: dict[str, Writer] = {
    one.name: one
    for one in (
        colloquy.WRITER,
        training.OPENAI,
        training.ANTHROPIC,
        training.SHAREGPT,
        markdown.WRITER,
        page.WRITER,
        text.WRITER,
        table.WRITER,
    )
}
"""Every format that can be written, by name."""
