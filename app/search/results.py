"""From a query to ranked results, for each kind of thing that is searched.

A dialogue is as good as its best message or its own label, tags and metadata, and a little better
when the words of the query are spread over more of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import nsmallest
from itertools import chain
from math import inf
from operator import itemgetter
from typing import Final, NamedTuple, Protocol

from ..domain.records import Order
from .counting import Counted, count_frequencies
from .fusion import Finding, Range, fuse, least_coverage, range_of
from .query import Mode, OrderBy, SearchObject, SearchQuery
from .ranking import (
    MOST_CANDIDATES,
    Candidate,
    Frequencies,
    Gathering,
    Ref,
    Scored,
    TermIndex,
    complete,
    score_all,
)
from .scoring import NO_SCORE, Score, Scoring

EVIDENCE: Final = 3
"""How many messages a dialogue's hit shows at most."""

BEST_SHARE: Final = 0.75
"""How much of a dialogue's score is that of its best part; the rest is of all parts together."""

UNCOUNTED: Final = Frequencies(0, ())
"""Of a search that no words were counted for."""

Position = tuple[float | int | str, ...]
"""Where a result stands: results are in the order of their positions, no two of which are equal."""

_DIGITS: Final = str.maketrans("", "", "-T:.Z")


class Vectors(Protocol):
    """How near all that a search covers is to it by meaning."""

    def nearest(self, kind: SearchObject, limit: int, *, filtered: bool) -> Mapping[Ref, float]:
        """Return those of a kind, within the reach of the search, that are nearest to it.

        About ``limit``, each with the cosine of its nearest piece; the filters apply if ``filtered``.
        """

    @property
    def newest(self) -> int:
        """The largest number of the vectors of what was returned; 0 for nothing."""


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


class _Hit(NamedTuple):
    candidate: Candidate
    total: float
    scores: Sequence[Score]
    """Those of itself and of its messages."""
    cosine: float | None
    messages: Sequence[_Hit] = ()


@dataclass(frozen=True, slots=True)
class _Valuation:
    """What a hit is worth, in the mode of a search."""

    mode: Mode
    scoring: Scoring
    nearness: Range

    def value(self, hit: _Hit) -> float:
        """Return what hits are ordered by."""
        if self.mode is Mode.KEYWORD:
            return hit.total
        if self.mode is Mode.MEANING:
            return hit.cosine or 0.0
        coverage = max(map(self.scoring.coverage, hit.scores))
        finding = Finding(self.scoring.relevance(hit.total), coverage, hit.cosine)
        return fuse(finding, self.nearness, least_coverage(self.scoring.telling))

    def relevance(self, value: float) -> float:
        """Return a value as a number from 0 to 1."""
        return self.scoring.relevance(value) if self.mode is Mode.KEYWORD else max(0.0, min(1.0, value))


def kinds_of(query: SearchQuery) -> list[SearchObject]:
    """Return the kinds of items that a search reads: a dialogue is found by its messages, too."""
    alone = query.object is not SearchObject.DIALOGUE
    return [query.object] if alone else [SearchObject.DIALOGUE, SearchObject.MESSAGE]


def rank(query: SearchQuery, indexes: Indexes, vectors: Vectors | None = None) -> Ranking:
    """Return the results of a search, in their order; none for a search by words without any.

    ``vectors`` are needed by the modes MEANING and HYBRID.
    """
    kinds = kinds_of(query)
    opened = [indexes.index(kind, filtered=kind is query.object) for kind in kinds]
    keywords = query.keywords
    for index in opened:
        keywords = complete(index, keywords)
    if query.frequencies is None:
        frequencies, known = count_frequencies(opened, keywords)
    else:
        frequencies, known = Counted(query.frequencies, [{} for _ in opened])
    query = replace(query, keywords=keywords)
    near = [_nearest(query, vectors, kind) for kind in kinds]
    if query.frequencies is None:
        frequencies = frequencies._replace(
            nearness=range_of(chain.from_iterable(one.values() for one in near)),
            newest=None if vectors is None else vectors.newest,
        )
    scoring = Scoring(keywords, frequencies.words, frequencies.items)
    scored = [
        list(
            score_all(
                index,
                _gather(index, query, frequencies, items),
                found,
                scoring,
                said=kind is SearchObject.MESSAGE,
            )
        )
        for kind, index, found, items in zip(kinds, opened, near, known, strict=True)
    ]
    hits = _hits(opened[0], scored, scoring)
    return Ranking(_ordered(query, hits, _Valuation(query.mode, scoring, frequencies.nearness)), frequencies)


def _nearest(query: SearchQuery, vectors: Vectors | None, kind: SearchObject) -> Mapping[Ref, float]:
    if vectors is None or query.mode is Mode.KEYWORD:
        return {}
    return vectors.nearest(kind, MOST_CANDIDATES, filtered=kind is query.object)


