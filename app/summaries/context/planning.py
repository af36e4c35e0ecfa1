"""What of a dialogue to send to a model: as much as fits a budget, and valid for its API."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile
from typing import Any

from ...domain.errors import Detail, InvalidParameter
from .. import Turn
from ..content import Image, Text, ToolCall, ToolResult, Unknown, as_json, read_parts
from ..tokens import ESTIMATE, TokenCounter
from .formats import (
    IMAGE_TOKENS,
    MESSAGE_TOKENS,
    OPENING,
    Wire,
    describe_summary,
    join_anthropic,
    join_openai,
    measure,
    to_anthropic,
    to_openai,
)
from .pairing import CallIds, group_turns, pair_calls
from .responses import keep_followed_reasoning, to_responses
from .units import RELATED_SHARE, Unit, newest_that_fit, related_that_fit

DEFAULT_TOKENS, MINIMUM_TOKENS, MAXIMUM_TOKENS = 4_000, 256, 2_000_000

LEADING_READ = 20
"""How many of a dialogue's first messages may be leading system and developer messages."""

USER_REACH = 2_000
"""The last user message is looked for among so many of the newest messages."""

CONTEXT_BYTES = 16 * 1024 * 1024
"""Reading ends behind so much stored JSON: images count as few tokens and take many bytes."""

REPLY_TOKENS = 3
"""What every API adds once to prime the answer."""

SUMMARY_SHARE = 0.6
"""Of what the leading and the last user message leave, a summary may take this much; a longer one is cut."""

SUMMARY_MINIMUM = 48
CUT = "[The rest of the summary was cut to fit.]"


class Format(StrEnum):
    """Whose message array it is."""

    MESSAGES = "messages"
    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    RESPONSES = "responses"


RENDERERS = {Format.OPENAI: to_openai, Format.ANTHROPIC: to_anthropic, Format.RESPONSES: to_responses}


@dataclass(frozen=True, slots=True)
class Context:
    """What to send. ``system`` is set for Anthropic alone; ``summary`` is the text that was used.

    ``token_count`` never exceeds the budget. ``omitted_messages`` counts every stored message
    that is not in it, ``omitted_leading`` those of them that are system or developer messages at
    the start and too long for the budget.
    """

    messages: list[Any]
    system: str | None
    summary: str | None
    summary_cut: bool
    token_count: int
    estimated: bool
    omitted_messages: int
    omitted_leading: int
    related_messages: int


def take_leading(oldest_first: Sequence[Turn]) -> list[Turn]:
    """Return the system and developer messages that a dialogue starts with."""
    return list(takewhile(lambda turn: turn.role in {"system", "developer"}, oldest_first))


def plain_message(turn: Turn) -> Wire:
    """Return a turn as a message of our own API, for want of the stored one."""
    named = {"name": turn.name} if turn.name else {}
    return {"id": turn.id, "role": turn.role, "content": turn.content, **named, "created": turn.created}


def plan_context(  # noqa: PLR0913  each is a decision of the caller's, and all but four have defaults
    leading: Sequence[Turn],
    newest_first: Iterator[Turn],
    summary: str | None,
    max_tokens: int,
    target: Format = Format.MESSAGES,
    *,
    total: int,
    counter: TokenCounter = ESTIMATE,
    render: Callable[[Turn], Any] = plain_message,
    related: Sequence[Sequence[Turn]] = (),
) -> Context:
    """Choose what fits ``max_tokens`` and put it in the form that ``target`` wants.

    The last user message comes first, then the leading messages, the summary if older messages
    are left out, what ``related`` has of older turns, most related first, within RELATED_SHARE, and the
    newest units as long as they fit; a tool call and its results are one unit. ``newest_first`` (which
    may repeat the leading messages) is read no further than that.
    ``total`` is the number of messages in the dialogue; ``render`` gives the stored message.
    Raises InvalidParameter, naming the smallest budget that works, when the last user message
    does not fit.
    """
    plan = _Plan(max_tokens, target, counter)
    known = {turn.seq for turn in leading}
    plan.read(group_turns(turn for turn in newest_first if turn.seq not in known))
    plan.choose(leading, summary, [[turn for turn in one if turn.seq not in known] for one in related])
    return plan.finish(total, render)


