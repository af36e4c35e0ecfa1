"""What a digest could quote, and what was read in numbers."""

from __future__ import annotations

from dataclasses import dataclass

from .facts import Fact


@dataclass(slots=True, eq=False)
class Candidate:
    """One passage that a digest may quote.

    ``place`` orders them as they were said; ``label`` is the speaker, ``reference`` the message's id.
    """

    place: int
    label: str
    text: str
    tokens: int = 0
    facts: tuple[Fact, ...] = ()
    bonus: float = 0.0
    open: bool = False
    about: bool = False
    code: bool = False
    verbatim: bool = False
    table: str = ""
    reference: str = ""


@dataclass(slots=True)
class SourceCounts:
    """How much was read: turns, tokens and what could not be quoted.

    ``tokens`` are those of the words, ``speaker_tokens`` what a transcript takes besides.
    """

    turns: int = 0
    skipped: int = 0
    tokens: int = 0
    speaker_tokens: int = 0
    system_tokens: int = 0
    tool_tokens: int = 0
    images: int = 0
    unknown: int = 0

    @property
    def spoken_tokens(self) -> int:
        """The words of all but the system's messages."""
        return self.tokens - self.system_tokens

    @property
    def transcript_tokens(self) -> int:
        """What a transcript takes: the words, and who said them."""
        return self.tokens + self.speaker_tokens
