"""Choosing what a digest quotes: passages that add the most new facts for their length."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from app.summaries.candidates import Candidate
from app.summaries.pool import Pool

REPEATED = 0.05
"""What a fact that is already quoted still adds, of its worth."""

PROSE_SHARE, TOOL_SHARE = 0.9, 0.1
"""Of the budget, what quotes may take before the remaining facts are named without a quote: for a
dialogue that is all prose, and for one that is all tool answers, whose facts need no sentence."""

NAMED_WEIGHT = 1.0
"""Names and words are too many and too vague to list without their sentence."""

RECENT_BONUS = 2.0
RECENT_TURNS = 2
SMALLEST_GAIN = 0.005

ABOUT_SHARE = 0.12
"""Of the budget, what the sentence that says what it is about may take at most."""

ID_SHARE = 0.06
"""Of the budget, what is held back for message ids; what quotes leave over goes to ids too."""

OVERHEAD = 5
"""Tokens that a quote takes besides its words: so many short ones are not better than one long one."""


def select(pool: Pool, budget: int, count: Callable[[str], int], *, refer: bool) -> Selection:
    """Return what to quote, in order, costing at most ``budget`` tokens with the labels.

    ``refer`` spends some of it on message ids.
    """
    tools = pool.tally.tool_tokens / max(1, pool.tally.tokens - pool.tally.system_tokens)
    ids = int(budget * ID_SHARE) if refer else 0
    share = int((budget - ids) * (PROSE_SHARE - (PROSE_SHARE - TOOL_SHARE) * tools))
    choice = _Choice(pool, share, count)
    for index, candidate in enumerate(pool.candidates):
        if candidate.about and candidate.tokens <= ABOUT_SHARE * budget:
            choice.take(index)
    choice.fill()
    choice.allow(budget - ids - share)
    choice.name_more()
    choice.fill()
    if refer:
        choice.allow(ids)
        choice.refer()
        choice.fill()
    return Selection(choice.taken(), choice.named, choice.referred)


@dataclass(frozen=True, slots=True)
class Selection:
    """The candidates to quote, in order.

    ``named`` has the facts to name besides: by place and speaker, the message's id and the facts.
    ``referred`` are the places whose message id is shown.
    """

    quoted: list[Candidate]
    named: dict[tuple[int, str], tuple[str, list[str]]]
    referred: set[int]


class _Choice:
    """A greedy cover; gains only fall, so a stale one is recomputed when it comes up (lazy greedy)."""

    def __init__(self, pool: Pool, budget: int, count: Callable[[str], int]) -> None:
        self._pool = pool
        self._left = budget
        self.named: dict[tuple[int, str], tuple[str, list[str]]] = {}
        self.referred: set[int] = set()
        self._count = count
        self._covered: set[str] = set()
        self._labels: dict[tuple[int, str], int] = {}
        self._used: set[tuple[int, str]] = set()
        self._done: set[int] = set()
        self._worth: dict[str, float] = {}
        self._last = max((candidate.place for candidate in pool.candidates), default=0)

    def taken(self) -> list[Candidate]:
        """What was taken, in the order it was said."""
        return [self._pool.candidates[index] for index in sorted(self._done)]

    def take(self, index: int) -> bool:
        """Take a candidate if it fits; says whether it did."""
        candidate = self._pool.candidates[index]
        cost = self._cost(candidate)
        if cost > self._left:
            return False
        self._done.add(index)
        self._left -= cost
        self._used.update(_labels(candidate))
        self._covered.update(fact.key for fact in candidate.facts)
        return True

    def fill(self) -> None:
        """Take what adds most for its cost until nothing adds anything or fits."""
        waiting = [
            (-self._gain(candidate), index)
            for index, candidate in enumerate(self._pool.candidates)
            if index not in self._done
        ]
        heapify(waiting)
        while waiting:
            promised, index = heappop(waiting)
            if index in self._done:
                continue
            gain = self._gain(self._pool.candidates[index])
            if gain < SMALLEST_GAIN:
                continue
            if gain < -promised and waiting and gain < -waiting[0][0]:
                heappush(waiting, (-gain, index))
            elif self.take(index):
                self._refresh(waiting, index)

    def allow(self, tokens: int) -> None:
        """Add to what may be spent."""
        self._left += tokens

    def name_more(self) -> None:
        """Name facts whose passage was not worth quoting whole, those that matter most first."""
        found = {
            fact.key: (self._pool.worth([fact]), fact, candidate)
            for candidate in self._pool.candidates
            for fact in candidate.facts
            if candidate.label and fact.key not in self._covered and fact.weight >= NAMED_WEIGHT
        }
        for _, fact, candidate in sorted(found.values(), key=lambda entry: -entry[0]):
            label = (candidate.place, candidate.label)
            cost = self._count(fact.shown) + 1 + self._label_cost(label)
            if cost <= self._left:
                self._left -= cost
                self._used.add(label)
                self._covered.add(fact.key)
                self.named.setdefault(label, (candidate.reference, []))[1].append(fact.shown)

    def refer(self) -> None:
        """Show the ids of the messages whose lines say most, as far as the tokens go."""
        worth: dict[tuple[int, str], float] = {}
        sections: dict[int, set[str]] = {}
        for candidate in self.taken():
            if candidate.reference:
                key = (candidate.place, candidate.reference)
                own = candidate.bonus + self._pool.worth(candidate.facts)
                worth[key] = worth.get(key, 0.0) + own
                sections.setdefault(candidate.place, set()).add(_section(candidate))
        for place, reference in sorted(worth, key=lambda key: (-worth[key], key)):
            shown = self._count(f"[{reference.removeprefix(self._pool.prefix)}]") + 1
            cost = shown * len(sections[place])
            if cost <= self._left:
                self._left -= cost
                self.referred.add(place)

    def _refresh(self, waiting: list[tuple[float, int]], index: int) -> None:
        """Queue the rest of the same message again: its label is paid for now, so it gained."""
        place = self._pool.candidates[index].place
        for step in (-1, 1):
            near = index + step
            while 0 <= near < len(self._pool.candidates) and self._pool.candidates[near].place == place:
                if near not in self._done:
                    heappush(waiting, (-self._gain(self._pool.candidates[near]), near))
                near += step

    def _gain(self, candidate: Candidate) -> float:
        value = candidate.bonus
        if candidate.place > self._last - RECENT_TURNS:
            value += min(RECENT_BONUS, candidate.bonus)
        for fact in candidate.facts:
            worth = self._worth.get(fact.key)
            if worth is None:
                worth = self._worth[fact.key] = self._pool.worth([fact])
            value += worth * REPEATED if fact.key in self._covered else worth
        return value / (self._cost(candidate) + OVERHEAD)

    def _cost(self, candidate: Candidate) -> int:
        return candidate.tokens + sum(self._label_cost(label) for label in _labels(candidate))

    def _label_cost(self, label: tuple[int, str]) -> int:
        if label in self._used:
            return 0
        if label not in self._labels:
            self._labels[label] = self._count(label[1]) + 3
        return self._labels[label]


def _labels(candidate: Candidate) -> Iterator[tuple[int, str]]:
    if candidate.label:
        yield candidate.place, _section(candidate) + candidate.label
    if candidate.table:
        yield candidate.place, candidate.table


def _section(candidate: Candidate) -> str:
    """Return a mark of the section that a candidate is shown in: each section labels its own lines."""
    return "*" if candidate.about else "?" if candidate.open else ""
