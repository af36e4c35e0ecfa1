"""Keeping tool calls and their results together.

``group_turns`` cuts a dialogue, read backwards, into units that must not be parted.
``pair_calls`` puts the results of a unit behind their calls, gives an interrupted call a result
that says so, and turns a result without a call into plain words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from .. import Turn
from ..content import Part, Text, ToolCall, ToolResult, Unknown, read_parts

PAIR_REACH = 100
"""A result whose call is not among this many messages before it counts as one without a call."""

PAIR_BYTES = 32 * 1024 * 1024
"""Nor if its call is not within so much stored JSON."""

INTERRUPTED = "(no result was recorded for this call)"
BAD_IN_NAME = re.compile(r"[^A-Za-z0-9_-]")
NAME_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Said:
    """What someone said; no tool calls or results in it."""

    role: str
    parts: list[Part]
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Worked:
    """An assistant's tool calls, each with its result, after what it said with them."""

    parts: list[Part]
    calls: list[ToolCall]
    results: dict[str, ToolResult] = field(default_factory=dict)


Step = Said | Worked


class CallIds:
    """Gives each call of a context an id that is well formed and occurs once."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def assign(self, wanted: str) -> str:
        """Return the wanted id, changed as little as possible."""
        clean = BAD_IN_NAME.sub("_", wanted)[:NAME_LENGTH] or "call"
        chosen, number = clean, 1
        while chosen in self._seen:
            number += 1
            chosen = f"{clean[: NAME_LENGTH - 8]}_{number}"
        self._seen.add(chosen)
        return chosen


def group_turns(newest_first: Iterable[Turn]) -> Iterator[list[Turn]]:
    """Yield units, newest first, each in the order of the dialogue; reads no further than needed."""
    stream: Iterator[Turn] = iter(newest_first)
    orphans: set[str] = set()
    held: list[Turn] = []
    awaited: set[str] = set()
    unnamed = False
    size = 0
    while True:
        turn = next(stream, None)
        if turn is not None:
            held.append(turn)
            size += len(turn.stored)
            unnamed = _await_calls(turn, awaited, orphans)
            if not awaited and not unnamed:
                yield held[::-1]
                held, size = [], 0
        if (turn is None or len(held) > PAIR_REACH or size > PAIR_BYTES) and held:
            if not awaited:
                yield held[::-1]
            else:
                stream = chain(held, stream)
                orphans |= awaited
            held, awaited, size = [], set(), 0
        elif turn is None:
            return


def _await_calls(turn: Turn, awaited: set[str], orphans: set[str]) -> bool:
    """Note the results whose calls are still to come; says whether a result names no call."""
    parts = read_parts(turn)
    results = [part for part in parts if isinstance(part, ToolResult)]
    awaited.update(result.id for result in results if result.id and result.id not in orphans)
    awaited.difference_update(part.id for part in parts if isinstance(part, ToolCall))
    return any(not result.id for result in results)


def pair_calls(turns: Iterable[Turn], ids: CallIds) -> list[Step]:
    """Return the steps of one unit, with calls and results paired and well named."""
    steps: list[Step] = []
    waiting: dict[str, tuple[Worked, ToolCall]] = {}
    for turn in turns:
        parts = read_parts(turn)
        if turn.role in {"system", "developer"}:
            words = [_identify(_as_words(part, turn), turn) for part in parts]
            steps.append(Said(turn.role, words, turn.name))
            continue
        lost = [part for part in parts if isinstance(part, ToolResult) and not _answer(part, waiting)]
        steps.extend(Said("user", [_as_words(result, turn)]) for result in lost)
        steps.extend(_say(turn, parts, waiting, ids))
    for step in steps:
        if isinstance(step, Worked):
            for call in step.calls:
                step.results.setdefault(call.id, ToolResult(call.id, call.name, INTERRUPTED, failed=True))
    return steps


def _say(
    turn: Turn, parts: list[Part], waiting: dict[str, tuple[Worked, ToolCall]], ids: CallIds
) -> Iterator[Step]:
    """What a turn says beside results: an assistant's calls are work, anybody else's are words."""
    calls = [part for part in parts if isinstance(part, ToolCall)]
    rest = [_identify(part, turn) for part in parts if not isinstance(part, ToolCall | ToolResult)]
    if calls and turn.role == "assistant":
        yield _start(rest, calls, waiting, ids)
    elif rest or calls or not parts:
        role = turn.role if turn.role in {"user", "assistant"} else "user"
        yield Said(role, [*rest, *(_as_words(call, turn) for call in calls)], turn.name)


def _identify(part: Part, turn: Turn) -> Part:
    """Give reasoning that came as an item the id that its API wants: its message has it."""
    if isinstance(part, Unknown) and isinstance(part.raw, dict) and part.raw.get("type") == "reasoning":
        return replace(part, raw={"id": turn.id} | part.raw)
    return part


def _start(
    rest: Sequence[Part], calls: list[ToolCall], waiting: dict[str, tuple[Worked, ToolCall]], ids: CallIds
) -> Worked:
    worked = Worked(list(rest), [])
    for position, call in enumerate(calls):
        name = BAD_IN_NAME.sub("_", call.name)[:NAME_LENGTH]
        named = replace(call, id=ids.assign(call.id), name=name)
        worked.calls.append(named)
        waiting[call.id or f"unnamed {position} {named.id}"] = (worked, named)
    return worked


def _answer(result: ToolResult, waiting: dict[str, tuple[Worked, ToolCall]]) -> bool:
    """Give a result to its call: the one it names, or for want of an id the first that fits."""
    key = result.id
    if not key:
        fitting = (key for key, (_, call) in waiting.items() if result.name in {"", call.name})
        key = next(fitting, "")
    if key not in waiting:
        return False
    worked, call = waiting.pop(key)
    worked.results[call.id] = replace(result, id=call.id, name=call.name)
    return True


def _as_words(part: Part, turn: Turn) -> Part:
    """Return a call or a result that cannot be sent as one in plain words."""
    if isinstance(part, ToolResult):
        name = part.name or turn.name or "call"
        return Text(f"[Result of tool {name}, its call is not shown]\n{part.text}")
    if isinstance(part, ToolCall):
        return Text(f"[calls {part.name} with {part.arguments}]")
    return part
