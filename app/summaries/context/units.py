"""What a context is put together of: turns that stay together, with what they cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from .. import Turn

RELATED_SHARE: Final = 0.3
"""How much of what the most needed messages leave, those that a question brings back may take."""


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """Turns that are of no use without each other: one, or a tool call with its results."""

    turns: list[Turn]
    tokens: int
    has_user: bool

    @property
    def place(self) -> tuple[str, int]:
        """Where it stands in the dialogue."""
        return self.turns[0].created, self.turns[0].seq


def newest_that_fit(units: Iterable[Unit], needed: Unit | None, left: int) -> list[Unit]:
    """Return the newest units that fit, and the needed one, whose tokens are not counted, wherever it is."""
    taken: list[Unit] = []
    for unit in units:
        if unit is not needed:
            left -= unit.tokens
            if left < 0:
                break
        taken.append(unit)
    if needed is not None and needed not in taken:
        taken.append(needed)
    return taken


def related_that_fit(
    exchanges: Iterable[Sequence[Unit]], taken: Callable[[Unit], bool], left: int
) -> list[Unit]:
    """Return the units of the exchanges that fit, each exchange whole, the most related first."""
    chosen: dict[tuple[str, int], Unit] = {}
    for exchange in exchanges:
        new = [unit for unit in exchange if unit.place not in chosen and not taken(unit)]
        tokens = sum(unit.tokens for unit in new)
        if tokens <= left:
            left -= tokens
            chosen |= {unit.place: unit for unit in new}
    return list(chosen.values())
