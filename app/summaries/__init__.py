"""Summaries and model contexts: pure functions over turns, free of any store.

``digest`` (the default provider, ``extractive``) quotes what matters without any model; ``model`` asks an
endpoint that speaks the OpenAI chat completions format. ``context`` chooses what of a dialogue fits a model's
window.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

MINIMUM_BUDGET = 400
"""A digest may always take this many tokens, however short the conversation is."""

MAXIMUM_BUDGET = 8_000
"""A digest takes no more tokens than this unless the caller says so."""

BUDGET_SHARE = 0.375
"""Of the tokens read, how many a digest may take between those two bounds."""

CLEARLY_SHORTER = 0.75
"""A digest that takes more than this share of its messages' tokens is not worth what it leaves out."""

TRANSCRIPT = "transcript"
"""The provider of a summary that is its messages, as they were said."""

TRANSCRIPT_TOKENS = int(MINIMUM_BUDGET / CLEARLY_SHORTER)
"""Of more tokens than this every digest is clearly shorter."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message as summaries and contexts read it.

    ``content`` is parsed JSON, ``stored`` the whole message as JSON text, where there is one.
    """

    id: str
    seq: int
    role: str
    content: Any
    created: str
    name: str | None = None
    stored: str = ""


@dataclass(frozen=True, slots=True)
class Digest:
    """What a provider made of some turns.

    ``summarized_count`` turns were read and ``skipped_count`` more had nothing to read.
    ``total_tokens`` is the size of all that it stands for, as a transcript, the messages of an earlier
    summary included; ``content_tokens``, that of ``content``, is never more. When ``status`` is
    ``failed``, ``content`` is empty and ``error`` says why, without any secret.
    """

    content: str
    provider: str
    model: str | None
    summarized_count: int
    skipped_count: int
    total_tokens: int
    content_tokens: int
    status: str = "completed"
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Earlier:
    """The summary that another one builds on, and how many tokens its messages have as a transcript.

    They are more than ``TRANSCRIPT_TOKENS``: of fewer, the summary is made from the messages again.
    """

    content: str
    total_tokens: int


class Provider(Protocol):
    """What makes summaries."""

    def summarize(
        self, turns: Iterable[Turn], *, previous: Earlier | None, template: str | None, budget: int | None
    ) -> Digest:
        """Summarise turns, given oldest first, reading them once.

        ``previous`` is the summary that this one builds on; ``budget`` the most tokens to write
        (None: 37.5 % of what was read, at least 400 and at most 8,000). What is not worth shortening
        stays as it is: a transcript. Raises InvalidInput for a template that does not exist; a failure
        to summarise is a failed Digest.
        """


def choose_budget(budget: int | None, total_tokens: int, previous_tokens: int) -> int:
    """Return how many tokens a digest may take, given what it accounts for."""
    if budget is not None:
        return budget
    share = int(BUDGET_SHARE * total_tokens) + previous_tokens
    return max(MINIMUM_BUDGET, min(MAXIMUM_BUDGET, share))
