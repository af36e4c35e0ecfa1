"""How often facts were mentioned and by whom: what makes one worth keeping."""

from __future__ import annotations

from collections.abc import Iterable
from math import log2

from .facts import Fact

FACTS_KEPT = 20_000
"""Of more facts only the half mentioned most often and last is remembered."""

UNSEEN = (1, 1.0, -1)


class Mentions:
    """Counts, by fact, the messages that mention it, and knows the weightiest source among them."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, float, int]] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def note(self, facts: Iterable[Fact], source: float, place: int) -> None:
        """Count the facts of one passage; ``source`` is what a fact matters by who brought it up."""
        seen = self._seen
        for fact in facts:
            count, best, last = seen.get(fact.key, (0, source, -1))
            seen[fact.key] = (count + (last != place), max(best, source), place)

    def worth(self, facts: Iterable[Fact]) -> float:
        """How much it matters to keep facts, by kind, by who mentioned them and how often."""
        seen = self._seen
        total = 0.0
        for fact in facts:
            count, source, _ = seen.get(fact.key, UNSEEN)
            total += fact.weight * source * (1 + log2(count))
        return total

    def forget(self) -> None:
        """Forget the facts mentioned least, once there are too many."""
        if len(self._seen) > FACTS_KEPT:
            often = sorted(self._seen.items(), key=lambda entry: (entry[1][0], entry[1][2]))
            self._seen = dict(often[-FACTS_KEPT // 2 :])
