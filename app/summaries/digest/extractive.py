"""The offline provider: a digest of quotes, chosen by rule, the same each time.

No model is involved and the digest says so. It is made in one pass; time grows with the length of
the dialogue, memory only with the budget.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from .. import (
    CLEARLY_SHORTER,
    MAXIMUM_BUDGET,
    TRANSCRIPT,
    TRANSCRIPT_TOKENS,
    Digest,
    Earlier,
    Turn,
    choose_budget,
)
from ..tokens import ESTIMATE, TokenCounter
from ..transcript import write_turn
from .candidates import Candidate, SourceCounts
from .pool import Pool
from .selection import Selection, select

PROVIDER = "extractive"
HEADER = "Digest of {turns} messages: quotes chosen by rule."
PREFIX_NOTE = ' The ids in brackets begin with "{prefix}".'
BRIEF_HEADER = "Digest of {turns} messages, {rest} left out; quoted:"
COVERED = re.compile(r'Digest of (\d+) messages(?:[^"]*The ids in brackets begin with "([^"]*)")?')
REFERENCE = re.compile(r"- \[([^\]]+)\] ")
ABOUT, QUOTED, OPEN_QUESTIONS, LEFT_OUT = "About", "Facts and decisions", "Open questions", "Left out"
SECTIONS = {ABOUT, QUOTED, OPEN_QUESTIONS}
FRAME_TOKENS = 8
"""What section names and the closing numbers take, less what quotes are usually counted too high."""

BRIEF_TOKENS = 220
"""A smaller digest is bare: speakers and their words in order, what was left out in the header."""


class Extractive:
    """Quotes the passages that carry the most ids, amounts, dates, names and decisions."""

    def __init__(self, counter: TokenCounter = ESTIMATE) -> None:
        self._count = counter.count

    def summarize(
        self,
        turns: Iterable[Turn],
        *,
        previous: Earlier | None = None,
        template: str | None = None,  # noqa: ARG002  templates are for models; quotes need none
        budget: int | None = None,
    ) -> Digest:
        """Digest the turns in one pass; ``previous`` is carried on within the budget."""
        earlier = previous or Earlier("", 0)
        pool = Pool(budget or MAXIMUM_BUDGET, self._count)
        for line, reference, about in _earlier_lines(earlier.content):
            pool.add_earlier(line, reference, about=about)
        transcript = "\n".join(filter(None, _collect(turns, pool)))
        pool.close()
        counts = pool.counts
        allowed = choose_budget(budget, counts.spoken_tokens, self._count(earlier.content))
        content = self._digest(pool, earlier.content, allowed)
        total = earlier.total_tokens + counts.transcript_tokens
        digest = Digest(content, PROVIDER, None, counts.turns, counts.skipped, total, self._count(content))
        return digest if total > TRANSCRIPT_TOKENS else self._choose(digest, transcript, budget)

    def _choose(self, digest: Digest, transcript: str, budget: int | None) -> Digest:
        """Return the digest if it is clearly shorter than the transcript, or else the transcript."""
        total = self._count(transcript)
        digest = replace(digest, total_tokens=total)
        if digest.content_tokens <= CLEARLY_SHORTER * total or (budget is not None and total > budget):
            return digest
        return replace(digest, content=transcript, provider=TRANSCRIPT, content_tokens=total)

    def _digest(self, pool: Pool, previous: str, allowed: int) -> str:
        covered = COVERED.match(previous)
        turns = pool.counts.turns + (int(covered.group(1)) if covered else 0)
        header = HEADER.format(turns=turns)
        if allowed < BRIEF_TOKENS:

            def write(room: int) -> str:
                selection = select(pool, room, self._count, brief=True)
                rest = _unshown(selection, pool.counts)
                return _write_brief(selection, BRIEF_HEADER.format(turns=turns, rest=rest))
        else:
            header += PREFIX_NOTE.format(prefix=pool.prefix) if pool.prefix else ""

            def write(room: int) -> str:
                return _write(select(pool, room - FRAME_TOKENS, self._count), header, pool)

        return self._fit(write, allowed, allowed - self._count(header))

    def _fit(self, write: Callable[[int], str], allowed: int, room: int) -> str:
        """Write within the budget: again with less room when the frame took more."""
        while True:
            content = write(room)
            excess = self._count(content) - allowed
            if excess <= 0 or room <= 0:
                return content
            room -= excess


def _collect(turns: Iterable[Turn], pool: Pool) -> Iterator[str]:
    """Fill the pool; yield a transcript of the turns as long as it is short enough to be a summary."""
    counts = pool.counts
    for turn in turns:
        pool.add_turn(turn)
        if counts.transcript_tokens <= TRANSCRIPT_TOKENS:
            yield write_turn(turn)


def _earlier_lines(previous: str) -> Iterator[tuple[str, str, bool]]:
    """The lines of a digest that say something, each with its message's id if it shows one.

    Besides, whether the line says what it is about. Of another provider's summary it is every
    line, and no ids.
    """
    prefix = section = ""
    for line in previous.split("\n"):
        if line == LEFT_OUT:
            return
        if covered := COVERED.match(line):
            prefix = covered.group(2) or ""
        elif line in SECTIONS:
            section = line
        elif line.strip():
            quoted = REFERENCE.match(line)
            text = line[quoted.end() :] if quoted else line
            yield text, prefix + quoted.group(1) if quoted else "", section == ABOUT


def _write_brief(selection: Selection, header: str) -> str:
    quoted = sorted([*selection.quoted, *_named(selection)], key=lambda candidate: candidate.place)
    lines = [header]
    for (_, label), group in groupby(quoted, key=lambda candidate: (candidate.place, candidate.label)):
        tables = groupby(group, key=lambda candidate: candidate.table)
        said = " ".join(_show_brief(table, list(rows)) for table, rows in tables)
        lines.append(f"{label}: {said}" if label else said)
    return "\n".join(lines)


def _write(selection: Selection, header: str, pool: Pool) -> str:
    chosen = selection.quoted
    about = [candidate for candidate in chosen if candidate.about]
    unsettled = [candidate for candidate in chosen if candidate.open and not candidate.about]
    quoted = [candidate for candidate in chosen if not (candidate.about or candidate.open)]
    quoted = sorted([*quoted, *_named(selection)], key=lambda candidate: candidate.place)
    sections = [header]
    for title, part in ((ABOUT, about), (QUOTED, quoted), (OPEN_QUESTIONS, unsettled)):
        if part:
            sections.append("\n".join([title, *_lines(part, selection, pool.prefix)]))
    sections.append("\n".join([LEFT_OUT, _left_out(selection, pool.counts)]))
    return "\n\n".join(sections)


def _named(selection: Selection) -> Iterator[Candidate]:
    """The facts named without a quote, as the last entry of their message's line."""
    for (place, label), (reference, facts) in selection.named.items():
        text = "mentions " + ", ".join(facts)
        yield Candidate(place, label, text, verbatim=True, reference=reference)