class _Plan:
    def __init__(self, max_tokens: int, target: Format, counter: TokenCounter) -> None:
        self._budget = max_tokens
        self._target = target
        self._counter = counter
        self._units: list[Unit] = []
        self._needed: Unit | None = None
        self._complete = False
        self._leading: list[Turn] = []
        self._leading_tokens = self._omitted_leading = 0
        self._chosen: list[Unit] = []
        self._related: list[Unit] = []
        self._summary: str | None = None
        self._summary_cut = False
        opening = MESSAGE_TOKENS + counter.count(OPENING) if target is Format.ANTHROPIC else 0
        self._base = REPLY_TOKENS + opening

    def read(self, groups: Iterator[list[Turn]]) -> None:
        """Read units until the budget is exhausted and the last user message is found."""
        left, scanned, full = self._budget, 0, False
        size = 0
        for turns in groups:
            unit = self._weigh(turns)
            left -= unit.tokens
            size += sum(len(turn.stored) for turn in turns)
            full = full or left < 0 or (size > CONTEXT_BYTES and bool(self._units))
            scanned += len(turns)
            if not full:
                self._units.append(unit)
            if unit.has_user and self._needed is None:
                self._needed = unit
            if full and (self._needed is not None or scanned > USER_REACH):
                return
        self._complete = not full

    def choose(self, leading: Sequence[Turn], summary: str | None, related: Sequence[Sequence[Turn]]) -> None:
        """Decide what goes in, the most needed first."""
        left = self._budget - self._base - self._reserve()
        for turn in leading:
            tokens = self._cost([turn])
            if tokens <= left:
                left -= tokens
                self._leading.append(turn)
                self._leading_tokens += tokens
        self._omitted_leading = len(leading) - len(self._leading)
        rest = sum(unit.tokens for unit in self._units if unit is not self._needed)
        if summary and not (self._complete and rest <= left):
            left -= self._fit_summary(summary, left)
        self._take(left, related)

    def finish(self, total: int, render: Callable[[Turn], Any]) -> Context:
        """Write the message array."""
        turns = [turn for unit in self._chosen for turn in unit.turns]
        messages, system = self._write(render)
        return Context(
            messages,
            system,
            self._summary,
            self._summary_cut,
            self._base + self._spent(),
            self._counter.estimated,
            max(0, total - len(turns) - len(self._leading)),
            self._omitted_leading,
            sum(len(unit.turns) for unit in self._related),
        )

    def _reserve(self) -> int:
        """What the last user message takes; refuses a budget that cannot hold it."""
        if self._needed is None:
            return 0
        smallest = self._base + self._needed.tokens
        if smallest > self._budget:
            reason = f"is too small for the last user message: it must be at least {smallest}"
            raise InvalidParameter(f"maxTokens {reason}.", Detail("maxTokens", reason))
        return self._needed.tokens

    def _fit_summary(self, summary: str, left: int) -> int:
        share = int(left * SUMMARY_SHARE)
        text = summary if self._summary_cost(summary) <= share else self._cut(summary, share)
        if text is None:
            return 0
        self._summary, self._summary_cut = text, text is not summary
        return self._summary_cost(text)

    def _cut(self, summary: str, share: int) -> str | None:
        """Return the first lines that fit, or None when too little would be left to be of use."""
        allowed = share - self._summary_cost(CUT)
        kept: list[str] = []
        for line in summary.split("\n"):
            allowed -= self._counter.count(line + "\n") + 1
            if allowed < 0:
                break
            kept.append(line)
        text = "\n".join([*kept, CUT])
        useful = any(line.strip() for line in kept) and share >= SUMMARY_MINIMUM
        return text if useful and self._summary_cost(text) <= share else None

    def _summary_cost(self, summary: str) -> int:
        return MESSAGE_TOKENS + self._counter.count(describe_summary(summary))

    def _take(self, left: int, related: Sequence[Sequence[Turn]]) -> None:
        """Take what the question brings back, then the newest units with what that leaves."""
        share = int(left * RELATED_SHARE) if related else 0
        newest = {unit.place for unit in newest_that_fit(self._units, self._needed, left - share)}
        exchanges = [[self._weigh(turns) for turns in group_turns(reversed(one))] for one in related]
        self._related = related_that_fit(exchanges, lambda unit: unit.place in newest, share)
        left -= sum(unit.tokens for unit in self._related)
        known = {unit.place for unit in self._related}
        units = [unit for unit in self._units if unit is self._needed or unit.place not in known]
        taken = newest_that_fit(units, self._needed, left)
        self._chosen = sorted([*self._related, *taken], key=lambda unit: unit.place)

    def _weigh(self, turns: list[Turn]) -> Unit:
        return Unit(turns, self._cost(turns), any(map(_is_from_user, turns)))

    def _cost(self, turns: list[Turn]) -> int:
        count = self._counter.count
        if self._target is Format.MESSAGES:
            return sum(_cost_of_turn(turn, count) for turn in turns)
        return sum(measure(message, count) for message in self._render(turns, CallIds()))

    def _spent(self) -> int:
        spent = self._leading_tokens + sum(unit.tokens for unit in self._chosen)
        return spent + (0 if self._summary is None else self._summary_cost(self._summary))

    def _render(self, turns: list[Turn], ids: CallIds) -> list[Wire]:
        render = RENDERERS[self._target]
        return [message for step in pair_calls(turns, ids) for message in render(step)]

    def _write(self, render: Callable[[Turn], Any]) -> tuple[list[Any], str | None]:
        turns = [turn for unit in self._chosen for turn in unit.turns]
        if self._target is Format.MESSAGES:
            return [render(turn) for turn in [*self._leading, *turns]], None
        ids = CallIds()
        leading = self._render(self._leading, ids)
        rest = [message for unit in self._chosen for message in self._render(unit.turns, ids)]
        if self._target is Format.OPENAI:
            return join_openai(leading, self._summary, rest), None
        if self._target is Format.RESPONSES:
            return keep_followed_reasoning(join_openai(leading, self._summary, rest)), None
        system, messages = join_anthropic(leading, self._summary, rest)
        return messages, system or None


def _is_from_user(turn: Turn) -> bool:
    """Whether a person speaks; a user's message of tool results alone (Anthropic's form) is none."""
    parts = read_parts(turn) if turn.role == "user" else [ToolResult("", "", "")]
    return not parts or any(not isinstance(part, ToolResult) for part in parts)


def _cost_of_turn(turn: Turn, count: Callable[[str], int]) -> int:
    tokens = MESSAGE_TOKENS + count(turn.name or "")
    for part in read_parts(turn):
        if isinstance(part, Text | ToolResult):
            tokens += count(part.text)
        elif isinstance(part, ToolCall):
            tokens += count(part.name) + count(part.arguments)
        elif isinstance(part, Image):
            tokens += IMAGE_TOKENS
        elif isinstance(part, Unknown):
            tokens += count(as_json(part.raw))
    return tokens
