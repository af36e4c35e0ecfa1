"""From text to words: cut, folded and stemmed; what the index and the ranking are made from.

A word is written as ``plain`` when it is its own stem, else as ``plain/KEEP`` or ``plain/KEEP/rest``: the
stem is the first KEEP characters of the plain form, and the rest (``reservation/6``, ``happy/4/i``). Folding
takes away case, compatibility forms and accents (NFKD, then no combining marks), so that "Résumé"
is found by "resume". A compound ("AB-1234-X", "user_name", "getName", "anna@example.org") gives its
parts and, marked by a leading ``=``, the whole without what joins it. Scripts that are written
without spaces (Chinese, Japanese, Thai ...) give each pair of neighbours, and the last character.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice, pairwise
from typing import Final
from unicodedata import category, combining, normalize
from unicodedata import name as name_of

from .languages import BY_FUNCTION_WORD, Languages, find_languages, script_of, stem, stem_in

LONGEST_WORD: Final = 64
"""Words are cut to this many characters."""

MOST_WORDS: Final = 20_000
"""How many words of one item keep their place; of what comes later, each is kept once, as many again."""

LONGEST_TEXT: Final = 1024 * 1024
"""How many characters of one item are read."""

_STEP: Final = 10_000
"""How many characters are made into pairs without letting other threads run."""

NOTHING_KEPT: Final = "/0/"
"""Stands in a written word whose stem does not begin as the word does."""

MOST_CHUNKS: Final = 20_000
"""How many words, as they are written in texts, each reader remembers."""

MOST_LANGUAGES: Final = 12
"""For how many combinations of languages a reader is kept."""

# A possessive 's is no word of its own; any other apostrophe separates (l'avion).
_POSSESSIVE: Final = re.compile(r"['\u2019\u02bc][sS](?!\w)")
_RUN: Final = "[A-Za-z0-9\u0080-\U0010ffff]+"
CHUNK: Final = re.compile(rf"{_RUN}(?:[-_.:/@\\+#&=?%,~$]{{1,3}}{_RUN})*")
"""Letters and digits, and what joins them without a space."""
PARTS: Final = re.compile(_RUN)
"""What a chunk is joined of."""
_GROUPED: Final = re.compile("(?<![0-9,])[0-9]{1,3}(?:,[0-9]{3})+(?![0-9,])")
_HAS_DIGIT: Final = re.compile(r"\d")
_HUMPS: Final = re.compile("(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_CODE: Final = re.compile("([A-Za-z]{2,})([0-9]{2,})|([0-9]{2,})([A-Za-z]{2,})")

# Written without spaces between words. Ranges of code points after NFKD.
_UNSPACED: Final = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f"  # Myanmar
    "\u1780-\u17ff"  # Khmer
    "\u3005-\u3007\u3021-\u3029\u3038-\u303b"  # marks and numerals among ideographs
    "\u3041-\u30ff\u31f0-\u31ff"  # Hiragana, Katakana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # ideographs
)
_RUNS: Final = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
IS_UNSPACED: Final = re.compile(f"[{_UNSPACED}]")

# Soft hyphen, joiners and the like stand inside a word without being part of its spelling.
_INVISIBLE: Final = frozenset("\u00ad\u034f\u200c\u200d\u2060\ufeff")


class _Table(dict[int, str | None]):
    """What ``str.translate`` makes of each character; filled as characters are met."""

    def __init__(self, *, accents: bool) -> None:
        super().__init__()
        self._accents = accents

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        made = _keep(character, accents=self._accents)
        if category(character) != "Cn":  # what is assigned is bounded, and worth remembering
            self[code] = made
        return made


def _keep(character: str, *, accents: bool) -> str | None:
    """Return what a character contributes to a word: itself, nothing, or an end of it."""
    kind = category(character)
    if character in _INVISIBLE:
        return None
    if kind[0] == "M":
        return character if accents or not _is_accent(character, kind) else None
    return character if kind[0] in "LN" else " "


def _is_accent(character: str, kind: str) -> bool:
    """Whether a mark may go: all but the vowel signs that spell words in Indian scripts."""
    return (
        kind == "Me"
        or combining(character) != 0
        or IS_UNSPACED.match(character) is not None
        or "VARIATION SELECTOR" in name_of(character, "")
    )


_cutting: Final = _Table(accents=True)
_folding: Final = _Table(accents=False)


def read_words(text: str) -> list[str]:
    """Return the words of a text in their order, in the languages that its own words tell."""
    return write_words(text).split()


def write_words(text: str) -> str:
    """Return the same in one text, separated by spaces."""
    text = text[:LONGEST_TEXT]
    written = _write(text, find_languages(text)[0])
    return written if written.count(" ") < MOST_WORDS else " ".join(_bounded(written.split()))


def words_in(text: str, languages: Languages) -> list[str]:
    """Return the words of a short text in their order, stemmed by the given languages."""
    return _write(text, languages).split()


def _write(text: str, languages: Languages) -> str:
    if "'" in text or "\u2019" in text or "\u02bc" in text:
        text = _POSSESSIVE.sub(" ", text)
    read = chunks_in(languages)
    written = [read[chunk] for chunk in CHUNK.findall(text)]
    return " ".join(written if all(written) else filter(None, written))


def _bounded(words: list[str]) -> list[str]:
    """Return the first words of a long text, and each of the others once."""
    kept = words[:MOST_WORDS]
    known = set(kept)
    for word in islice(words, MOST_WORDS, None):
        if word not in known:
            if len(kept) == 2 * MOST_WORDS:
                break
            known.add(word)
            kept.append(word)
    return kept


class _Chunks(dict[str, str]):
    """The words of chunks in some languages; of those that were met last, long ones apart."""

    most = MOST_CHUNKS

    def __init__(self, languages: Languages) -> None:
        super().__init__()
        self._languages = languages

    def __missing__(self, chunk: str) -> str:
        words = _read(chunk, self._languages)
        if len(chunk) <= LONGEST_WORD:
            if len(self) >= self.most:
                self.clear()
            self[chunk] = words
        return words


@lru_cache(maxsize=MOST_LANGUAGES)
def chunks_in(languages: Languages) -> Mapping[str, str]:
    """Return the words of each CHUNK of ASCII letters and digits in some languages, in one text."""
    return _Chunks(languages)


def remember_chunks(most: int) -> None:
    """Let each reader of this process remember so many words, in about 220 bytes each."""
    _Chunks.most = most


def _read(chunk: str, languages: Languages) -> str:
    """Return the words of a piece without spaces, with a space between them."""
    if is_plain_word(chunk):
        return _stemmed_plain(chunk.lower(), languages)
    chunk = _GROUPED.sub(lambda match: match[0].replace(",", ""), chunk)
    return " ".join(_compound(chunk, languages))


def is_plain_word(chunk: str) -> bool:
    """Whether a piece without spaces is one word of plain letters, and only the first may be a capital."""
    return chunk.isascii() and chunk.isalpha() and (chunk.islower() or chunk[1:].islower())


def _compound(chunk: str, languages: Languages) -> Iterator[str]:
    parts = [part for run in PARTS.findall(chunk) for part in inner_parts(run)]
    if len(parts) > 1:
        whole = fold("".join(parts)).replace(" ", "")
        if whole and not IS_UNSPACED.search(whole):
            yield from ("=" + word for word in _plain_words(whole, languages))
    for part in parts:
        yield from _plain_words(part, languages)


def inner_parts(run: str) -> list[str]:
    """Cut getUserName and AB1234 where a person sees a joint."""
    if not run.isascii():
        return [run]
    humps = _HUMPS.split(run)
    if len(humps) > 1:
        return humps
    code = _CODE.fullmatch(run)
    return [run] if code is None else [part for part in code.groups() if part]


def _plain_words(part: str, languages: Languages) -> Iterator[str]:
    if part.isascii():
        lower = part.lower()
        yield _stemmed(lower, lower, languages)
        return
    for raw in normalize("NFC", part.lower()).translate(_cutting).split():
        folded = fold(raw).split()
        for word in folded:
            spelt = raw if len(folded) == 1 else word
            for run in _RUNS.findall(word):
                if IS_UNSPACED.match(run):
                    yield from _pairs(run)
                else:
                    yield _stemmed(spelt if run == word else run, run, languages)


def _pairs(run: str) -> Iterator[str]:
    """Yield each character of an unspaced script with the one after it, and the last one."""
    for start in range(0, len(run), _STEP):
        yield from map("".join, pairwise(run[start : start + _STEP + 1]))
    yield run[-1]


def _stemmed_plain(word: str, languages: Languages) -> str:
    """Return the same as ``_stemmed`` for a word of the letters a to z, as most are."""
    plain = word[:LONGEST_WORD]
    if languages.latin is None or word in BY_FUNCTION_WORD:
        return plain
    stemmed = stem_in(languages.latin, plain)
    if plain.startswith(stemmed):
        return f"{plain}/{len(stemmed)}" if 0 < len(stemmed) < len(plain) else plain
    return _stemmed(word, word, languages)


def _stemmed(raw: str, plain: str, languages: Languages) -> str:
    """Return a word as it is written in the index; ``raw`` still has its accents.

    Latin words are stemmed without them, so that it does not matter whether accents are typed.
    """
    plain = plain[:LONGEST_WORD]
    if raw in BY_FUNCTION_WORD or _HAS_DIGIT.search(plain):
        return plain
    stemmed = stem(plain if script_of(plain[0]) == "latin" else raw[:LONGEST_WORD], languages)
    if stemmed.isascii() and plain.startswith(stemmed):  # most are, and have nothing to fold
        return f"{plain}/{len(stemmed)}" if 0 < len(stemmed) < len(plain) else plain
    folded = fold(stemmed).replace(" ", "")
    if folded == plain or not folded:
        return plain
    keep = next((i for i, (a, b) in enumerate(zip(plain, folded, strict=False)) if a != b), None)
    keep = min(len(plain), len(folded)) if keep is None else keep
    return f"{plain}/{keep}/{folded[keep:]}" if folded[keep:] else f"{plain}/{keep}"


def fold(text: str) -> str:
    """Return text without case, compatibility forms and accents; what ends a word is a space.

    Case folding can bring characters that decompose, and decomposing capitals: hence twice.
    """
    if text.isascii() and text.isalnum():
        return text.lower()
    decomposed = normalize("NFKD", text)[:LONGEST_TEXT]
    return normalize("NFKD", decomposed.casefold()).casefold().translate(_folding)