def _lines(part: list[Candidate], selection: Selection, prefix: str) -> Iterator[str]:
    for (place, label), group in groupby(part, key=lambda candidate: (candidate.place, candidate.label)):
        line = list(group)
        shown = place in selection.referred and line[0].reference
        reference = f"[{line[0].reference.removeprefix(prefix)}] " if shown else ""
        if label:
            tables = groupby(line, key=lambda candidate: candidate.table)
            said = " | ".join(_show(table, list(rows)) for table, rows in tables)
            yield f"- {reference}{label}: {said}"
        else:
            yield from (_earlier(candidate, reference) for candidate in line)


def _earlier(candidate: Candidate, reference: str) -> str:
    """A line of the previous digest; one that had an id loses it when the budget is small."""
    return f"- {reference}{candidate.text}" if candidate.reference else candidate.text


def _show(table: str, candidates: list[Candidate]) -> str:
    heading = f"{table}: " if table else ""
    return heading + "; ".join(map(_quote, candidates))


def _show_brief(table: str, candidates: list[Candidate]) -> str:
    texts = [candidate.text for candidate in candidates]
    return f"{table}: {'; '.join(texts)}" if table else " ".join(texts)


def _quote(candidate: Candidate) -> str:
    if candidate.code:
        return "\n" + candidate.text
    return candidate.text if candidate.verbatim else f'"{candidate.text}"'


def _left_out(selection: Selection, counts: SourceCounts) -> str:
    tokens = max(0, counts.tokens - sum(candidate.tokens for candidate in selection.quoted))
    numbers = [
        f"{_unshown(selection, counts)} of {counts.turns} messages",
        f"{tokens} of {counts.tokens} tokens",
    ]
    if counts.images:
        numbers.append(f"{counts.images} images")
    if counts.unknown:
        numbers.append(f"{counts.unknown} blocks of unknown kind")
    if counts.skipped:
        numbers.append(f"{counts.skipped} messages with nothing to read")
    return "- " + ", ".join(numbers)


def _unshown(selection: Selection, counts: SourceCounts) -> int:
    """Return how many messages neither a quote nor a mention comes from."""
    shown = {candidate.place for candidate in selection.quoted if candidate.label}
    shown.update(place for place, _ in selection.named)
    return counts.turns - len(shown)
