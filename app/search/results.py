"""From a query to ranked results, for each kind of thing that is searched.

A dialogue is as good as its best message or its own label, tags and metadata, and a little better
when the words of the query are spread over more of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from heapq import nsmallest
from operator import itemgetter
from typing import Final, Protocol

from ..domain.records import Order
from .query import OrderBy, SearchObject, SearchQuery
from .ranking import (
    Candidate,
    Frequencies,
    Gathering,
    Ref,
    Scored,
    TermIndex,
    complete,
    count_frequencies,
    score_all,
)
from .scoring import Score, Scoring

EVIDENCE: Final = 3
"""How many messages a dialogue's hit shows at most."""

BEST_SHARE: Final = 0.75
"""How much of a dialogue's score is that of its best part; the rest is of all parts together."""

NO_SCORE: Final = Score(0.0, {}, 0.0)

Position = tuple[float | int | str, ...]
"""Where a result stands: results are in the order of their positions, no two of which are equal."""

_DIGITS: Final = str.maketrans("", "", "-T:.Z")


class Indexes(Protocol):
    """The indexes of a store, in one consistent view."""

    def index(self, kind: SearchObject, *, filtered: bool) -> TermIndex:
        """The index of a kind, within the reach of the search; its filters apply if ``filtered``."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """One result: an item, how relevant it is from 0 to 1, the messages that show why."""

    ref: Ref
    relevance: float
    position: Position
    evidence: tuple[Ranked, ...] = ()


@dataclass(frozen=True, slots=True)
class Ranking:
    """The results of a page, one more where there are more, and what they were weighed by."""

    results: Sequence[Ranked]
    frequencies: Frequencies


@dataclass(frozen=True, slots=True)
class _Hit:
    candidate: Candidate
    total: float
    messages: Sequence[Scored] = ()


def rank(query: SearchQuery, indexes: Indexes) -> Ranking:
    """Return the results of a search by words, in their order; none for a search without words."""
    kinds = [query.object]
    if query.object is SearchObject.DIALOGUE:
        kinds.append(SearchObject.MESSAGE)
    opened = [indexes.index(kind, filtered=kind is query.object) for kind in kinds]
    keywords = query.keywords
    for index in opened:
        keywords = complete(index, keywords)
    frequencies = query.frequencies or count_frequencies(opened, keywords)
    query = replace(query, keywords=keywords)
    scoring = Scoring(keywords, frequencies.words, frequencies.items)
    scored = [list(score_all(index, _gather(index, query, frequencies), scoring)) for index in opened]
    hits = _items(scored[0]) if len(scored) == 1 else _dialogues(opened[0], scored[0], scored[1], scoring)
    return Ranking(_ordered(query, hits, scoring), frequencies)


def _gather(index: TermIndex, query: SearchQuery, frequencies: Frequencies) -> Sequence[Ref]:
    gathering = Gathering(index, query.keywords, frequencies)
    if query.order_by is OrderBy.RELEVANCE:
        return gathering.best()
    return gathering.newest(oldest=query.order is Order.ASC)


def _items(scored: Iterable[Scored]) -> list[_Hit]:
    return [_Hit(one.candidate, one.score.total) for one in scored]


def _dialogues(
    index: TermIndex, own: Iterable[Scored], said: Iterable[Scored], scoring: Scoring
) -> list[_Hit]:
    """Return the dialogues that their own words or those of their messages make hits."""
    scores = {one.candidate.ref: one.score for one in own}
    messages: dict[Ref, list[Scored]] = defaultdict(list)
    for one in said:
        if one.candidate.parent is not None:
            messages[one.candidate.parent].append(one)
    found = index.read(list(dict.fromkeys([*scores, *messages])))
    return [
        _dialogue(candidate, scores.get(candidate.ref, NO_SCORE), messages[candidate.ref])
        for candidate in found
        if not scoring.excludes(candidate.written)
    ]


def _dialogue(candidate: Candidate, own: Score, messages: list[Scored]) -> _Hit:
    scores = [own, *(one.score for one in messages)]
    parts: dict[int, float] = {}
    for score in scores:
        for number, part in score.parts.items():
            parts[number] = max(part, parts.get(number, 0.0))
    best = max(score.total for score in scores)
    # Summed in the order of the words, since floats added in another order differ in their last bits.
    together = sum(parts[number] for number in sorted(parts)) + max(score.nearness for score in scores)
    total = BEST_SHARE * best + (1 - BEST_SHARE) * together
    return _Hit(candidate, total, messages)


def _ordered(query: SearchQuery, hits: Iterable[_Hit], scoring: Scoring) -> list[Ranked]:
    """Return the hits of a page in the order asked for, and the one behind them."""
    placed = ((_position(query, hit.candidate, hit.total), hit) for hit in hits)
    behind = (one for one in placed if query.after is None or one[0] > query.after)
    return [
        Ranked(hit.candidate.ref, scoring.relevance(hit.total), position, _evidence(hit.messages, scoring))
        for position, hit in nsmallest(query.limit + 1, behind, key=itemgetter(0))
    ]


def _position(query: SearchQuery, candidate: Candidate, score: float) -> Position:
    """Return what a result is ordered by; between equals the newest comes first, then ids decide."""
    sign = -1 if query.order is Order.DESC else 1
    if query.order_by is OrderBy.RELEVANCE:
        return (sign * score, -_number(candidate.created), *candidate.ids)
    moment = candidate.created if query.order_by is OrderBy.CREATED else candidate.modified
    return (sign * _number(moment), *candidate.ids)


def _number(moment: str) -> int:
    """Return a time as a number that grows with it."""
    return int(moment.translate(_DIGITS))


def _evidence(messages: Iterable[Scored], scoring: Scoring) -> tuple[Ranked, ...]:
    """Return the best messages of a dialogue."""
    placed = [
        Ranked(
            one.candidate.ref,
            scoring.relevance(one.score.total),
            (-one.score.total, -_number(one.candidate.created), *one.candidate.ids),
        )
        for one in messages
    ]
    return tuple(nsmallest(EVIDENCE, placed, key=lambda one: one.position))