def _gather(
    index: TermIndex, query: SearchQuery, frequencies: Frequencies, known: Mapping[int, list[Ref]]
) -> Sequence[Ref]:
    if query.mode is Mode.MEANING:
        return ()
    gathering = Gathering(index, query.keywords, frequencies, known)
    if query.order_by is OrderBy.RELEVANCE:
        return gathering.best()
    return gathering.newest(oldest=query.order is Order.ASC)


def _hits(index: TermIndex, scored: Sequence[Sequence[Scored]], scoring: Scoring) -> list[_Hit]:
    """Return the hits of the first kind; messages behind dialogues count for those."""
    own, *said = scored
    if said:
        return _dialogues(index, own, said[0], scoring)
    return list(map(_hit, own))


def _hit(scored: Scored) -> _Hit:
    return _Hit(scored.candidate, scored.score.total, (scored.score,), scored.cosine)


def _dialogues(
    index: TermIndex, own: Iterable[Scored], said: Iterable[Scored], scoring: Scoring
) -> list[_Hit]:
    """Return the dialogues that they themselves or their messages make hits."""
    selves = {one.candidate.ref: one for one in own}
    messages: dict[Ref, list[Scored]] = defaultdict(list)
    for one in said:
        if one.candidate.parent is not None:
            messages[one.candidate.parent].append(one)
    others = index.read([ref for ref in messages if ref not in selves])
    return [
        _dialogue(candidate, selves.get(candidate.ref, Scored(candidate, NO_SCORE)), messages[candidate.ref])
        for candidate in chain((one.candidate for one in selves.values()), others)
        if not scoring.excludes(candidate.written)
    ]


def _dialogue(candidate: Candidate, own: Scored, messages: list[Scored]) -> _Hit:
    scores = [own.score, *(one.score for one in messages)]
    cosines = [one.cosine for one in (own, *messages) if one.cosine is not None]
    return _Hit(
        candidate,
        _total(scores),
        scores,
        max(cosines, default=None),
        list(map(_hit, messages)),
    )


def _total(scores: Sequence[Score]) -> float:
    """Return the score of a dialogue by those of its parts."""
    parts: dict[int, float] = {}
    for score in scores:
        for number, part in score.parts.items():
            parts[number] = max(part, parts.get(number, 0.0))
    best = max(score.total for score in scores)
    # Summed in the order of the words, since floats added in another order differ in their last bits.
    together = sum(parts[number] for number in sorted(parts)) + max(score.nearness for score in scores)
    return BEST_SHARE * best + (1 - BEST_SHARE) * together


def _ordered(query: SearchQuery, hits: Iterable[_Hit], valuation: _Valuation) -> list[Ranked]:
    """Return the hits of a page in the order asked for, and the one behind them."""
    placed = [(valuation.value(hit), hit) for hit in hits]
    if query.order_by is OrderBy.RELEVANCE:
        placed = _leading(query, placed)
    positioned = ((_position(query, hit.candidate, value), value, hit) for value, hit in placed)
    behind = (one for one in positioned if query.after is None or one[0] > query.after)
    return [
        Ranked(hit.candidate.ref, valuation.relevance(value), position, _evidence(hit.messages, valuation))
        for position, value, hit in sorted(behind, key=itemgetter(0))[: query.limit + 1]
    ]


def _leading(query: SearchQuery, placed: Sequence[tuple[float, _Hit]]) -> list[tuple[float, _Hit]]:
    """Return those hits that their values let be on a page: positions are made of no others."""
    sign = -1 if query.order is Order.DESC else 1
    first = -inf if query.after is None else float(query.after[0])
    values = sorted([sign * value for value, _ in placed if sign * value > first])
    last = values[query.limit] if len(values) > query.limit else inf
    return [one for one in placed if first <= sign * one[0] <= last]


def _position(query: SearchQuery, candidate: Candidate, value: float) -> Position:
    """Return what a result is ordered by; between equals the newest comes first, then ids decide."""
    sign = -1 if query.order is Order.DESC else 1
    if query.order_by is OrderBy.RELEVANCE:
        return (sign * value, -_number(candidate.created), *candidate.ids)
    moment = candidate.created if query.order_by is OrderBy.CREATED else candidate.modified
    return (sign * _number(moment), *candidate.ids)


def _number(moment: str) -> int:
    """Return a time as a number that grows with it."""
    return int(moment.translate(_DIGITS))


def _evidence(messages: Iterable[_Hit], valuation: _Valuation) -> tuple[Ranked, ...]:
    """Return the best messages of a dialogue."""
    valued = [(valuation.value(one), one.candidate) for one in messages]
    placed = [
        Ranked(
            one.ref,
            valuation.relevance(value),
            (-value, -_number(one.created), *one.ids),
        )
        for value, one in valued
    ]
    return tuple(nsmallest(EVIDENCE, placed, key=lambda one: one.position))
