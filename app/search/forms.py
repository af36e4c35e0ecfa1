"""The forms by which a written word is found, and how it stands in pairs; remembered of those met last.

Indexing and ranking meet the same words again and again, and share what is remembered of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from .languages import BY_FUNCTION_WORD
from .words import IS_UNSPACED

MOST_DESCRIBED: Final = 50_000
"""Of how many words the forms are remembered, in about 350 bytes each."""

Described = tuple[tuple[str, ...], str]
"""The forms of a word, and how it stands in pairs."""


class _DescribedWords(dict[str, Described]):
    """What is remembered of words; all is forgotten when that becomes too much."""

    def __missing__(self, word: str) -> Described:
        if len(self) >= MOST_DESCRIBED:
            self.clear()
        forms = make_forms(word)
        found = self[word] = forms, _pair_form(word, forms)
        return found


described: Final = _DescribedWords()
"""The description of every written word, by the word."""


def forms_of(word: str) -> tuple[str, ...]:
    """Return the same as ``make_forms``, and remember it."""
    return described[word][0]


def pair_form(word: str) -> str:
    """Return how a word stands in pairs; nothing for function words, wholes and unspaced scripts."""
    return described[word][1]


def beginnings_of(forms: Iterable[str]) -> frozenset[str]:
    """Return the characters with which any word begins that is found by one of the forms.

    But for words with NOTHING_KEPT.
    """
    return frozenset(form[:1] for form in forms) | {"="}


def make_forms(word: str) -> tuple[str, ...]:
    """Return the forms by which a written word is found: the plain one, then its stem, or first character."""
    if word.isascii() and word.isalnum():
        return (word,)
    plain, *rest = word.lstrip("=").split("/")
    if rest:
        return plain, plain[: int(rest[0])] + "".join(rest[1:])
    is_pair = len(plain) > 1 and IS_UNSPACED.match(plain)
    return (plain, plain[0]) if is_pair else (plain,)


def _pair_form(word: str, forms: Sequence[str]) -> str:
    if word[0] == "=" or forms[0] in BY_FUNCTION_WORD:
        return ""
    return "" if not word.isascii() and IS_UNSPACED.match(word) else forms[-1]
