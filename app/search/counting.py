"""How common the words of a search are: told by samples in the index, or counted one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from .keywords import Keywords
from .ranking import MOST_POSTINGS, Frequencies, Look, Ref, TermIndex
from .tokens import IMPACTS, LEVELS

SAMPLE: Final = 400
"""How many entries of a sample are counted before the next, smaller sample is asked."""

LEAST_SAMPLE: Final = 64
"""Fewer entries than this in the largest sample: the word is rare enough to be counted."""

MOST_COUNTED: Final = 4096
"""How many items are counted one by one, or entries of the smallest sample."""

LAST_SAMPLE: Final = len(LEVELS) - 1
ONE_BY_ONE: Final = len(LEVELS)
"""Not a sample: where rare words are counted."""


class Counted(NamedTuple):
    """The frequencies of a search, and what was found while counting in each index.

    That are all items with a rare word, the newest first, by the number of the word.
    """

    frequencies: Frequencies
    found: Sequence[Mapping[int, list[Ref]]]


def count_frequencies(indexes: Sequence[TermIndex], keywords: Keywords) -> Counted:
    """Return how many items there are and how many have each word, together in some indexes.

    Function words are not counted unless there are no others.
    """
    alone = all(word.is_function_word for word in keywords.words)
    numbers = [n for n, word in enumerate(keywords.words) if alone or not word.is_function_word]
    forms = [list(keywords.words[number].forms) for number in numbers]
    counted = [_count(index, [[""], *forms]) for index in indexes]
    items, *frequencies = map(sum, zip(*[counts for counts, _ in counted], strict=True))
    known = dict(zip(numbers, frequencies, strict=True))
    found = [{numbers[place - 1]: refs for place, refs in one.items()} for _, one in counted]
    words = (known.get(number, 0) for number in range(len(keywords.words)))
    return Counted(Frequencies(items, tuple(words)), found)


def _count(index: TermIndex, words: Sequence[Sequence[str]]) -> tuple[list[int], dict[int, list[Ref]]]:
    """Return for each word how many items have any of its forms, and all items with some of the rare words.

    It is counted in the largest sample that need not be cut, and rare words one by one: as their items are
    candidates, they are kept where no filters apply, and where there are no more than can be candidates.
    """
    counts, rare = _sample(index, words)
    looks = {number: _look(words[number], ONE_BY_ONE) for number in rare}
    named = [number for number in rare if any(words[number])]
    is_little = sum(map(rare.__getitem__, named)) <= MOST_POSTINGS
    walked = named if is_little and not index.is_filtered else []
    counted = [number for number in rare if number not in walked]
    if counted:
        for number, count in zip(counted, index.count([looks[one] for one in counted]), strict=True):
            counts[number] = count
    found = dict(zip(walked, index.walk([looks[one] for one in walked]), strict=True)) if walked else {}
    for number, refs in found.items():
        counts[number] = len(refs)
    return counts, found


def _sample(index: TermIndex, words: Sequence[Sequence[str]]) -> tuple[list[int], dict[int, int]]:
    """Return the counts of words by samples; apart, by their numbers, those of words too rare for that."""
    counts = [0] * len(words)
    rare: dict[int, int] = {}
    levels = dict.fromkeys(range(len(words)), 0)
    while levels:
        looks = [_look(words[number], level) for number, level in levels.items()]
        following: dict[int, int] = {}
        for (number, level), found in zip(levels.items(), index.count(looks), strict=True):
            if level == 0 and found < LEAST_SAMPLE:
                rare[number] = found * LEVELS[level][1]
            elif level < LAST_SAMPLE and found >= SAMPLE:
                following[number] = level + 1
            else:
                counts[number] = found * LEVELS[level][1]
        levels = following
    return counts, rare


def _look(forms: Sequence[str], level: int) -> Look:
    """Return the look at a sample of the items with any of the forms, or at all of them."""
    if level == ONE_BY_ONE:
        impacts = IMPACTS if any(forms) else (0,)
        return Look([f"t{form}!{impact}" for form in forms for impact in impacts], MOST_COUNTED)
    return Look([LEVELS[level][0] + form for form in forms], SAMPLE if level < LAST_SAMPLE else MOST_COUNTED)
