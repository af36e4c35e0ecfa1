"""The tokens that an item is indexed by, the same in every store.

    t<form>!<impact>   the item has the form; impact 3 to 0 says how much it weighs there
    p<form>_<form>     two words that stand side by side, function words left out
    a<form>            the same as t for one item in 16, b one in 128, c one in 1,024: counting these
                       few estimates how many items have a form
    t!0, a, b, c       the same for all items

Each token begins with a mark of what is searched: the project, and for items in a namespace that
too. So the tokens of a search lead to items of its own project and namespace only, the heaviest
ones first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import Final
from zlib import crc32

from ..domain.records import Scope, ScopeFilter
from .forms import Described, described

SATURATION: Final = 1.2
"""BM25's k1: how soon further occurrences of a word stop to count."""

LENGTH_SHARE: Final = 0.5
"""BM25's b: how much of an occurrence's weight a long text takes away."""

AVERAGE_LENGTH: Final = 40
"""The length in words of a text that is neither short nor long. Fixed, so that weights never change."""

HEADING_WEIGHT: Final = 3
"""An occurrence in a label, a description or tags counts as so many in the text."""

HEADING_END: Final = "|"
"""Stands between the words of label and tags and the others; no word has this character."""

IMPACTS: Final = (3, 2, 1, 0)
IMPACT_BOUNDS: Final = (1.35, 1.0, 0.6)
"""The least weights of impacts 3, 2 and 1; a single occurrence in 30 words has 1.04."""

MOST_COUNTED: Final = 12
"""Further occurrences of a form in an item do not raise its impact."""

MOST_LENGTHS: Final = 4096
"""For how many lengths of texts the impacts are remembered."""

OF_ALL: Final = "t!0"
"""The token of all items."""

LEVELS: Final = (("a", 16), ("b", 128), ("c", 1024))
"""The samples, and of how many items they have one."""

MOST_TOKENS: Final = 40_000
"""How many forms and pairs of one item are indexed."""

PAIR_DISTANCE: Final = 4
"""How far apart in words the two of a pair may stand, function words between them."""


def weight(count: float, length: int) -> float:
    """Return BM25's weight of so many occurrences in a text of so many words, up to 2.2."""
    norm = SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * length / AVERAGE_LENGTH)
    return count * (SATURATION + 1) / (count + norm)


@lru_cache(maxsize=MOST_LENGTHS)
def _endings(length: int) -> Sequence[str]:
    """Return the ending of a token for each number of occurrences in a text of so many words."""
    weights = [weight(count, length) for count in range(MOST_COUNTED + 1)]
    return tuple(
        f"!{next((3 - i for i, least in enumerate(IMPACT_BOUNDS) if found >= least), 0)}" for found in weights
    )


@lru_cache(maxsize=8192)
def mark(project: str, namespace: str | None = None) -> str:
    """Return the 12 hexadecimal digits that begin every token of a project or of a namespace."""
    name = project if namespace is None else f"{project}\0{namespace}"
    return blake2b(name.encode(), digest_size=6).hexdigest()


def marks(scope: Scope) -> tuple[str, ...]:
    """Return the marks that an item of a scope is found under."""
    whole = mark(scope.project)
    return (whole, mark(scope.project, scope.namespace)) if scope.namespace else (whole,)


def mark_of(scope_filter: ScopeFilter) -> str:
    """Return the mark that a search looks under."""
    return mark(scope_filter.project, scope_filter.namespace or None)


def index_tokens(written: str, identity: str) -> list[str]:
    """Return the tokens of an item by its written words, marks left out; none if it says nothing.

    ``identity`` decides, the same in every store, whether the item is in the samples.
    """
    if not written:
        return []
    heading, bar, text = written.rpartition(HEADING_END)
    read = [described[word] for word in text.split()]
    counts: dict[str, int] = Counter([form for forms, _ in read for form in forms])
    pairs = _pairs(read)
    if bar:
        read = [described[word] for word in heading.split()]
        for form, count in Counter([form for forms, _ in read for form in forms]).items():
            counts[form] = counts.get(form, 0) + HEADING_WEIGHT * count
        pairs += _pairs(read)
    endings = _endings(length_of(written))
    tokens = ["t" + form + endings[count if count < MOST_COUNTED else -1] for form, count in counts.items()]
    tokens += dict.fromkeys(pairs)
    del tokens[MOST_TOKENS:]
    tokens.append(OF_ALL)
    for letter in _samples(identity):
        tokens.append(letter)
        tokens += [letter + form for form in counts]
    return tokens


def length_of(written: str) -> int:
    """Return the length of an item in words, by its written words."""
    return written.count(" ") + 1


def _pairs(read: Sequence[Described]) -> list[str]:
    """Return the pairs of neighbours among words; see PAIR_DISTANCE."""
    placed = [(place, paired) for place, (_, paired) in enumerate(read) if paired]
    return [
        f"p{one}_{other}"
        for (place, one), (behind, other) in pairwise(placed)
        if behind - place <= PAIR_DISTANCE
    ]


def _samples(identity: str) -> Iterator[str]:
    number = crc32(identity.encode())
    return (letter for letter, one_in in LEVELS if number % one_in == 0)


def index_text(written: str, identity: str) -> str:
    """Return the same as ``index_tokens`` in one text, separated by spaces."""
    return " ".join(index_tokens(written, identity))


def marked_text(tokens: str, scope: Scope) -> str:
    """Return a text of tokens with every mark that an item of a scope is found under."""
    return " ".join([found + tokens.replace(" ", f" {found}") for found in marks(scope)]) if tokens else ""


def mark_tokens(tokens: Sequence[str], scope: Scope) -> list[str]:
    """Return the same of a list of tokens."""
    return [found + token for found in marks(scope) for token in tokens]
