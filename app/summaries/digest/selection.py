"""Choosing what a digest quotes: passages that add the most new facts for their length."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

from .candidates import Candidate
from .pool import Pool

REPEATED = 0.05
"""What a fact that is already quoted still adds, of its worth."""

PROSE_SHARE, TOOL_SHARE = 0.9, 0.1
"""Of the budget, what quotes may take before the remaining facts are named without a quote: for a
dialogue that is all prose, and for one that is all tool answers, whose facts need no sentence.
Brief digests of prose are all quotes: there is no room for both."""

NAMED_WEIGHT = 1.0
"""Names and words are too many and too vague to list without their sentence."""

RECENT_BONUS = 2.0
RECENT_TURNS = 2
SMALLEST_GAIN = 0.005

ABOUT_SHARE = 0.12
"""Of the budget, what the sentence that says what it is about may take at most."""

SHORT_ID = 8
"""A message's id of no more characters stands before every quote of it."""

ID_SHARE = 0.06
"""Of the budget, what is held back for longer ids; what quotes leave over goes to them too."""

LABEL, BRIEF_LABEL = 3, 1
"""Tokens that a speaker takes besides the name."""

OVERHEAD = 5
"""Tokens that a quote takes besides its words: so many short ones are not better than one long one."""


def select(pool: Pool, budget: int, count: Callable[[str], int], *, brief: bool = False) -> Selection:
    """Return what to quote, in order, costing at most ``budget`` tokens with the labels.

    Some of it goes to message ids, unless it is to be ``brief``: then a label costs less, too.
    """
    tools = pool.counts.tool_tokens / max(1, pool.counts.spoken_tokens)
    prose = 1.0 if brief else PROSE_SHARE
    choice = _Choice(pool, count, brief=brief)
    ids = int(budget * ID_SHARE) if choice.has_long_ids() else 0
    share = int((budget - ids) * (prose - (prose - TOOL_SHARE) * tools))
    choice.allow(share)
    for index, candidate in enumerate(pool.candidates):
        if candidate.about and candidate.tokens <= ABOUT_SHARE * budget:
            choice.take(index)
    choice.fill()
    choice.allow(budget - ids - share)
    choice.name_more()
    choice.fill()
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

    def __init__(self, pool: Pool, count: Callable[[str], int], *, brief: bool) -> None:
        self._pool = pool
        self._left = 0
        self.named: dict[tuple[int, str], tuple[str, list[str]]] = {}
        self.referred: set[int] = set()
        self._count = count
        self._label = BRIEF_LABEL if brief else LABEL
        self._covered: set[str] = set()
        self._counted: dict[str, int] = {}
        self._shown = {} if brief else self._shown_ids()
        self._short = {place for place, shown in self._shown.items() if len(shown) <= SHORT_ID}
        self._heads = list(map(self._head, pool.candidates))
        self._used: set[tuple[int, str]] = set()
        self._done: set[int] = set()
        self._worth: dict[str, float] = {}
        self._last = max((candidate.place for candidate in pool.candidates), default=0)

    def has_long_ids(self) -> bool:
        """Whether some messages have ids too long to stand before every quote."""
        return len(self._short) < len(self._shown)

    def taken(self) -> list[Candidate]:
        """What was taken, in the order it was said."""
        return [self._pool.candidates[index] for index in sorted(self._done)]

    def take(self, index: int) -> bool:
        """Take a candidate if it fits; says whether it did."""
        candidate = self._pool.candidates[index]
        cost = self._cost(index)
        if cost > self._left:
            return False
        self._done.add(index)
        self._left -= cost
        self._used.update(self._heads[index])
        self._covered.update(fact.key for fact in candidate.facts)
        return True

    def fill(self) -> None:
        """Take what adds most for its cost until nothing adds anything or fits."""
        waiting = [
            (-self._gain(index), index) for index in range(len(self._heads)) if index not in self._done
        ]
        heapify(waiting)
        while waiting:
            promised, index = heappop(waiting)
            if index in self._done:
                continue
            gain = self._gain(index)
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
            cost = self._count(fact.shown) + 1 + (label not in self._used) * self._line_cost(*label)
            if cost <= self._left:
                self._left -= cost
                self._used.add(label)
                self._covered.add(fact.key)
                self.named.setdefault(label, (candidate.reference, []))[1].append(fact.shown)

    def refer(self) -> None:
        """Show the ids that are short, and of the others those of the lines that say most, if they fit."""
        worth: dict[int, float] = {}
        sections: dict[int, set[str]] = {}
        for candidate in self.taken():
            if candidate.place in self._shown:
                own = candidate.bonus + self._pool.worth(candidate.facts)
                worth[candidate.place] = worth.get(candidate.place, 0.0) + own
                sections.setdefault(candidate.place, set()).add(_section(candidate))
        self.referred.update(self._short)
        for place in sorted(worth.keys() - self.referred, key=lambda place: (-worth[place], place)):
            cost = self._id_cost(place) * len(sections[place])
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
                    heappush(waiting, (-self._gain(near), near))
                near += step

    def _gain(self, index: int) -> float:
        candidate = self._pool.candidates[index]
        value = candidate.bonus
        if candidate.place > self._last - RECENT_TURNS:
            value += min(RECENT_BONUS, candidate.bonus)
        for fact in candidate.facts:
            worth = self._worth.get(fact.key)
            if worth is None:
                worth = self._worth[fact.key] = self._pool.worth([fact])
            value += worth * REPEATED if fact.key in self._covered else worth
        return value / (self._cost(index) + OVERHEAD)

    def _cost(self, index: int) -> int:
        heads = self._heads[index]
        unpaid = sum(cost for head, cost in heads.items() if head not in self._used)
        return self._pool.candidates[index].tokens + unpaid

    def _head(self, candidate: Candidate) -> dict[tuple[int, str], int]:
        """What stands before a quote, and its tokens: those of its message share it."""
        heads = {}
        if candidate.label or candidate.reference:
            line = (candidate.place, _section(candidate) + candidate.label)
            heads[line] = self._line_cost(candidate.place, candidate.label)
        if candidate.table:
            heads[candidate.place, candidate.table] = self._count_once(candidate.table) + LABEL
        return heads

    def _line_cost(self, place: int, label: str) -> int:
        """The tokens of a speaker, and of the message's id if it is shown in any case."""
        return self._count_once(label) + self._label + (self._id_cost(place) if place in self._short else 0)

    def _id_cost(self, place: int) -> int:
        return self._count_once(f"[{self._shown[place]}]") + 1

    def _shown_ids(self) -> dict[int, str]:
        """Return the messages' ids as they are shown, by place."""
        prefix = self._pool.prefix
        return {
            candidate.place: candidate.reference.removeprefix(prefix)
            for candidate in self._pool.candidates
            if candidate.reference
        }

    def _count_once(self, text: str) -> int:
        if text not in self._counted:
            self._counted[text] = self._count(text)
        return self._counted[text]


def _section(candidate: Candidate) -> str:
    """Return a mark of the section that a candidate is shown in: each section labels its own lines."""
    return "*" if candidate.about else "?" if candidate.open else ""
